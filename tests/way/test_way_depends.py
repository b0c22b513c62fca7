"""Dependencies: circles, other queues, other branches, other servers, and what becomes of them."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest
from way_support import CONFIG, Stage, Told

from headgate.demo.world import change_of
from headgate.model.errors import Conflict, Denied, NotFound

pytestmark = pytest.mark.sandbox

WAITING = frozenset({"waiting"})
ABROAD = "https://forge.example.org/other/thing/pull/7"


def until(stage: Stage, number: int, words: str) -> dict[str, Any]:
    """The change, once its reason says so."""
    deadline = time.monotonic() + 30
    while True:
        change = change_of(stage.operator, number)["change"]
        if words in change["reason"]:
            return change
        assert time.monotonic() < deadline, change
        time.sleep(0.05)


def revise(
    stage: Stage, told: Told, message: str, *options: str, project: str = "app", **files: str
) -> str:
    """A new revision of a change of bea's, made on the branch; gives what the push said."""
    place = stage.clone("bea", project)
    stage.commit("bea", place, stage.files(**files), message)
    return stage.push("bea", place, "refs/for/main", f"change={told.change}", *options).said


def events(stage: Stage, number: int, kind: str) -> list[dict[str, Any]]:
    found = stage.operator.get("/events.json", {"subject": f"change/{number}"})["events"]
    return [event for event in found if event["kind"] == kind]


@pytest.fixture(scope="module")
def queues(stage: Stage) -> Stage:
    """The stage with a second branch of app, and a project whose branch has its own queue."""
    stage.add_project("alone", {"check.sh": "true\n", "headgate.toml": CONFIG})
    where = stage.data / "repositories" / "app.git"
    subprocess.run(["git", "-C", str(where), "branch", "stable", "main"], check=True)
    return stage


# -- circles -------------------------------------------------------------------------------------


def circle(stage: Stage, name: str, *, project: str = "lib") -> tuple[Told, Told]:
    """Two changes that need each other, the first of which is held back."""
    one = stage.propose("bea", stage.files(**{f"{name}_1": "1\n"}), f"{name} one", "hold")
    footer = f"Depends-On: #{one.change}"
    two = stage.propose(
        "bea", stage.files(**{f"{name}_2": "1\n"}), f"{name} two\n\n{footer}", project=project
    )
    message = f"{name} one\n\nDepends-On: #{two.change}"
    said = revise(stage, one, message, "hold", **{f"{name}_1": "2\n"})
    assert "revision 2 of" in said
    return one, two


def test_changes_that_need_each_other_wait_until_all_may_and_enter_at_once(stage: Stage) -> None:
    one, two = circle(stage, "pair")
    until(stage, two.change, f"lands together with #{one.change}, which is held back by its owner")
    note = change_of(stage.operator, two.change)["depends_on"][0]["note"]
    assert note == "lands together with it"
    stage.as_("bea").post(f"/api/changes/{one.change}/enqueue")
    assert stage.ended(one.change)["state"] == "landed"
    assert stage.ended(two.change)["state"] == "landed"
    (first,) = events(stage, one.change, "item.queued")
    (second,) = events(stage, two.change, "item.queued")
    assert second["id"] == first["id"] + 1
    assert second["data"]["position"] == first["data"]["position"] + 1
    (intended,) = events(stage, one.change, "landing.intended")
    (also,) = events(stage, two.change, "landing.intended")
    assert also["id"] == intended["id"] + 1
    (landed,) = events(stage, one.change, "branch.landed")
    assert landed["data"]["together"] == [one.change, two.change]
    views = [change_of(stage.operator, told.change) for told in (one, two)]
    assert [view["landing"]["together"] for view in views] == [[two.change], [one.change]]
    builds = [view["builds"]["nodes"][0]["build"]["id"] for view in views]
    assert builds[0] == builds[1], "tested as one"
    board = stage.operator.get("/queues/main.json")["queues"][0]["finished"]
    together = {done["change"]: done["together"] for done in board}
    assert together[one.change] == [two.change]


def test_a_member_that_is_revised_while_queued_takes_the_other_out_and_brings_it_back(
    stage: Stage,
) -> None:
    one, two = circle(stage, "again")
    stage.operator.post("/api/queues/main/freeze", {"reason": "to look at it"})
    try:
        stage.as_("bea").post(f"/api/changes/{one.change}/enqueue")
        stage.ended(one.change, frozenset({"queued"}))
        board = stage.operator.get("/queues/main.json")["queues"][0]["items"]
        together = {item["change"]: item["together"] for item in board}
        assert (together[one.change], together[two.change]) == ([two.change], [one.change])
        message = f"again one\n\nDepends-On: #{two.change}"
        revise(stage, one, message, again_1="3\n")
        deadline = time.monotonic() + 30
        while not (left := events(stage, two.change, "item.withdrawn")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (
            f"it depends on #{one.change}, which is not going to land" in left[0]["data"]["reason"]
        )
    finally:
        stage.operator.post("/api/queues/main/thaw")
    assert stage.ended(one.change)["state"] == "landed"
    assert stage.ended(two.change)["state"] == "landed"


def test_a_circle_that_is_given_up_in_part_does_not_land(stage: Stage) -> None:
    one, two = circle(stage, "given")
    stage.operator.post("/api/queues/main/freeze", {"reason": "to look at it"})
    try:
        stage.as_("bea").post(f"/api/changes/{one.change}/enqueue")
        stage.ended(one.change, frozenset({"queued"}))
        stage.as_("bea").post(f"/api/changes/{one.change}/abandon", {"reason": "no use"})
        words = f"it depends on #{one.change}, which is not going to land: abandoned by bea: no use"
        assert stage.ended(two.change, frozenset({"ejected", "waiting"}))["reason"] == words
    finally:
        stage.operator.post("/api/queues/main/thaw")


def test_a_circle_over_different_queues_is_refused_and_says_how_to_join_them(
    queues: Stage,
) -> None:
    one = queues.propose("bea", queues.files(apart_1="1\n"), "One", "hold")
    two = queues.propose(
        "bea", queues.files(a2="1\n"), f"Two\n\nDepends-On: #{one.change}", project="alone"
    )
    said = revise(queues, one, f"One\n\nDepends-On: #{two.change}", "hold", apart_1="2\n")
    assert f"The dependencies close a circle: #{one.change} → #{two.change} → #{one.change}" in said
    assert f"#{one.change} is for app:main, of the queue main" in said
    assert f"#{two.change} is for alone:main, of the queue alone:main" in said
    assert '[queues.main] projects = ["alone", "app"], branches = ["main"]' in said
    assert change_of(queues.operator, one.change)["change"]["revision"] == 1


def test_a_circle_waits_for_a_member_that_the_verdict_denies(stage: Stage) -> None:
    one, two = circle(stage, "denied")
    broken = {"headgate.toml": "[jobs.check\n"}
    revise(stage, one, f"Break it\n\nDepends-On: #{two.change}", **broken)
    until(stage, two.change, f"lands together with #{one.change}, which is denied")
    revise(stage, one, "Needs nobody any more", denied_1="3\n")
    assert stage.ended(one.change)["state"] == "landed"
    assert stage.ended(two.change)["state"] == "landed"


def test_a_stack_whose_lower_change_needs_the_upper_one_is_a_circle(stage: Stage) -> None:
    place = stage.clone("bea", "app")
    run = ["git", "-C", str(place), "-c", "user.name=Bea", "-c", "user.email=bea@example.org"]

    def push(topic: str) -> int:
        number = stage.push("bea", place, f"refs/for/main/{topic}", "hold").change
        assert number is not None
        return number

    def note(number: int) -> str:
        return change_of(stage.operator, number)["depends_on"][0]["note"]

    stage.commit("bea", place, stage.files(st_low="1\n"), "Low")
    low = push("st-low")
    stage.commit("bea", place, stage.files(st_high="1\n"), "High")
    high = push("st-high")
    subprocess.run([*run, "branch", "high"], check=True)
    subprocess.run([*run, "checkout", "-q", "HEAD~1"], check=True)
    message = f"Low\n\nDepends-On: #{high}"
    subprocess.run([*run, "commit", "-q", "--amend", "-m", message], check=True)
    assert push("st-low") == low
    stale = f"stands on revision 1 of #{low}, which is at revision 2 now"
    assert note(high) == f"{stale}, lands together with it"
    subprocess.run([*run, "rebase", "-q", "--onto", "HEAD", "high~1", "high"], check=True)
    assert push("st-high") == high
    assert note(high) == "stands on revision 2, lands together with it"
    assert note(low) == "lands together with it"
    for number in (low, high):
        stage.as_("bea").post(f"/api/changes/{number}/enqueue")
    assert stage.ended(low)["state"] == "landed"
    assert stage.ended(high)["state"] == "landed"


# -- other places --------------------------------------------------------------------------------


def test_a_dependency_in_another_queue_is_waited_for(queues: Stage) -> None:
    queues.operator.post("/api/queues/main/freeze", {"reason": "to look at it"})
    try:
        first = queues.propose("bea", queues.files(other_q="1\n"), "First")
        queues.ended(first.change, frozenset({"queued"}))
        second = queues.propose(
            "bea", queues.files(q2="1\n"), f"Two\n\nDepends-On: #{first.change}", project="alone"
        )
        queues.ended(second.change, frozenset({"queued"}))
        words = f"waits until #{first.change} has landed (it is in the queue main)"
        deadline = time.monotonic() + 30
        while change_of(queues.operator, second.change)["builds"]["item"]["reason"] != words:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        queues.operator.post("/api/queues/main/thaw")
    assert queues.ended(first.change)["state"] == "landed"
    assert queues.ended(second.change)["state"] == "landed"


def test_a_dependency_on_another_branch_is_waited_for(queues: Stage) -> None:
    first = queues.propose(
        "bea", queues.files(fix="1\n"), "Mend stable", "hold", ref="refs/for/stable"
    )
    second = queues.propose(
        "bea", queues.files(fix="1\n"), f"Mend main\n\nDepends-On: #{first.change}"
    )
    until(queues, second.change, f"waits for #{first.change}, which is ready")
    queues.as_("bea").post(f"/api/changes/{first.change}/enqueue")
    assert queues.ended(first.change)["state"] == "landed"
    assert queues.ended(second.change)["state"] == "landed"


def test_a_dependency_that_has_landed_is_no_hindrance(stage: Stage) -> None:
    first = stage.propose("bea", stage.files(early="1\n"), "Early")
    assert stage.ended(first.change)["state"] == "landed"
    page = f"{stage.url}/changes/{first.change}"
    second = stage.propose("bea", stage.files(late="1\n"), f"Late\n\nDepends-On: {page}")
    assert stage.ended(second.change)["state"] == "landed"


def test_a_dependency_that_is_abandoned_says_what_to_do(stage: Stage) -> None:
    first = stage.propose("bea", stage.files(given_up="1\n"), "First", "hold")
    second = stage.propose("bea", stage.files(orphan="1\n"), f"2\n\nDepends-On: #{first.change}")
    stage.as_("bea").post(f"/api/changes/{first.change}/abandon", {"reason": "no use"})
    until(
        stage,
        second.change,
        f"waits for #{first.change}, which is abandoned: take the footer out, or name the change "
        "that replaced it",
    )
    said = stage.refused("bea", stage.files(o="1\n"), f"3\n\nDepends-On: #{first.change}")
    assert f"names change #{first.change}, which is abandoned" in said
    revise(stage, second, "Second, alone", orphan="1\n")
    assert stage.ended(second.change)["state"] == "landed"


def test_an_abandoned_dependency_takes_those_behind_it_out_of_the_queue(stage: Stage) -> None:
    stage.operator.post("/api/queues/main/freeze", {"reason": "to look at it"})
    try:
        first = stage.propose("bea", stage.files(quit_1="1\n"), "First")
        footer = f"Depends-On: #{first.change}"
        second = stage.propose("bea", stage.files(quit_2="1\n"), f"Second\n\n{footer}")
        stage.ended(second.change, frozenset({"queued"}))
        stage.as_("bea").post(f"/api/changes/{first.change}/abandon", {"reason": "no use"})
        ended = stage.ended(second.change, frozenset({"ejected", "waiting"}))
        words = "abandoned by bea: no use"
        assert ended["reason"] == (
            f"it depends on #{first.change}, which is not going to land: {words}"
        )
    finally:
        stage.operator.post("/api/queues/main/thaw")
    assert change_of(stage.operator, second.change)["landing"] is None


# -- edited while queued -------------------------------------------------------------------------


def test_dependencies_are_added_edited_and_removed_while_queued(stage: Stage) -> None:
    stage.operator.post("/api/queues/main/freeze", {"reason": "to look at it"})
    try:
        left = stage.propose("bea", stage.files(ed_left="1\n"), "Left", "hold")
        right = stage.propose("bea", stage.files(ed_right="1\n"), "Right", "hold")
        told = stage.propose("bea", stage.files(edited="1\n"), "Edited")
        stage.ended(told.change, frozenset({"queued"}))
        revise(stage, told, f"Added\n\nDepends-On: #{left.change}", edited="2\n")
        until(stage, told.change, f"waits for #{left.change}, which is ready")
        revise(stage, told, f"Changed\n\nDepends-On: #{right.change}", edited="3\n")
        until(stage, told.change, f"waits for #{right.change}, which is ready")
        assert change_of(stage.operator, left.change)["dependents"] == []
        revise(stage, told, "Removed", edited="4\n")
        stage.ended(told.change, frozenset({"queued"}))
        assert len(events(stage, told.change, "item.withdrawn")) == 1
    finally:
        stage.operator.post("/api/queues/main/thaw")
    assert stage.ended(told.change)["state"] == "landed"


# -- other servers -------------------------------------------------------------------------------


def test_what_is_on_another_server_is_waited_for_until_a_human_says_it_landed(
    stage: Stage,
) -> None:
    told = stage.propose("coder", stage.files(abroad="1\n"), f"Use it\n\nDepends-On: {ABROAD}")
    assert f"depends on {ABROAD}, which is not on this server" in told.said
    words = (
        f"waits for {ABROAD}, which is not on this server. Once that has landed: "
        f"headgate change satisfy {told.change} {ABROAD}"
    )
    assert stage.ended(told.change, WAITING)["reason"] == words
    view = change_of(stage.operator, told.change)
    assert view["external"][0]["satisfied"] is False
    assert any(ABROAD in sentence for sentence in view["missing"])
    where, body = f"/api/changes/{told.change}/satisfy", {"address": ABROAD, "comment": "seen"}
    with pytest.raises(Denied, match="word of a human"):
        stage.as_("coder").post(where, body)
    with pytest.raises(Denied):
        stage.as_("dora").post(where, body)
    with pytest.raises(NotFound, match=f"does not depend on {ABROAD}8"):
        stage.as_("carl").post(where, {"address": f"{ABROAD}8"})
    stage.as_("carl").post(where, body)
    with pytest.raises(Conflict, match="carl has said already"):
        stage.as_("bea").post(where, body)
    assert stage.ended(told.change)["state"] == "landed"
    (said,) = events(stage, told.change, "dependency.satisfied")
    assert (said["actor"], said["data"]["address"], said["data"]["comment"]) == (
        "carl",
        ABROAD,
        "seen",
    )
    done = change_of(stage.operator, told.change)["external"][0]
    assert (done["satisfied"], done["by"]["name"], done["comment"]) == (True, "carl", "seen")


def test_the_word_about_another_server_holds_for_the_next_revision(stage: Stage) -> None:
    footer = f"Depends-On: {ABROAD}"
    told = stage.propose("bea", stage.files(twice="1\n"), f"Use it\n\n{footer}", "hold")
    stage.ended(told.change, WAITING)
    stage.as_("bea").post(f"/api/changes/{told.change}/satisfy", {"address": ABROAD})
    stage.ended(told.change, frozenset({"ready"}))
    revise(stage, told, f"Use it well\n\n{footer}", twice="2\n")
    assert stage.ended(told.change)["state"] == "landed"


def test_a_change_that_depends_on_nothing_outside_has_nothing_to_be_said(stage: Stage) -> None:
    told = stage.propose("bea", stage.files(inside="1\n"), "Inside", "hold")
    with pytest.raises(NotFound, match="nothing outside of this server"):
        stage.as_("bea").post(f"/api/changes/{told.change}/satisfy", {"address": ABROAD})
