"""headgate.toml and the policy, changed while changes are tested: on a real server."""

from __future__ import annotations

import time
from typing import Any

import pytest
from way_support import CONFIG, POLICY, Stage

from headgate.demo.world import change_of

pytestmark = pytest.mark.sandbox

SLOW = "if test -e wait; then sleep 4; fi\ntest ! -e broken\n"


def jobs(stage: Stage, number: int) -> list[dict[str, Any]]:
    """Every job run of a change's futures."""
    nodes = change_of(stage.operator, number)["builds"]["nodes"]
    return [job for node in nodes for job in node["jobs"]]


def running(stage: Stage, number: int) -> None:
    deadline = time.monotonic() + 30
    while not any(job["state"] == "running" for job in jobs(stage, number)):
        assert time.monotonic() < deadline, change_of(stage.operator, number)
        time.sleep(0.05)


def test_a_change_that_adds_a_job_is_the_first_that_the_job_judges(stage: Stage) -> None:
    added = f'{CONFIG}\n[jobs.strict]\nrun = ["sh", "-c", "test ! -e forbidden"]\n'
    both = {"headgate.toml": added, "forbidden": "1\n"}
    refused = stage.propose("bea", stage.files(**both), "Forbid what it brings")
    ended = stage.ended(refused.change)
    assert ended["state"] == "ejected"
    assert "job app/strict failed (exit 1)" in ended["reason"]
    adds = stage.propose("bea", stage.files(**{"headgate.toml": added}), "Forbid")
    assert stage.ended(adds.change)["state"] == "landed"
    assert {job["job"] for job in jobs(stage, adds.change)} == {"check", "strict"}
    behind = stage.propose("carl", stage.files(forbidden="1\n"), "What is forbidden")
    assert "job app/strict failed" in stage.ended(behind.change)["reason"]


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ('[jobs.check]\nrun = ["true"]\n\n[jobs.other\n', ":4", "not TOML"),
        ('[jobs.check]\nrun = ["true"]\ntimeout = "soon"\n', ":3", "timeout"),
        ('[jobs.check]\nrun = ["true"]\nneeds = ["nothing"]\n', ":3", "nothing"),
    ],
)
def test_a_broken_configuration_is_refused_at_the_verdict_with_line_and_reason(
    stage: Stage, text: str, where: str, why: str
) -> None:
    told = stage.propose("bea", stage.files(**{"headgate.toml": text}), "Break it")
    ended = stage.ended(told.change)
    assert ended["state"] == "denied"
    (check,) = [
        c for c in change_of(stage.operator, told.change)["checks"] if c["check"] == "configuration"
    ]
    (finding,) = check["findings"]
    assert finding["path"] == "headgate.toml"
    assert finding["line"] == int(where[1:])
    assert why in finding["message"]
    assert f"headgate.toml{where}" in told.said


def test_another_policy_takes_force_while_a_queue_runs_and_nothing_is_lost(stage: Stage) -> None:
    stage.add_project("slow", {"check.sh": SLOW, "headgate.toml": CONFIG})
    told = stage.propose("bea", stage.files(wait="1\n"), "Take a while", project="slow")
    running(stage, told.change)
    held = stage.propose("bea", stage.files(next="1\n"), "Wait", "hold", project="slow")
    stage.ended(held.change, frozenset({"ready"}))
    stricter = f'{POLICY}\n[[approvals]]\nname = "lib"\ncount = 1\nprojects = ["lib"]\n'
    body = {"files": {"policy.toml": stricter}, "reason": "stricter for lib"}
    stage.operator.post("/api/policy/import", body)
    lib = stage.propose("bea", stage.files(other="1\n"), "Needs an approval now", project="lib")
    assert "approval" in stage.ended(lib.change, frozenset({"waiting"}))["reason"]
    assert change_of(stage.operator, held.change)["change"]["state"] == "ready"
    assert stage.ended(told.change)["state"] == "landed"
    assert [job["state"] for job in jobs(stage, told.change)] == ["passed"]


def test_a_policy_that_asks_more_of_a_queued_change_takes_out_that_one_only(stage: Stage) -> None:
    stage.add_project("calm", {"check.sh": SLOW, "headgate.toml": CONFIG})
    stage.add_project("wild", {"check.sh": SLOW, "headgate.toml": CONFIG})
    calm = stage.propose("bea", stage.files(wait="1\n"), "Calm", project="calm")
    wild = stage.propose("bea", stage.files(wait="1\n"), "Wild", project="wild")
    running(stage, calm.change)
    stricter = f'{POLICY}\n[[approvals]]\nname = "wild"\ncount = 1\nprojects = ["wild"]\n'
    body = {"files": {"policy.toml": stricter}, "reason": "stricter for wild"}
    stage.operator.post("/api/policy/import", body)
    waiting = stage.ended(wild.change, frozenset({"waiting", "landed"}))
    assert waiting["state"] == "waiting"
    assert "approval" in waiting["reason"]
    assert stage.ended(calm.change)["state"] == "landed"
    assert [job["state"] for job in jobs(stage, calm.change)] == ["passed"]
    stage.as_("carl").post(f"/api/changes/{wild.change}/approve")
    assert stage.ended(wild.change)["state"] == "landed"
