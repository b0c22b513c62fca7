"""Stories of changes that need each other: tested as one, landed together or not at all."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from harness import (
    CHECKED,
    Begin,
    Gate,
    House,
    child,
    git,
    make_commit,
    make_house,
    propose,
    sandboxed,
)

from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.model.change import Dependency
from headgate.model.config import PROJECT_FILE, Policy, QueuePolicy
from headgate.model.ids import ChangeNumber
from headgate.model.queue import ItemState, NodeState, QueueState

NEEDED = """\
set -eu
test "$(cat values/step)" = "$(cat ../markupsafe/values/step)"
"""
"""Green while both projects are at the same step."""

USES = '[jobs.check]\nrun = ["sh", "check.sh"]\nrequired-projects = ["markupsafe"]\n'

COUPLED: Mapping[str, Mapping[str, str]] = {
    "jinja": {PROJECT_FILE: USES, "check.sh": NEEDED, "values/step": "one\n"},
    "markupsafe": {"values/step": "one\n"},
}
"""Two projects of which neither can go on alone."""

TWO: Mapping[str, Mapping[str, str]] = {"jinja": CHECKED, "markupsafe": CHECKED}

Part = tuple[str, dict[str, str | None]]
"""A project, and the files that a change to it writes."""


def ring(house: House, *parts: Part) -> list[ChangeNumber]:
    """Changes each of which depends on the next, and the last on the first; in no queue."""
    numbers = [ChangeNumber(propose(house, project, files)) for project, files in parts]
    for index, number in enumerate(numbers):
        other = numbers[(index + 1) % len(numbers)]
        with house.db.write() as tx:
            now = tx.changes.current_revision(number)
            on = (Dependency(f"#{other}", other),)
            tx.changes.add_revision(
                now.change, now.head, now.base, now.message, now.pusher, (), on, ()
            )
    return numbers


async def enter(gate: Gate, *parts: Part) -> list[ChangeNumber]:
    numbers = ring(gate.house, *parts)
    await gate.service.enqueue_together(numbers, "ada")
    return numbers


def told(gate: Gate, kind: str) -> list[Mapping[str, Any]]:
    return [e.data for e in gate.events if e.kind == kind]


def hook(gate_or_house: Gate | House, project: str, script: str) -> Path:
    """Let a repository do something whenever a ref of it moves."""
    house = gate_or_house.house if isinstance(gate_or_house, Gate) else gate_or_house
    path = house.repository(project).path / "hooks" / "reference-transaction"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\nmoved=$(cat)\n{script}\n")
    path.chmod(0o755)
    return path


def on_main(state: str, do: str) -> str:
    return f'case "$1 $moved" in "{state} "*refs/heads/main*) {do};; esac'


# -- landing -------------------------------------------------------------------------------------


async def test_two_projects_that_only_work_together_land_together(gates: Begin):
    gate = await gates(COUPLED)
    one, two = await enter(
        gate, ("jinja", {"values/step": "two\n"}), ("markupsafe", {"values/step": "two\n"})
    )
    behind = await gate.push("markupsafe", {"values/more": "fine\n"})
    await gate.run()
    gate.expect(landed=[one, two, behind])
    assert len(gate.runs(one)) == 1
    assert [r.id for r in gate.runs(one)] == [r.id for r in gate.runs(two)]
    assert gate.show("jinja", "values/step") == gate.show("markupsafe", "values/step") == "two"
    kinds = [e.kind for e in gate.events]
    first = kinds.index("landing.intended")
    assert kinds[first : first + 2] == ["landing.intended"] * 2
    proofs = [k for k in kinds[first:] if k == "branch.landed"]
    assert kinds[first + 2 :].count("branch.landed") == len(proofs) == 3
    assert told(gate, "branch.landed")[0]["together"] == [one, two]
    with gate.db.read() as tx:
        landings = {landing.change: landing for landing in tx.landings.all()}
    ids = (gate.item(one).id, gate.item(two).id)
    assert landings[one].unit == landings[two].unit == ids
    assert landings[ChangeNumber(behind)].unit == ()
    assert git(gate.house.repository("jinja").path, "for-each-ref", "refs/headgate/node/") == ""


async def test_one_alone_would_have_failed(gates: Begin):
    gate = await gates(COUPLED)
    alone = await gate.push("jinja", {"values/step": "two\n"})
    await gate.run()
    gate.expect(ejected={alone: "job jinja/check failed"})


async def test_three_in_a_ring_two_of_them_on_one_branch_move_it_once(gates: Begin):
    gate = await gates(TWO)
    before = gate.head("jinja")
    moves = gate.house.place / "moves"
    hook(gate, "jinja", on_main("committed", f'echo "$moved" >> {moves}'))
    numbers = await enter(
        gate,
        ("jinja", {"values/a": "fine\n"}),
        ("markupsafe", {"values/b": "fine\n"}),
        ("jinja", {"values/c": "fine\n"}),
    )
    depends = await gate.push("markupsafe", {"values/d": "fine\n"}, depends=[numbers[2]])
    await gate.run()
    gate.expect(landed=[*numbers, depends])
    (moved,) = [line for line in moves.read_text().split("\n") if "refs/heads" in line]
    assert moved == f"{before} {gate.head('jinja')} refs/heads/main"
    with gate.db.read() as tx:
        first, last = (tx.landings.of_change(n) for n in (numbers[0], numbers[2]))
    assert first is not None
    assert last is not None
    assert (first.before, first.commit) == (before, last.before)
    assert last.commit == gate.head("jinja")


async def test_two_in_one_branch_each_right_by_itself_and_wrong_together(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    one, two = await enter(
        gate, ("jinja", {"values/left": "fine\n"}), ("jinja", {"values/right": "fine\n"})
    )
    other = await gate.push("jinja", {"values/c": "fine\n"})
    await gate.run()
    words = f"#{one} and #{two} can only land together, and fail: job jinja/check failed (exit 3)"
    gate.expect(landed=[other], ejected={one: words, two: words})


async def test_branches_of_one_project_are_each_tested_and_move_in_one_transaction(
    gates: Begin,
):
    policy = Policy("p", queues=(QueuePolicy("main", ("jinja",), ("main", "stable"), 4),))
    gate = await gates({"jinja": CHECKED}, policy)
    where = gate.house.repository("jinja").path
    git(where, "update-ref", "refs/heads/stable", "refs/heads/main")
    moves = gate.house.place / "moves"
    hook(gate, "jinja", on_main("committed", f'echo "$moved" >> {moves}'))
    one = ChangeNumber(propose(gate.house, "jinja", {"values/a": "fine\n"}))
    two = ChangeNumber(
        propose(gate.house, "jinja", {"values/b": "bad\n"}, branch="stable", depends=[one])
    )
    with gate.db.write() as tx:
        now = tx.changes.current_revision(one)
        on = (Dependency(f"#{two}", two),)
        tx.changes.add_revision(now.change, now.head, now.base, "one", now.pusher, (), on, ())
    await gate.service.enqueue_together((one, two), "ada")
    await gate.run()
    words = f"#{two} fails: job jinja/check (stable) failed"
    gate.expect(ejected={one: words, two: words})
    with gate.db.write() as tx:
        now = tx.changes.current_revision(two)
        start = git(where, "rev-parse", "stable")
        head = make_commit(where, start, {"values/b": "fine\n"}, "Mended")
        tx.changes.add_revision(
            now.change, type(now.head)(head), now.base, "two", now.pusher, (), now.depends_on, ()
        )
    await gate.service.enqueue_together((one, two), "ada")
    await gate.run()
    gate.expect(landed=[one, two])
    assert {run.job for run in gate.runs(one)} == {"check", "check (stable)"}
    assert moves.read_text().count("refs/heads/") == 2


# -- what does not land --------------------------------------------------------------------------


async def test_a_conflict_inside_takes_all_out_and_names_who_does_not_merge(gates: Begin):
    gate = await gates(TWO)
    numbers = await enter(
        gate,
        ("jinja", {"values/first": "mine\n"}),
        ("markupsafe", {"values/b": "fine\n"}),
        ("jinja", {"values/first": "yours\n"}),
    )
    one, two, three = numbers
    other = await gate.push("markupsafe", {"values/c": "fine\n"})
    await gate.run()
    words = (
        f"#{one}, #{two} and #{three} can only land together, and #{three} fails: it does not "
        f"merge onto main with #{one} ahead: conflict in values/first"
    )
    gate.expect(landed=[other], ejected=dict.fromkeys(numbers, words))
    assert gate.runs(one) == []


async def test_a_conflict_with_one_ahead_is_found_again_without_it(gates: Begin):
    gate = await gates(TWO)
    gate.freeze()
    ahead = await gate.push("jinja", {"values/first": "bad\n"})
    one, two = await enter(
        gate, ("markupsafe", {"values/b": "fine\n"}), ("jinja", {"values/first": "yours\n"})
    )
    gate.thaw()
    await gate.run()
    gate.expect(landed=[one, two], ejected={ahead: "job jinja/check failed"})


async def test_a_configuration_that_one_member_breaks_takes_all_out(gates: Begin):
    gate = await gates(TWO)
    one, two = await enter(
        gate, ("jinja", {"values/a": "fine\n"}), ("markupsafe", {PROJECT_FILE: "[jobs.check\n"})
    )
    await gate.run()
    words = f"#{one} and #{two} can only land together, and #{two} fails: headgate.toml of marku"
    gate.expect(ejected={one: words, two: words})


async def test_a_member_that_is_taken_back_takes_the_others_out(gates: Begin):
    gate = await gates(TWO)
    gate.freeze()
    numbers = await enter(
        gate,
        ("jinja", {"values/a": "fine\n"}),
        ("markupsafe", {"values/b": "fine\n"}),
        ("jinja", {"values/c": "fine\n"}),
    )
    await gate.until(
        lambda: all((n := gate.node(number)) and n.state is NodeState.PASSED for number in numbers)
    )
    await gate.service.withdraw(numbers[1], "taken back by ada", "ada")
    gate.thaw()
    await gate.run()
    for number in (numbers[0], numbers[2]):
        assert gate.state(number) == "waiting"
        assert "which is not going to land" in gate.reason(number)
    assert told(gate, "branch.landed") == []


async def test_one_member_that_may_not_land_after_all_takes_the_others_out(gates: Begin):
    gate = await gates(TWO)
    gate.freeze()
    one, two = await enter(
        gate, ("jinja", {"values/a": "fine\n"}), ("markupsafe", {"values/b": "fine\n"})
    )
    gate.house.denied[two] = "its approval was revoked"
    gate.thaw()
    await gate.run()
    words = "it may not land after all: its approval was revoked"
    gate.expect(waiting={two: words, one: f"it lands together with #{two}, which left: {words}"})


async def test_a_branch_that_moved_before_the_landing_has_all_tested_again(gates: Begin):
    gate = await gates(TWO)
    gate.freeze()
    one, two = await enter(
        gate, ("jinja", {"values/a": "fine\n"}), ("markupsafe", {"values/b": "fine\n"})
    )
    await gate.until(lambda: bool((n := gate.node(two)) and n.state is NodeState.PASSED))
    outside(gate, "markupsafe")
    gate.thaw()
    await gate.run()
    gate.expect(landed=[one, two])
    assert len(gate.runs(one)) >= 3


def outside(gate: Gate | House, project: str) -> str:
    """Somebody pushes to a branch without asking."""
    house = gate.house if isinstance(gate, Gate) else gate
    where = house.repository(project).path
    commit = make_commit(where, git(where, "rev-parse", "main"), {"outside": "1\n"}, "Outside")
    git(where, "update-ref", "refs/heads/main", commit)
    return commit


async def test_a_member_that_is_approved_gets_no_secret_for_one_that_is_not(gates: Begin):
    toml = (
        '[jobs.publish]\nrun = \'echo "token ${TOKEN:-none}"\'\nsecrets = {TOKEN = "pypi"}\n'
        'required-projects = ["markupsafe"]\n'
    )
    gate = await gates({"jinja": {PROJECT_FILE: toml}, "markupsafe": {"a": "1\n"}})
    gate.house.secrets["jinja", "pypi"] = "swordfish"
    evil = toml.replace("'echo", "'echo stolen $TOKEN | rev; echo")
    gate.freeze()
    one, two = await enter(gate, ("markupsafe", {"a": "2\n"}), ("jinja", {PROJECT_FILE: evil}))
    gate.house.approved.add(gate.item(one).id)
    gate.thaw()
    await gate.run()
    gate.expect(landed=[one, two])
    (run,) = gate.runs(one)
    log = gate.house.log_path(run.id).read_text()
    assert "token none" in log
    assert "hsifdrows" not in log


# -- the second of two moves ---------------------------------------------------------------------


async def test_a_branch_that_moves_between_the_two_moves_takes_the_first_back(gates: Begin):
    gate = await gates(TWO)
    second = gate.house.repository("markupsafe").path
    stranger = make_commit(second, git(second, "rev-parse", "main"), {"outside": "1\n"}, "Outside")
    once = gate.house.place / "once"
    push = f"[ -e {once} ] || {{ touch {once}; git --git-dir={second} update-ref refs/heads/main "
    hook(gate, "jinja", on_main("committed", f"{push}{stranger}; }}"))
    before = gate.head("jinja")
    one, two = await enter(
        gate, ("jinja", {"values/a": "fine\n"}), ("markupsafe", {"values/b": "fine\n"})
    )
    await gate.run()
    gate.expect(landed=[one, two])
    back = told(gate, "landing.rolled_back")
    assert [d["change"] for d in back] == [one, two]
    assert f"markupsafe:main is at {stranger[:10]}" in str(back[0]["reason"])
    jinja = gate.house.repository("jinja").path
    assert git(jinja, "rev-list", "--first-parent", "main").split()[1:] == [before]
    git(second, "merge-base", "--is-ancestor", stranger, "main")
    assert len(gate.runs(one)) == 4, "tested twice, two jobs each"


async def test_what_somebody_built_on_meanwhile_is_not_taken_back_but_freezes(gates: Begin):
    gate = await gates(TWO)
    first, second = (gate.house.repository(name).path for name in TWO)
    stranger = make_commit(second, git(second, "rev-parse", "main"), {"outside": "1\n"}, "Outside")
    once = gate.house.place / "once"
    build = (
        f"[ -e {once} ] || {{ touch {once}; git --git-dir={second} update-ref refs/heads/main "
        f"{stranger}; git update-ref refs/heads/main "
        "$(git -c user.name=X -c user.email=x@x commit-tree -p refs/heads/main -m Built "
        "refs/heads/main^{tree}); }"
    )
    hook(gate, "jinja", on_main("committed", build))
    one, two = await enter(
        gate, ("jinja", {"values/a": "fine\n"}), ("markupsafe", {"values/b": "fine\n"})
    )
    await gate.until(lambda: "queue.frozen" in gate.kinds("queue."))
    with gate.db.read() as tx:
        queue = tx.queues.by_name("main")
    assert queue.state is QueueState.FROZEN
    assert f"#{one} and #{two} landed in part: markupsafe:main is at {stranger[:10]}" in (
        queue.reason
    )
    assert "was built on it. Mend the branches by hand, then thaw." in queue.reason
    assert git(first, "log", "-1", "--format=%s", "main") == "Built"
    assert gate.state(one) == gate.state(two) == "queued"


async def test_a_repository_that_refuses_has_all_moved_back_and_tried_again(gates: Begin):
    gate = await gates(TWO)
    before = gate.head("jinja")
    once = gate.house.place / "once"
    refuse = hook(
        gate, "markupsafe", on_main("prepared", f"[ -e {once} ] || {{ touch {once}; exit 1; }}")
    )
    one, two = await enter(
        gate, ("jinja", {"values/a": "fine\n"}), ("markupsafe", {"values/b": "fine\n"})
    )
    await gate.until(lambda: bool(told(gate, "landing.rolled_back")))
    assert gate.head("jinja") == before
    assert gate.item(two).state is ItemState.WAITING
    refuse.unlink()
    await gate.run()
    gate.expect(landed=[one, two])
    assert len(gate.runs(one)) == 2, "what was tested still holds"


# -- kill -9 -------------------------------------------------------------------------------------


def wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill_once(process: subprocess.Popen[str], reached: Path) -> None:
    """`kill -9` when a hook has written its process id there; and end what the hook holds up."""
    try:
        wait(lambda: reached.exists() and bool(reached.read_text().strip()))
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    os.kill(int(reached.read_text()), signal.SIGTERM)


async def killed_between(place: Path) -> tuple[Gate, list[ChangeNumber]]:
    """A gate on data whose process was killed once it had moved one branch of two."""
    data = place / "data"
    house = make_house(data, TWO, None, sandboxed(place / "asked", LocalDispatcher))
    gate = Gate(house)
    numbers = await enter(
        gate, ("jinja", {"values/a": "fine\n"}), ("markupsafe", {"values/b": "fine\n"})
    )
    reached = data / "reached"
    stop = hook(gate, "markupsafe", on_main("prepared", f"echo $$ > {reached}; exec sleep 60"))
    await asyncio.to_thread(kill_once, child("gate_child.py", str(data), *TWO), reached)
    stop.unlink()
    lock = house.repository("markupsafe").path / "refs" / "heads" / "main.lock"
    await asyncio.to_thread(wait, lambda: not lock.exists())
    assert {gate.item(n).state for n in numbers} == {ItemState.LANDING}
    node = gate.node(numbers[0])
    assert node is not None
    assert gate.head("jinja") == node.commit, "the first has moved"
    return gate, numbers


@pytest.mark.parametrize("moved", ["", "markupsafe"])
async def test_killed_between_the_moves_both_land_or_the_first_is_taken_back(
    place: Path, moved: str
):
    gate, numbers = await killed_between(place)
    try:
        if moved:
            outside(gate, moved)
        await gate.service.start()
        await gate.run()
        gate.expect(landed=numbers)
        assert bool(told(gate, "landing.rolled_back")) == bool(moved)
        assert len(gate.runs(numbers[0])) == (4 if moved else 2)
    finally:
        await gate.end()
