"""Proposals and footers as people push them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.forge.own import OwnForge
from headgate.model.change import Entry
from headgate.model.errors import BadInput
from headgate.model.ids import Commit

FORGE = OwnForge("http://127.0.0.1:8417")
HEAD = Commit("a" * 40)
BRANCHES = ("main", "release/1.0", "release")


def propose(ref: str, *options: str) -> tuple[str, str]:
    proposal = FORGE.proposal("app", ref, HEAD, options, BRANCHES)
    return proposal.branch, proposal.topic


def test_the_longest_existing_branch_wins_and_the_rest_is_the_topic() -> None:
    assert propose("refs/for/main") == ("main", "")
    assert propose("refs/for/main/login") == ("main", "login")
    assert propose("refs/for/main/fix/login") == ("main", "fix/login")
    assert propose("refs/for/release/1.0") == ("release/1.0", "")
    assert propose("refs/for/release/1.0/fix") == ("release/1.0", "fix")
    assert propose("refs/for/release/2.0") == ("release", "2.0")


def test_a_topic_may_come_by_push_option_but_only_one() -> None:
    assert propose("refs/for/main", "topic=login") == ("main", "login")
    assert propose("refs/for/main/login", "topic=login") == ("main", "login")
    with pytest.raises(BadInput, match="Give the topic once"):
        propose("refs/for/main/login", "topic=logout")


def test_hold_keeps_a_change_out_of_its_queue() -> None:
    assert FORGE.proposal("app", "refs/for/main", HEAD, ("hold",), BRANCHES).entry is Entry.HELD
    assert FORGE.proposal("app", "refs/for/main", HEAD, (), BRANCHES).entry is Entry.AUTOMATIC


@pytest.mark.parametrize(
    ("ref", "options", "says"),
    [
        ("refs/for/", (), "not a place for changes"),
        ("refs/for/mian", (), "Did you mean refs/for/main"),
        ("refs/for/other", (), "Its branches: main, release"),
        ("refs/for/main", ("tpoic=x",), "Did you mean topic"),
        ("refs/for/main", ("what",), "is not known"),
        ("refs/for/main", ("change=seven",), "names no change"),
        ("refs/for/main/-x", (), "is not usable"),
        ("refs/for/main", ("topic=a b",), "is not usable"),
    ],
)
def test_what_cannot_be_a_proposal_is_refused_with_a_remedy(
    ref: str, options: tuple[str, ...], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        propose(ref, *options)


def test_a_project_without_a_branch_says_so() -> None:
    with pytest.raises(BadInput, match="no branch at all"):
        FORGE.proposal("app", "refs/for/main", HEAD, (), ())


def test_footers_name_changes_by_number_or_by_page() -> None:
    message = (
        "Use it\n\nDepends-On: #12\ndepends-on: 13\n"
        "Depends-On: http://127.0.0.1:8417/changes/14\nDepends-On: #12\n"
    )
    assert [d.change for d in FORGE.depends_on(message)] == [12, 13, 14]


@pytest.mark.parametrize(
    ("footer", "external"),
    [
        ("nothing", False),
        ("http://elsewhere.example/changes/1", True),
        ("https://forge.example.org/a/b/pull/7", True),
        ("https://forge.example.org/" + "a" * 500, False),
        ("http://127.0.0.1:8417/projects/1", False),
        ("http://[::1/changes/1", False),
        ("ssh://elsewhere.example/changes/1", False),
        ("http:///changes/1", False),
        ("#", False),
        ("", False),
    ],
)
def test_a_footer_that_names_no_change_of_ours_is_kept_as_such(footer: str, external: bool) -> None:
    (found,) = FORGE.depends_on(f"Use it\n\nDepends-On: {footer}\n")
    assert found.text == footer
    assert found.change is None
    assert found.external == external


@given(st.text())
def test_no_message_breaks_the_reading_of_footers(message: str) -> None:
    for found in FORGE.depends_on(message):
        assert found.change is None or (found.change >= 0 and not found.external)


@given(st.text(), st.lists(st.text(), max_size=3))
def test_a_proposal_is_understood_or_refused_in_words(ref: str, options: list[str]) -> None:
    try:
        proposal = FORGE.proposal("app", f"refs/for/{ref}", HEAD, options, BRANCHES)
    except BadInput:
        return  # In words: that is what BadInput is made of.
    assert proposal.branch in BRANCHES
