"""Where commits come from: every rule's own examples, and how evidence is weighed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.change import CommitInfo, Signature
from headgate.model.ids import Commit, PrincipalId
from headgate.model.origin import Grade, Origin, OriginKind
from headgate.model.principal import Principal, PrincipalKind
from headgate.provenance.detect import PushContext, co_authors, detect
from headgate.provenance.rules import Look, Rule, all_rules

ADA = Principal(PrincipalId(1), "ada", PrincipalKind.HUMAN, "Ada Lovelace", "ada@example.org", None)
BOT = Principal(PrincipalId(2), "bot", PrincipalKind.AGENT, "Bot", "", PrincipalId(1))
SERVICE = Principal(PrincipalId(3), "mirror", PrincipalKind.SERVICE, "Mirror", "", None)
HUMANS = frozenset({"ada@example.org", "grace@example.org"})
CLAUDE = "Co-Authored-By: Claude Opus 4.5 <noreply@anthropic.com>"


def commit(
    message: str = "Fix it\n",
    author: str = "Ada Lovelace <ada@example.org>",
    committer: str = "Ada Lovelace <ada@example.org>",
) -> CommitInfo:
    def signature(text: str) -> Signature:
        name, _, email = text.rpartition(" <")
        return Signature(name, email.rstrip(">"), 1)

    return CommitInfo(Commit("a" * 40), (), signature(author), signature(committer), message)


def origin_of(
    one: CommitInfo,
    who: Principal = ADA,
    options: tuple[str, ...] = (),
    topic: str = "",
) -> Origin:
    sponsor = "ada" if who.kind is PrincipalKind.AGENT else ""
    return detect(one, PushContext(who, sponsor, options, topic), HUMANS)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_every_rule_keeps_its_own_examples(rule: Rule) -> None:
    assert rule.yes
    assert rule.no
    for text in rule.yes:
        assert rule.evidence(text, "there") is not None, text
    for text in rule.no:
        assert rule.evidence(text, "there") is None, text


def test_no_rule_finds_what_another_leaves_alone_as_a_person() -> None:
    people = [r for r in all_rules() if r.look is Look.PERSON]
    innocent = [text for rule in people for text in rule.no]
    assert [(r.id, t) for r in people for t in innocent if r.evidence(t, "author")] == []


def test_rules_have_names_of_their_own() -> None:
    names = [rule.id for rule in all_rules()]
    assert len(set(names)) == len(names)


def test_what_an_agent_pushes_is_ai_whatever_it_says() -> None:
    origin = origin_of(commit(author="Jo <jo@example.org>"), BOT, ("origin=human",))
    assert (origin.kind, origin.grade, origin.tool) == (OriginKind.AI, Grade.A, "Bot")
    assert origin.prompter == "ada"


def test_an_agent_that_pushes_a_known_humans_commit() -> None:
    origin = origin_of(commit(author="Grace <Grace@Example.org>"), BOT)
    assert (origin.kind, origin.grade) == (OriginKind.MIXED, Grade.A)


def test_a_human_pushing_own_commits() -> None:
    origin = origin_of(commit())
    assert (origin.kind, origin.grade) == (OriginKind.HUMAN, Grade.C)
    assert origin.prompter == ""


def test_unknown_is_not_human() -> None:
    origin = origin_of(commit(author="Jo <jo@example.org>"))
    assert (origin.kind, origin.grade, origin.evidence) == (OriginKind.UNKNOWN, None, ())


def test_a_principal_without_an_address_owns_no_commit() -> None:
    nameless = Principal(PrincipalId(4), "x", PrincipalKind.HUMAN, "X", "", None)
    assert origin_of(commit(author="X <>"), nameless).kind is OriginKind.UNKNOWN


def test_a_co_author_tells_tool_and_model_and_the_pusher_prompted() -> None:
    origin = origin_of(commit(f"Fix it\n\nWhy.\n\n{CLAUDE}\nClaude-Session: s-1\n"))
    assert (origin.kind, origin.grade) == (OriginKind.AI, Grade.B)
    assert (origin.tool, origin.model, origin.session) == ("Claude Code", "Claude Opus 4.5", "s-1")
    assert origin.prompter == "ada"
    assert {e.rule for e in origin.evidence} == {
        "push/own-commit",
        "claude/person",
        "claude/session",
    }


def test_all_claims_are_kept_and_the_strongest_decides() -> None:
    origin = origin_of(
        commit(author="dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>"),
        topic="codex/x",
    )
    assert (origin.kind, origin.tool) == (OriginKind.AUTOMATION, "Dependabot")
    assert {e.kind for e in origin.evidence} == {OriginKind.AUTOMATION, OriginKind.AI}


def test_of_equal_claims_ai_decides() -> None:
    origin = origin_of(commit(), topic="codex/add-tests")
    assert (origin.kind, origin.grade, origin.tool) == (OriginKind.AI, Grade.C, "Codex")


def test_declared_with_push_options() -> None:
    origin = origin_of(commit(), options=("topic=x", "ai-tool=Foo", "ai-model=bar-1"))
    assert (origin.kind, origin.grade) == (OriginKind.AI, Grade.B)
    assert (origin.tool, origin.model) == ("Foo", "bar-1")


def test_a_service_pushes_automation_unless_something_says_more() -> None:
    assert origin_of(commit(author="M <m@x.org>"), SERVICE).kind is OriginKind.AUTOMATION
    told = origin_of(commit(f"x\n\n{CLAUDE}", author="M <m@x.org>"), SERVICE)
    assert told.kind is OriginKind.AI
    assert told.prompter == ""


@pytest.mark.parametrize(
    ("message", "tool", "model"),
    [
        ("x\n\nAssisted-by: Claude:claude-opus-4 [sparse]", "Claude", "claude-opus-4"),
        ("x\n\nGenerated-By: Cursor", "Cursor", ""),
        ("x\n\nGenerated with [Claude Code](https://claude.com/claude-code)", "Claude Code", ""),
        ("x\n\n\U0001f916 Generated with [Claude Code](https://c.example)", "Claude Code", ""),
    ],
)
def test_ways_of_declaring(message: str, tool: str, model: str) -> None:
    origin = origin_of(commit(message))
    assert (origin.kind, origin.tool, origin.model) == (OriginKind.AI, tool, model)


@pytest.mark.parametrize(
    "message",
    [
        "Drop the Co-authored-by: Claude <noreply@anthropic.com> line from docs",
        "Explain why files Generated with Claude Code need review",
        "x\n\n> Co-authored-by: Claude <noreply@anthropic.com>",
        "x\n\nReviewed-by: Claude <noreply@anthropic.com>",
        "x\n\nCo-authored-by: Jane <jane@anthropic.com>",
    ],
)
def test_what_only_looks_like_a_sign(message: str) -> None:
    assert origin_of(commit(message)).kind is OriginKind.HUMAN


def test_co_authors_of_a_message() -> None:
    message = "x\n\nCo-authored-by: A B <a@b.c>\nco-authored-by:<d@e.f>\nCo-authored-by: broken"
    assert co_authors(message) == (("A B", "a@b.c"), ("", "d@e.f"))


@given(
    message=st.text(max_size=300),
    options=st.lists(st.text(max_size=30), max_size=3).map(tuple),
    topic=st.text(max_size=30),
    author=st.text(max_size=30),
)
def test_any_commit_has_an_origin(
    message: str, options: tuple[str, ...], topic: str, author: str
) -> None:
    by_agent = origin_of(commit(message, author=f"{author} <x@y.z>"), BOT, options, topic)
    assert by_agent.kind is OriginKind.AI
    assert by_agent.grade is Grade.A
    again = origin_of(commit(message + "\n\n" + CLAUDE), ADA, options, topic)
    assert again.kind is OriginKind.AI


@pytest.mark.parametrize(
    "message", ["a" * 2_000_000, "Generated by " * 100_000, "x: y\n" * 200_000, "<" * 500_000]
)
def test_a_hostile_message_costs_little(message: str) -> None:
    begun = time.perf_counter()
    origin_of(commit(f"{message}\n{CLAUDE}"))
    assert time.perf_counter() - begun < 2
