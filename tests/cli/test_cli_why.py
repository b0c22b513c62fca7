"""What `headgate queue why` says of a change in a queue of lanes."""

from __future__ import annotations

from typing import Any

from headgate.cli.queue_why import why_lines


def found(*beside: dict[str, Any]) -> dict[str, Any]:
    lanes = {"waits": "", "chance": 0.9, "because": [], "beside": list(beside), "hidden": 0}
    return {
        "change": 7,
        "state": "queued",
        "reason": "",
        "item": {"state": "waiting", "reason": ""},
        "queue": "main",
        "waits_for": [],
        "lanes": lanes,
        "futures": [],
        "more_futures": 0,
        "evidence": [],
    }


def other(number: int, *, ahead: bool) -> dict[str, Any]:
    return {"change": number, "ahead": ahead, "why": "it changes headgate.toml"}


def test_a_change_that_affects_all_names_a_few_and_counts_the_others():
    """One to headgate.toml does; the queue may hold thousands."""
    behind = [other(n, ahead=False) for n in range(100, 140)]
    ahead = [other(n, ahead=True) for n in range(140, 160)]
    lines = list(why_lines(found(*behind, *ahead)))
    named = [line for line in lines if line.startswith("can affect")]
    assert len(named) == 12
    assert all("ahead of it" in line for line in named), "what it waits for comes first"
    assert lines[-1] == "and 48 more, 8 of them ahead of it; `--json` names them all"


def test_a_few_are_all_named():
    lines = list(why_lines(found(other(8, ahead=False))))
    assert lines[-1] == "can affect #8 behind it, or be affected: it changes headgate.toml"
