"""Who may write which ref, in words."""

from __future__ import annotations

import pytest

from headgate.model.ids import PrincipalId
from headgate.model.principal import Principal, PrincipalKind
from headgate.server.flow.rules import ZERO, RefWish, refuse

URL = "http://127.0.0.1:8417"
ADA = Principal(PrincipalId(1), "ada", PrincipalKind.HUMAN, "Ada", "ada@example.org", None)
BOT = Principal(PrincipalId(2), "bot", PrincipalKind.AGENT, "Bot", "", PrincipalId(1))
NEW = "a" * 40


@pytest.mark.parametrize("who", [ADA, BOT])
def test_nobody_pushes_to_a_branch_and_is_told_what_to_do_instead(who: Principal) -> None:
    why = refuse(RefWish("refs/heads/main", NEW, "b" * 40), who, "app", URL)
    assert "gated" in why
    assert f"git push {URL}/git/app.git HEAD:refs/for/main" in why


def test_a_push_makes_no_branch() -> None:
    why = refuse(RefWish("refs/heads/new", ZERO, NEW), ADA, "app", URL)
    assert "has no branch new" in why
    assert "refs/for/BRANCH" in why


@pytest.mark.parametrize("who", [ADA, BOT])
def test_everybody_may_propose(who: Principal) -> None:
    assert refuse(RefWish("refs/for/main", ZERO, NEW), who, "app", URL) == ""


@pytest.mark.parametrize("old", [NEW, ZERO])
def test_a_proposal_cannot_be_deleted(old: str) -> None:
    assert "change abandon" in refuse(RefWish("refs/for/main", old, ZERO), ADA, "app", URL)


def test_each_has_a_place_of_its_own() -> None:
    assert refuse(RefWish("refs/agents/bot/wip", ZERO, NEW), BOT, "app", URL) == ""
    assert refuse(RefWish("refs/users/ada/wip", ZERO, NEW), ADA, "app", URL) == ""


@pytest.mark.parametrize(
    "ref",
    ["refs/agents/other/wip", "refs/agents/bo", "refs/users/bot/x", "refs/notes/x"],
)
def test_an_agent_has_no_other_place(ref: str) -> None:
    assert "may push only to" in refuse(RefWish(ref, ZERO, NEW), BOT, "app", URL)


@pytest.mark.parametrize("ref", ["refs/agents/bot/x", "refs/headgate/changes/1/1"])
def test_a_human_has_no_other_place(ref: str) -> None:
    assert "refs/users/ada/" in refuse(RefWish(ref, ZERO, NEW), ADA, "app", URL)


def test_a_tag_is_new_or_refused() -> None:
    """Who may push one is the permissions' question; that none moves is this one's."""
    new = RefWish("refs/tags/v1", ZERO, "a" * 40)
    assert refuse(new, ADA, "app", URL) == ""
    for wish in (
        RefWish("refs/tags/v1", "b" * 40, "a" * 40),
        RefWish("refs/tags/v1", "b" * 40, ZERO),
    ):
        assert "neither moved nor deleted" in refuse(wish, ADA, "app", URL)
