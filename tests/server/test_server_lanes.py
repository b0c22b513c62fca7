"""A queue of lanes as its pages and its API show it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from server_support import Served
from test_server_queue import Author

from headgate.cli.main import run
from headgate.cli.queue_why import explanation, why_lines

PROJECT = """\
[jobs.a]
run = "sleep 1; ! grep -q bad a"
reads = ["a"]
files = ["a"]

[jobs.b]
run = "! grep -q bad b"
reads = ["b"]
files = ["b"]

[jobs.c]
run = "test $HEADGATE_ATTEMPT != 1"
attempts = 2
reads = ["c"]
files = ["c"]
"""
POLICY = """\
[queues.main]
projects = ["app"]
branches = ["main"]
mode = "lanes"
slots = 2
"""


@pytest.fixture
def ada(served: Served, tmp_path: Path) -> Author:
    body = {"files": {"policy.toml": POLICY}, "reason": "lanes"}
    assert served.operator.post("/api/policy/import", json=body).status_code == 200
    author = Author(served, tmp_path, "ada")
    author.begin({"headgate.toml": PROJECT, "a": "bad\n", "b": "fine\n"})
    return author


def view(served: Served, number: int, *states: str) -> dict[str, object]:
    """The page of a change once its reason or state says one of these."""
    for _ in range(1200):
        found = served.operator.get(f"/changes/{number}.json").json()
        item = found["builds"]["item"]
        if found["change"]["state"] in states or (item and item["reason"].startswith(states)):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def test_the_page_of_a_change_says_what_a_queue_of_lanes_makes_of_it(ada: Author, served: Served):
    held, _ = ada.push("a", "bad and worse\n")
    found = view(served, held, "held, not its fault")
    assert "job app/a fails on main without any change" in found["builds"]["item"]["reason"]  # type: ignore[index]
    words = "\n".join(why_lines(explanation(found)))
    assert "nothing else in the queue can affect it" in words
    assert "asked of the branch without any change: job run 2 (a) failed" in words
    run = served.operator.get("/jobs/2.json").json()
    assert run["node"]["assumed"] == "on main, without any change"
    assert run["change"]["number"] == held

    other, _ = ada.push("b", "finer\n")
    landed = view(served, other, "landed")
    assert landed["lanes"] is None
    mends, _ = ada.push("a", "fine\n")
    beside = view(served, mends, "queued")["lanes"]["beside"]  # type: ignore[index]
    assert [(one["change"], one["ahead"]) for one in beside] == [(held, True)]
    assert beside[0]["why"] in ("both touch a", "they do not merge onto each other")
    view(served, mends, "landed")
    told = view(served, held, "ejected")
    assert "does not merge onto main: conflict in a" in told["change"]["reason"]  # type: ignore[index]
    board = served.operator.get("/queues.json").json()["queues"][0]
    assert (board["mode"], board["slots"], board["edge"]) == ("lanes", 2, 0)


def test_jobs_that_contradict_themselves_are_listed(
    ada: Author,
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("HEADGATE_URL", served.url)
    monkeypatch.setenv("HEADGATE_TOKEN", served.human("eve"))

    def said(*arguments: str) -> str:
        capsys.readouterr()  # The server in this process has said things, too.
        assert run(["job", "flaky", *arguments]) == 0
        return capsys.readouterr().out

    assert said() == "No job failed and passed on the same content in the last 30 days.\n"
    number, _ = ada.push("c", "fine\n")
    view(served, number, "landed")
    (one,) = json.loads(said("--json"))["flaky"]
    del one["last_seen"]
    assert one == {"project": "app", "job": "c", "count": 1, "failed": 1, "passed": 2}
    assert json.loads(said("--json", "--project", "b")) == {"flaky": []}
    head, row = said().splitlines()
    assert head.split() == ["JOB", "TIMES", "LAST", "SEEN", "FAILED", "RUN", "PASSED", "RUN"]
    assert (row.split()[:2], row.split()[-2:]) == (["app/c", "1"], ["1", "2"])
