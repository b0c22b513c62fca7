"""Stacks: a change whose commits stand on those of another open change."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from way_support import CONFIG, Stage, Told

from headgate.demo.world import change_of

pytestmark = pytest.mark.sandbox

SQUASHING = {"app": "merge", "squashed": "squash", "rebased": "rebase"}


@dataclass
class Stack:
    """A clone whose commits stand on each other, and are proposed one by one."""

    stage: Stage
    who: str
    project: str
    place: Path

    def push(self, topic: str, message: str, *options: str, **files: str) -> Told:
        """One more commit, proposed under a topic."""
        self.stage.commit(self.who, self.place, self.stage.files(**files), message)
        return self.again(topic, *options)

    def again(self, topic: str, *options: str) -> Told:
        """What is checked out, proposed under a topic."""
        ref = f"refs/for/main/{topic}"
        pushed = self.stage.push(self.who, self.place, ref, *options)
        assert pushed.change is not None, pushed.said
        return Told(pushed.change, pushed.said)

    def git(self, *arguments: str) -> None:
        run = ["git", "-C", str(self.place), "-c", "user.name=Bea"]
        subprocess.run([*run, "-c", "user.email=bea@example.org", *arguments], check=True)

    def amend(self, **files: str) -> None:
        self.stage.files(**files)(self.place)
        self.git("add", "-A")
        self.git("commit", "-q", "--amend", "--no-edit")


def stack(stage: Stage, project: str = "app", who: str = "bea") -> Stack:
    return Stack(stage, who, project, stage.clone(who, project))


def paths(view: dict[str, Any]) -> set[str]:
    return {file["path"] for file in view["diff"]["files"]}


def files(stage: Stage, project: str) -> set[str]:
    where = stage.data / "repositories" / f"{project}.git"
    listed = subprocess.run(
        ["git", "-C", str(where), "ls-tree", "-r", "--name-only", "main"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(listed.stdout.split())


def test_a_change_on_another_depends_on_it_and_owns_only_its_own_commits(stage: Stage) -> None:
    pile = stack(stage)
    low = pile.push("own-low", "Lay the ground", "hold", ground="1\n")
    high = pile.push("own-high", "Build on it", "hold", house="1\n")
    assert f"stands on #{low.change}, which has to land first or with it" in high.said
    assert f"waits for #{low.change}, which is ready" in high.said
    view = change_of(stage.operator, high.change)
    assert paths(view) == {"house"}
    assert [c["subject"] for c in view["commits"]] == ["Build on it"]
    (below,) = view["depends_on"]
    assert (below["number"], below["kind"]) == (low.change, "stack")
    assert below["note"] == "stands on revision 1"
    (above,) = change_of(stage.operator, low.change)["dependents"]
    assert above["number"] == high.change


@pytest.fixture(scope="module")
def modes(stage: Stage) -> Stage:
    """The stage, with a project for each way of merging."""
    check = "test ! -e broken\n"
    for name in ("squashed", "rebased"):
        config = f'merge = "{SQUASHING[name]}"\n{CONFIG}'
        stage.add_project(name, {"check.sh": check, "headgate.toml": config, "text": "a\nb\nc\n"})
    return stage


@pytest.mark.parametrize("project", ["squashed", "rebased"])
def test_a_stack_lands_commit_by_commit_although_the_commits_below_are_rewritten(
    modes: Stage, project: str
) -> None:
    """Each changes the line that the one below it wrote: only its own part may be merged."""
    pile = stack(modes, project)
    low = pile.push("low", "One", text="a\none\nc\n")
    assert modes.ended(low.change)["state"] == "landed"
    elsewhere = modes.propose("carl", modes.files(other="x\n"), "Another", project=project)
    middle = pile.push("middle", "Two", "hold", text="a\ntwo\nc\n")
    high = pile.push("high", "Three", text="a\nthree\nc\n")
    assert modes.ended(elsewhere.change)["state"] == "landed"
    modes.as_("bea").post(f"/api/changes/{middle.change}/enqueue")
    assert modes.ended(middle.change)["state"] == "landed"
    assert modes.ended(high.change)["state"] == "landed"
    where = modes.data / "repositories" / f"{project}.git"
    log = subprocess.run(
        ["git", "-C", str(where), "log", "--reverse", "--format=%s", "main"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert log.stdout.split("\n")[:-1] == ["Begin", "One", "Another", "Two", "Three"]
    shown = subprocess.run(
        ["git", "-C", str(where), "show", "main:text"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "a\nthree\nc\n"


def test_a_stack_is_tested_and_lands_in_order(stage: Stage) -> None:
    pile = stack(stage)
    low = pile.push("order-low", "Low", "hold", order_low="1\n")
    middle = pile.push("order-middle", "Middle", order_middle="1\n")
    high = pile.push("order-high", "High", order_high="1\n")
    assert stage.ended(high.change, frozenset({"waiting"}))["reason"] == (
        f"waits for #{middle.change}, which is waiting"
    )
    stage.as_("bea").post(f"/api/changes/{low.change}/enqueue")
    ended = [stage.ended(told.change)["state"] for told in (low, middle, high)]
    assert ended == ["landed"] * 3
    times = [change_of(stage.operator, t.change)["landing"]["time"] for t in (low, middle, high)]
    assert times == sorted(times)
    assert {"order_low", "order_middle", "order_high"} <= files(stage, "app")


def test_a_stack_that_is_pushed_at_once_is_taken_in_from_below(stage: Stage) -> None:
    pile = stack(stage)
    for name in ("low", "middle", "high"):
        stage.commit("bea", pile.place, stage.files(**{f"at_once_{name}": "1\n"}), name)
        pile.git("branch", name)
    more = [f"{name}:refs/for/main/at-once-{name}" for name in ("low", "middle")]
    pushed = stage.push_refs("bea", pile.place, "high:refs/for/main/at-once-high", *more)
    numbers = [int(found) for found in re.findall(r"new change #(\d+)", pushed)]
    assert len(numbers) == 3
    views = [change_of(stage.operator, number) for number in numbers]
    assert [view["change"]["title"] for view in views] == ["low", "middle", "high"]
    assert [[d["number"] for d in view["depends_on"]] for view in views] == [
        [],
        numbers[:1],
        numbers[1:2],
    ]
    assert [stage.ended(number)["state"] for number in numbers] == ["landed"] * 3


def test_when_the_change_below_is_revised_the_one_above_needs_a_rebase(stage: Stage) -> None:
    pile = stack(stage)
    low = pile.push("new-low", "Low", "hold", new_low="1\n")
    high = pile.push("new-high", "High", new_high="1\n")
    pile.git("branch", "high")
    pile.git("checkout", "-q", "HEAD~1")
    pile.amend(new_low="2\n")
    assert pile.again("new-low", "hold").change == low.change
    words = f"stands on revision 1 of #{low.change}, which is at revision 2 now"
    until(stage, high.change, f"{words}. Rebase onto that and push again.")
    assert (
        f"It {words}: rebase onto that and push again."
        in change_of(stage.operator, high.change)["missing"]
    )
    stage.as_("bea").post(f"/api/changes/{low.change}/enqueue")
    assert stage.ended(low.change)["state"] == "landed"
    landed = f"stands on revision 1 of #{low.change}, which has landed as revision 2"
    until(stage, high.change, landed)
    pile.git("rebase", "-q", "--onto", "HEAD", "high~1", "high")
    assert pile.again("new-high").change == high.change
    assert stage.ended(high.change)["state"] == "landed"


def until(stage: Stage, number: int, words: str) -> None:
    """Wait until the reason of a change says so."""
    for _ in range(200):
        reason = stage.ended(number, frozenset({"waiting", "landed"}))["reason"]
        if words in reason:
            return
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError(reason)


def test_a_revision_below_takes_what_is_queued_above_out_of_the_queue(stage: Stage) -> None:
    stage.operator.post("/api/queues/main/freeze", {"reason": "to look at it"})
    try:
        pile = stack(stage)
        low = pile.push("q-low", "Low", q_low="1\n")
        high = pile.push("q-high", "High", q_high="1\n")
        assert stage.ended(high.change, frozenset({"queued"}))["state"] == "queued"
        pile.git("branch", "high")
        pile.git("checkout", "-q", "HEAD~1")
        pile.amend(q_low="2\n")
        pile.again("q-low")
        until(stage, high.change, f"stands on revision 1 of #{low.change}")
    finally:
        stage.operator.post("/api/queues/main/thaw")
    assert stage.ended(low.change)["state"] == "landed"
    assert "q_high" not in files(stage, "app")


def test_when_the_change_below_is_abandoned_the_one_above_says_the_ways_out(stage: Stage) -> None:
    pile = stack(stage)
    low = pile.push("gone-low", "Low", "hold", gone_low="1\n")
    high = pile.push("gone-high", "High", gone_high="1\n")
    stage.as_("bea").post(f"/api/changes/{low.change}/abandon", {"reason": "no use"})
    until(
        stage,
        high.change,
        f"waits for #{low.change}, which is abandoned: rebase onto the branch without it, or push "
        "again to make its commits your own",
    )
    pile.git("commit", "-q", "--amend", "-m", "High, with what was below")
    again = pile.again("gone-high", "hold")
    assert "stands on" not in again.said
    assert paths(change_of(stage.operator, high.change)) == {"gone_low", "gone_high"}


def test_a_change_that_takes_in_what_stood_on_it_waits_for_nobody(stage: Stage) -> None:
    pile = stack(stage)
    low = pile.push("in-low", "Low", "hold", in_low="1\n")
    high = pile.push("in-high", "High", "hold", in_high="1\n")
    again = pile.push("in-low", "More of low", "hold", in_more="1\n")
    assert again.change == low.change
    assert "stands on" not in again.said
    view = change_of(stage.operator, low.change)
    assert view["depends_on"] == []
    assert paths(view) == {"in_low", "in_high", "in_more"}
    until(stage, high.change, "stands on revision 1")


def test_side_by_side_changes_under_a_merge_all_count_and_nothing_goes_unseen(
    stage: Stage,
) -> None:
    one = stack(stage)
    left = one.push("side-left", "Left", "hold", side_left="1\n")
    one.git("branch", "left")
    one.git("checkout", "-q", "HEAD~1")
    right = one.push("side-right", "Right", "hold", side_right="1\n")
    one.git("merge", "-q", "--no-edit", "left")
    both = one.push("side-both", "Both", "hold", side_both="1\n")
    view = change_of(stage.operator, both.change)
    assert {d["number"] for d in view["depends_on"]} == {left.change, right.change}
    assert paths(view) == {"side_left", "side_right", "side_both"}


def test_what_a_stack_leaves_out_of_its_checks_is_not_decided_by_the_stack(stage: Stage) -> None:
    pile = stack(stage)
    leave_out = f'{CONFIG}\n[checks]\nexclude = ["**"]\n'
    low = pile.push("excl-low", "Leave all out", "hold", **{"headgate.toml": leave_out})
    dangerous = "import os\n\n\ndef run(request):\n    os.system(request.args['command'])\n"
    high = pile.push("excl-high", "Run anything", "hold", **{"run.py": dangerous})
    view = change_of(stage.operator, high.change)
    assert view["depends_on"][0]["number"] == low.change
    source = next(c for c in view["checks"] if c["check"] == "source")
    assert source["skipped"] == []
    assert [f["path"] for f in source["findings"]] == ["run.py"]
