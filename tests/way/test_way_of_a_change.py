"""The way of a change, from a push to the branch, on a real server."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from way_support import Stage

from headgate.cli.client import Client, Target
from headgate.demo.world import change_of
from headgate.model.errors import Conflict, Denied, HeadgateError, NotSignedIn

pytestmark = pytest.mark.sandbox


def test_a_humans_change_lands_as_the_exact_tree_that_was_tested(stage: Stage) -> None:
    told = stage.propose("bea", stage.files(a="1\n"), "Add a")
    assert f"/changes/{told.change}" in told.said
    assert f"verdict on #{told.change}: allowed" in told.said
    assert stage.ended(told.change)["state"] == "landed"
    landing = change_of(stage.operator, told.change)["landing"]
    assert landing["tested_tree"] == landing["landed_tree"]
    assert stage.head() == landing["commit"]


def test_the_same_topic_by_the_same_principal_is_a_new_revision(stage: Stage) -> None:
    first = stage.propose("carl", stage.files(b="1\n"), "Add b", "hold", "topic=b")
    again = stage.propose("carl", stage.files(b="2\n"), "Add b differently", "hold", "topic=b")
    assert again.change == first.change
    assert "revision 2 of" in again.said
    other = stage.propose("bea", stage.files(b="3\n"), "Add b too", "hold", "topic=b")
    assert other.change != first.change


def test_a_failing_change_is_ejected_with_the_job_and_its_log(stage: Stage) -> None:
    told = stage.propose("coder", stage.files(broken="\n"), "Break it")
    ended = stage.ended(told.change)
    assert ended["state"] == "ejected"
    assert "check" in ended["reason"]
    assert "/jobs/" in ended["reason"]
    assert "broken" not in stage_files(stage)


def test_two_that_pass_alone_and_fail_together(stage: Stage) -> None:
    one = stage.propose("bea", stage.files(one="\n"), "One", "hold")
    two = stage.propose("carl", stage.files(two="\n"), "Two", "hold")
    three = stage.propose("bea", stage.files(three="\n"), "Three", "hold")
    for told in (one, two, three):
        stage.as_("bea").post(f"/api/changes/{told.change}/enqueue")
    assert stage.ended(one.change)["state"] == "landed"
    ejected = stage.ended(two.change)
    assert ejected["state"] == "ejected"
    assert stage.ended(three.change)["state"] == "landed"
    assert {"one", "three"} <= stage_files(stage)
    assert "two" not in stage_files(stage)


def test_a_change_that_breaks_another_project_is_caught_before_it_lands(stage: Stage) -> None:
    told = stage.propose("coder", stage.files(hostile="\n"), "Passes its own job")
    ended = stage.ended(told.change)
    assert ended["state"] == "ejected"
    assert "lib" in ended["reason"]


def test_a_pair_across_projects_lands_in_order(stage: Stage) -> None:
    first = stage.propose("carl", stage.files(pair="\n"), "First", "hold")
    second = stage.propose(
        "carl", stage.files(pair="\n"), f"Second\n\nDepends-On: #{first.change}", project="lib"
    )
    assert "waits for" in stage.ended(second.change, frozenset({"waiting"}))["reason"]
    stage.as_("carl").post(f"/api/changes/{first.change}/enqueue")
    assert stage.ended(first.change)["state"] == "landed"
    assert stage.ended(second.change)["state"] == "landed"
    landings = [change_of(stage.operator, t.change)["landing"]["time"] for t in (first, second)]
    assert landings == sorted(landings)


def test_what_depends_on_an_ejected_change_is_ejected_with_it(stage: Stage) -> None:
    first = stage.propose("carl", stage.files(broken="\n"), "Broken", "hold")
    second = stage.propose(
        "carl", stage.files(fine="\n"), f"Fine\n\nDepends-On: #{first.change}", project="lib"
    )
    stage.as_("carl").post(f"/api/changes/{first.change}/enqueue")
    assert stage.ended(first.change)["state"] == "ejected"
    ended = stage.ended(second.change, frozenset({"ejected", "waiting"}))
    assert f"#{first.change}" in ended["reason"]


def test_a_merge_conflict_is_reported_without_running_anything(stage: Stage) -> None:
    one = stage.propose("bea", stage.files(shared="bea\n"), "Mine", "hold")
    two = stage.propose("carl", stage.files(shared="carl\n"), "No, mine", "hold")
    for told in (one, two):
        stage.as_("bea").post(f"/api/changes/{told.change}/enqueue")
    assert stage.ended(one.change)["state"] == "landed"
    ended = stage.ended(two.change)
    assert ended["state"] == "ejected"
    assert "shared" in ended["reason"]
    builds = change_of(stage.operator, two.change)["builds"]
    assert "'job':" not in str(builds)


def test_an_agents_change_to_a_critical_path_waits_for_the_right_human(stage: Stage) -> None:
    place = stage.clone("coder", "app")
    stage.commit("coder", place, stage.files(auth__login="1\n"), "Touch the login")
    number = stage.push("coder", place, "refs/for/main/login", "hold").change
    assert number is not None
    waiting = stage.ended(number, frozenset({"waiting"}))
    assert "security" in waiting["reason"]
    with pytest.raises(Denied, match="sponsor"):
        stage.as_("carl").post(f"/api/changes/{number}/approve")
    with pytest.raises(Denied):
        stage.as_("coder").post(f"/api/changes/{number}/approve")
    stage.as_("bea").post(f"/api/changes/{number}/approve")
    assert stage.ended(number, frozenset({"waiting", "ready"}))["state"] == "waiting"
    with pytest.raises(Conflict, match="is at"):
        stage.as_("dora").post(f"/api/changes/{number}/approve", {"head": "f" * 40})
    stage.as_("dora").post(f"/api/changes/{number}/approve")
    assert stage.ended(number, frozenset({"waiting", "ready"}))["state"] == "ready"
    stage.commit("coder", place, stage.files(auth__login="2\n"), "Touch it again")
    stage.push("coder", place, "refs/for/main/login", "hold")
    assert stage.ended(number, frozenset({"waiting", "ready"}))["state"] == "waiting"
    approvals = change_of(stage.operator, number)["approvals"]
    assert [a["valid"] for a in approvals] == [False, False]
    assert "new revision" in approvals[0]["void"]
    stage.as_("dora").post(f"/api/changes/{number}/approve")
    stage.as_("carl").post(f"/api/changes/{number}/enqueue")
    assert stage.ended(number)["state"] == "landed"


@pytest.mark.parametrize("who", ["bea", "coder"])
def test_nobody_pushes_to_the_branch_itself(stage: Stage, who: str) -> None:
    place, before = stage.clone(who, "app"), stage.head()
    stage.commit(who, place, stage.files(straight="\n"), "Straight")
    pushed = stage.push(who, place, "refs/heads/main")
    assert not pushed.accepted
    assert "gated" in pushed.said
    assert "refs/for/main" in pushed.said
    assert stage.head() == before


def test_an_agent_keeps_work_in_a_place_of_its_own(stage: Stage) -> None:
    place = stage.clone("coder", "app")
    stage.commit("coder", place, stage.files(wip="\n"), "In progress")
    assert stage.push("coder", place, "refs/agents/coder/wip").accepted
    refused = stage.push("coder", place, "refs/agents/scribe/wip")
    assert not refused.accepted
    assert "refs/agents/coder/" in refused.said


def test_an_abandoned_change_leaves_the_queue_and_comes_back_with_a_push(stage: Stage) -> None:
    told = stage.propose("carl", stage.files(later="1\n"), "Later", "hold", "topic=later")
    stage.as_("carl").post(f"/api/changes/{told.change}/abandon", {"reason": "not now"})
    assert "not now" in stage.ended(told.change)["reason"]
    with pytest.raises(Conflict, match="abandoned"):
        stage.as_("carl").post(f"/api/changes/{told.change}/enqueue")
    place = stage.clone("carl", "app")
    stage.commit("carl", place, stage.files(later="2\n"), "Later, again")
    back = stage.push("carl", place, "refs/for/main", f"change={told.change}")
    assert back.change == told.change
    assert stage.ended(told.change)["state"] == "landed"


def test_the_same_head_again_changes_nothing_and_leaves_the_queue_alone(stage: Stage) -> None:
    place = stage.clone("carl", "app")
    stage.commit("carl", place, stage.files(again="1\n"), "Again")
    number = stage.push("carl", place, "refs/for/main/again").change
    assert number is not None
    repeated = stage.push("carl", place, "refs/for/main/again")
    assert not repeated.accepted
    assert stage.ended(number)["state"] == "landed"
    assert change_of(stage.operator, number)["change"]["revision"] == 1


def test_another_principal_cannot_revise_my_change(stage: Stage) -> None:
    told = stage.propose("carl", stage.files(mine="1\n"), "Mine", "hold")
    place = stage.clone("bea", "app")
    stage.commit("bea", place, stage.files(mine="2\n"), "Not mine")
    pushed = stage.push("bea", place, "refs/for/main", f"change={told.change}")
    assert not pushed.accepted
    assert "belongs to carl" in pushed.said


def test_a_stranger_sees_nothing(stage: Stage) -> None:
    stranger = Client(Target(stage.url, token="hg_" + "0" * 16 + "_" + "0" * 64))
    with pytest.raises(NotSignedIn):
        stranger.get("/changes.json")
    done = subprocess.run(
        ["git", "ls-remote", f"{stage.url}/git/app.git"],
        env={"PATH": "/usr/bin:/bin", "GIT_TERMINAL_PROMPT": "0", "HOME": str(stage.root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0


def test_the_log_verifies_and_names_what_happened(stage: Stage) -> None:
    assert stage.operator.post("/api/audit/verify")["verified"]
    events = stage.operator.get("/events.json")["events"]
    assert events


def test_a_disabled_principal_is_out_at_once(stage: Stage) -> None:
    stage.operator.post("/api/humans", {"name": "eve", "email": "eve@example.org"})
    token = stage.operator.post("/api/principals/eve/tokens", {})["token"]
    eve = Client(Target(stage.url, token=token))
    assert eve.get("/changes.json")
    stage.operator.post("/api/principals/eve/disable")
    with pytest.raises(HeadgateError):
        eve.get("/changes.json")


def stage_files(stage: Stage) -> set[str]:
    """Files of main as it is now."""
    where = Path(stage.data / "repositories" / "app.git")
    done = subprocess.run(
        ["git", "-C", str(where), "ls-tree", "--name-only", "main"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())
