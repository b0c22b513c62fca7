"""The origin of a commit, from what it says of itself and from who pushed it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from headgate.model.change import CommitInfo, Signature
from headgate.model.origin import UNKNOWN_ORIGIN, Evidence, Grade, Origin, OriginKind
from headgate.model.principal import Principal, PrincipalKind
from headgate.provenance.rules import Look, rules

_TRAILER = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,40}: *\S.*")
_CO_AUTHOR = re.compile(r"Co-authored-by: *([^<>]{0,200}?) *<([^<>\s]{1,254})> *", re.IGNORECASE)
_MOST_LINES = 2000

# Among evidence of one grade: what says most about the risk decides.
_WEIGHT = (
    OriginKind.AI,
    OriginKind.MIXED,
    OriginKind.AUTOMATION,
    OriginKind.UNKNOWN,
    OriginKind.HUMAN,
)


@dataclass(frozen=True, slots=True)
class PushContext:
    """What is known of the push that brought a commit."""

    principal: Principal
    sponsor: str = ""
    """Name of the principal's sponsor, when it is an agent."""
    options: tuple[str, ...] = ()
    topic: str = ""


def detect(
    commit: CommitInfo, push: PushContext, known_humans: frozenset[str] = frozenset()
) -> Origin:
    """The origin of a commit; `known_humans` are the addresses of human principals.

    The strongest evidence decides and all of it is kept. A commit without any evidence is of
    unknown origin, which is never the same as human.
    """
    signs = list(_signs(commit, push))
    pusher = _pusher(commit, push, known_humans)
    found = [pusher, *signs] if pusher is not None else signs
    evidence = tuple(dict.fromkeys(found))
    if not evidence:
        return UNKNOWN_ORIGIN
    best = min(evidence, key=lambda e: (e.grade, _WEIGHT.index(e.kind)))
    # Fellow evidence completes the one that decides: it may name the model and not the session.
    alike = [best, *(e for e in evidence if e.kind in (OriginKind.AI, OriginKind.MIXED))]
    return Origin(
        kind=best.kind,
        grade=best.grade,
        tool=_first(e.tool for e in alike),
        model=_first(e.model for e in alike),
        session=_first(e.session for e in alike),
        prompter=_prompter(best.kind, push),
        evidence=evidence,
    )


def co_authors(message: str) -> tuple[tuple[str, str], ...]:
    """Names and addresses of the `Co-authored-by:` lines of a message."""
    return tuple(
        (match[1], match[2]) for line in _lines(message) if (match := _CO_AUTHOR.fullmatch(line))
    )


def _pusher(commit: CommitInfo, push: PushContext, known_humans: frozenset[str]) -> Evidence | None:
    """What the authenticated push itself proves."""
    who = push.principal
    author = commit.author.email.strip().casefold()
    own = who.email.strip().casefold()
    if who.kind is PrincipalKind.AGENT:
        humans = {email.strip().casefold() for email in known_humans} - {"", own}
        if author in humans:
            return Evidence(
                "push/agent-with-human-commit",
                f"pushed by the agent {who.name}, authored by {commit.author.email}",
                OriginKind.MIXED,
                Grade.A,
                tool=who.display or who.name,
            )
        return Evidence(
            "push/agent",
            f"pushed by the agent {who.name}",
            OriginKind.AI,
            Grade.A,
            tool=who.display or who.name,
        )
    if who.kind is PrincipalKind.SERVICE:
        return Evidence(
            "push/service", f"pushed by the service {who.name}", OriginKind.AUTOMATION, Grade.C
        )
    if own and author == own:
        return Evidence(
            "push/own-commit",
            f"authored and pushed by {who.name}, without any sign of a tool",
            OriginKind.HUMAN,
            # Weak: somebody who uses a tool and leaves no trace looks just the same.
            Grade.C,
        )
    return None


def _signs(commit: CommitInfo, push: PushContext) -> Iterator[Evidence]:
    lines = list(_lines(commit.message))
    people = [("author", commit.author), ("committer", commit.committer)]
    people += [("co-author", Signature(n, e, 0)) for n, e in co_authors(commit.message)]
    for where, person in people:
        yield from _look(Look.PERSON, where, f"{person.name} <{person.email}>")
    for line in lines:
        if _TRAILER.fullmatch(line):
            yield from _look(Look.TRAILER, "trailer", line)
        yield from _look(Look.BODY, "message", line)
    if push.topic:
        yield from _look(Look.TOPIC, "topic", push.topic)
    for option in push.options:
        yield from _look(Look.OPTION, "push option", option)


def _look(look: Look, where: str, text: str) -> Iterator[Evidence]:
    for rule in rules(look):
        if found := rule.evidence(text, where):
            yield found


def _lines(message: str) -> Iterable[str]:
    lines = [line.rstrip() for line in message.split("\n") if line.strip()]
    if len(lines) <= _MOST_LINES:
        return lines
    # Marks stand at the beginning or, like trailers, at the end.
    return [*lines[: _MOST_LINES // 2], *lines[-_MOST_LINES // 2 :]]


def _prompter(kind: OriginKind, push: PushContext) -> str:
    if push.principal.kind is PrincipalKind.AGENT:
        return push.sponsor
    if kind in (OriginKind.AI, OriginKind.MIXED) and push.principal.is_human:
        return push.principal.name
    return ""


def _first(words: Iterable[str]) -> str:
    return next((word for word in words if word), "")
