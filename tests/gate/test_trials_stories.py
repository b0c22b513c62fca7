"""Stories of queues of lanes, on real repositories with real jobs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from harness import Gate
from trials_world import Begin, assumed, landed, lanes, parts, trials

from headgate.gate.trials.windows import replay
from headgate.model.change import Dependency
from headgate.model.config import PROJECT_FILE, Policy, QueueMode
from headgate.model.ids import ChangeNumber
from headgate.model.job import RunState
from headgate.model.queue import ItemState
from headgate.model.trial import TrialPurpose, TrialState

PARTS = parts("one", "two", "three")


FUSED = lanes("jinja", slots=1, fuse=8)


async def together(gates: Begin, policy: Policy, *files: dict[str, str]) -> tuple[Gate, list[int]]:
    """Changes that the gate finds waiting when it begins, to the end."""
    gate = await gates({"jinja": PARTS}, policy)
    await gate.service.stop()
    numbers = [await gate.push("jinja", one) for one in files]
    await gate.restart()
    await gate.run()
    return gate, numbers


def running(gate: Gate, number: int) -> bool:
    return any(run.state is RunState.RUNNING for run in gate.runs(number))


def passed(gate: Gate, number: int) -> bool:
    return [run.state for run in gate.runs(number)] == [RunState.PASSED]


async def test_what_cannot_affect_each_other_waits_for_nobody(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja"))
    slow = await gate.push("jinja", {"one/wait": "3\n"})
    await gate.until(lambda: running(gate, slow))
    quick = await gate.push("jinja", {"two/a": "fine\n"})
    await gate.until(lambda: gate.state(quick) == "landed")
    assert running(gate, slow)
    await gate.run()
    gate.expect(landed=[quick, slow])
    assert assumed(gate, slow) == [[], []]
    # The slow one was made once more on top of the quick one, and nothing of it ran again.
    last = trials(gate)[-1]
    assert (last.purpose, last.state, last.build) == (
        TrialPurpose.CONFIRMATION,
        TrialState.LANDED,
        None,
    )
    assert [len(gate.runs(n)) for n in (slow, quick)] == [1, 1]
    assert list(last.reused) == [gate.runs(slow)[0].id]
    assert gate.show("jinja", "two/a") == "fine"


async def test_a_job_without_reuse_runs_again_for_what_lands(gates: Begin):
    project = parts("one", "two")
    project["headgate.toml"] = project["headgate.toml"].replace(
        "[jobs.two]\n", "[jobs.two]\nreuse = false\n"
    )
    gate = await gates({"jinja": project}, lanes("jinja"))
    gate.freeze()  # So that both have passed before either lands.
    numbers = [await gate.push("jinja", {f"{name}/a": "fine\n"}) for name in ("one", "two")]
    await gate.until(lambda: all(passed(gate, number) for number in numbers))
    gate.thaw()
    await gate.run()
    gate.expect(landed=numbers)
    assert [len(gate.runs(number)) for number in numbers] == [1, 2]
    last = trials(gate)[-1]
    assert (last.purpose, last.state) == (TrialPurpose.CONFIRMATION, TrialState.LANDED)
    assert (list(last.reused), last.build is None) == ([], False)


async def test_what_can_affect_each_other_lands_in_order_and_is_tested_so(gates: Begin):
    files = [{f"one/{n}": "fine\n"} for n in "abc"]
    gate, numbers = await together(gates, lanes("jinja"), *files)
    gate.expect(landed=numbers)
    assert landed(gate) == numbers
    one, two, _ = numbers
    assert [assumed(gate, n) for n in numbers] == [[[]], [[one]], [[one, two]]]


async def test_a_red_one_is_ejected_with_its_evidence_and_costs_the_others_nothing(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja"))
    gate.freeze()
    bad = await gate.push("jinja", {"one/a": "bad\n"})
    behind = await gate.push("jinja", {"one/b": "fine\n"})
    other = await gate.push("jinja", {"two/a": "fine\n"})
    gate.thaw()
    await gate.run()
    run = gate.runs(bad)[0]
    why = f"job jinja/one failed (exit 1) on top of the branch as it is: see /jobs/{run.id}"
    gate.expect(landed=[behind, other], ejected={bad: why})
    node = gate.node(bad)
    assert node is not None
    assert node.reason == why


async def test_two_that_pass_alone_and_fail_together_cost_the_second(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja"))
    gate.freeze()
    left = await gate.push("jinja", {"one/left": "fine\n"})
    right = await gate.push("jinja", {"one/right": "fine\n"})
    gate.thaw()
    await gate.run()
    gate.expect(landed=[left], ejected={right: "job jinja/one failed (exit 3)"})


async def test_a_red_branch_ejects_nobody_until_somebody_mends_it(gates: Begin):
    gate = await gates({"jinja": PARTS | {"one/first": "bad\n"}}, lanes("jinja"))
    innocent = await gate.push("jinja", {"one/a": "fine\n"})
    words = "held, not its fault: job jinja/one fails on main without any change, too: see /jobs/"
    await gate.until(lambda: gate.item(innocent).reason.startswith(words))
    asked = int(gate.item(innocent).reason.rsplit("/", 1)[1])
    with gate.db.read() as tx:
        assert tx.builds.run(asked).state is RunState.FAILED  # type: ignore[arg-type]
    other = await gate.push("jinja", {"two/a": "fine\n"})
    mends = await gate.push("jinja", {"one/first": "fine\n"})
    await gate.run()
    gate.expect(landed=[other, mends, innocent])


async def test_a_fused_build_gives_each_member_its_verdict(gates: Begin):
    files = [{f"{n}/a": "fine\n"} for n in ("one", "two", "three")]
    gate, numbers = await together(gates, FUSED, *files)
    gate.expect(landed=numbers)
    (built,) = [t for t in trials(gate) if t.build is not None]
    assert len(built.members) == 3
    with gate.db.read() as tx:
        commits = {tx.landings.of_change(ChangeNumber(n)).time for n in numbers}  # type: ignore[union-attr]
    assert len(commits) == 1


async def test_the_failure_of_a_fused_build_is_traced_to_whoever_touches_what_failed(
    gates: Begin,
):
    files = [{"one/a": "fine\n"}, {"two/a": "bad\n"}, {"three/a": "fine\n"}]
    gate, (one, two, three) = await together(gates, FUSED, *files)
    why = f"tested together with #{one} and #{three}, which touch nothing that the job is shown"
    gate.expect(landed=[one, three], ejected={two: why})
    assert [len(gate.runs(n)) for n in (one, three)] == [3, 3]
    assert sum(t.build is not None for t in trials(gate)) == 1


async def test_a_failure_that_can_be_anybodys_is_asked_of_each_alone(gates: Begin):
    files = [{"one/a": "fine\n"}, {"one/b": "bad\n"}, {"one/c": "fine\n"}]
    gate, (a, b, c) = await together(gates, FUSED, *files)
    gate.expect(landed=[a, c], ejected={b: "job jinja/one failed (exit 1)"})
    built = [t.members for t in trials(gate) if t.build is not None]
    assert len(built) == len(set(built))


async def test_what_depends_waits_for_what_it_needs_and_goes_with_it(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja"))
    gate.freeze()
    first = await gate.push("jinja", {"one/a": "fine\n"})
    second = await gate.push("jinja", {"two/a": "fine\n"}, depends=[first])
    bad = await gate.push("jinja", {"three/a": "bad\n"})
    dragged = await gate.push("jinja", {"two/b": "fine\n"}, depends=[bad])
    gate.thaw()
    await gate.run()
    words = f"it depends on #{bad}, which is not going to land: job jinja/three failed"
    gate.expect(landed=[first, second], ejected={bad: "jinja/three failed", dragged: words})
    assert landed(gate) == [first, second]


async def test_a_cycle_over_two_projects_lands_together(gates: Begin):
    gate = await gates({"jinja": PARTS, "markupsafe": PARTS}, lanes("jinja", "markupsafe"))
    one = await gate.push("jinja", {"one/a": "fine\n"}, queue=False)
    two = await gate.push("markupsafe", {"one/a": "fine\n"}, depends=[one], queue=False)
    with gate.db.write() as tx:
        now = tx.changes.current_revision(ChangeNumber(one))
        footer = Dependency(f"#{two}", ChangeNumber(two))
        tx.changes.add_revision(
            now.change, now.head, now.base, now.message, now.pusher, (), (footer,), ()
        )
    await gate.service.enqueue_together((ChangeNumber(one), ChangeNumber(two)), "ada")
    await gate.run()
    gate.expect(landed=[one, two])
    with gate.db.read() as tx:
        landing = tx.landings.of_change(ChangeNumber(one))
    assert landing is not None
    assert len(landing.unit) == 2


async def test_a_change_taken_back_stops_its_jobs_and_lets_the_others_go_on(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja"))
    slow = await gate.push("jinja", {"one/wait": "30\n"})
    await gate.until(lambda: running(gate, slow))
    behind = await gate.push("jinja", {"one/b": "fine\n"})
    await gate.service.withdraw(ChangeNumber(slow), "taken back", "ada")
    await gate.run(30)
    gate.expect(landed=[behind], waiting={slow: "taken back"})
    await gate.until(lambda: gate.runs(slow)[0].state is RunState.CANCELLED, 5)


async def test_what_merges_with_nobody_ahead_is_told_so_without_running_anything(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja"))
    base = gate.head("jinja")
    first = await gate.push("jinja", {"one/first": "mine\n"})
    second = await gate.push("jinja", {"one/first": "yours\n"}, base=base)
    await gate.run()
    why = "it does not merge onto main"
    gate.expect(landed=[first], ejected={second: why})
    assert gate.runs(second) == [], gate.story()


async def test_a_restart_in_the_middle_repeats_only_what_had_not_ended(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja"))
    gate.freeze()
    done = await gate.push("jinja", {"one/a": "fine\n"})
    slow = await gate.push("jinja", {"two/wait": "2\n"})
    await gate.until(lambda: any(t.state is TrialState.PASSED for t in trials(gate)))
    await gate.until(lambda: running(gate, slow))
    await gate.restart()
    gate.thaw()
    await gate.run()
    gate.expect(landed=[done, slow])
    assert [len(gate.runs(n)) for n in (done, slow)] == [1, 2]


async def test_a_queue_can_change_its_mode_at_any_time(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja"))
    numbers = [await gate.push("jinja", {f"{n}/wait": "1\n"}) for n in ("one", "two", "three")]
    await gate.until(lambda: running(gate, numbers[0]))
    (queue,) = gate.house.in_force.queues
    gate.house.in_force = replace(
        gate.house.in_force, queues=(replace(queue, mode=QueueMode.CHAIN),)
    )
    gate.tell("policy.loaded")
    await gate.until(lambda: gate.state(numbers[0]) == "landed")
    gate.house.in_force = replace(gate.house.in_force, queues=(queue,))
    gate.tell("policy.loaded")
    await gate.run()
    gate.expect(landed=numbers)
    with gate.db.read() as tx:
        assert all(tx.items.live(q.id) == [] for q in tx.queues.all())


async def test_a_source_gets_more_room_as_its_changes_land_and_less_as_they_fail(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja", source_window=1))
    first = await gate.push("jinja", {"one/wait": "2\n"})
    await gate.until(lambda: running(gate, first))
    second = await gate.push("jinja", {"two/a": "bad\n"})
    third = await gate.push("jinja", {"three/a": "fine\n"})
    await asyncio.sleep(0.3)
    assert gate.runs(second) == gate.runs(third) == []
    standing = gate.service.standing(gate.item(second).id)
    assert standing is not None
    assert standing.waits == "of the changes of ada, 1 at once is tested for now"
    await gate.run()
    gate.expect(landed=[first, third], ejected={second: "job jinja/two failed"})
    with gate.db.read() as tx:
        (queue,) = tx.queues.all()
        told = [item.state for item in reversed(tx.items.finished(queue.id, 9))]
        size = 1
        for state in told:
            size = size + 1 if state is ItemState.LANDED else max(1, size // 2)
        assert replay(tx, queue, 1).sizes == {"ada": size}


async def test_what_is_expected_of_a_change_is_learned_from_what_became_of_others(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja"))
    gate.freeze()
    first = await gate.push("jinja", {"one/wait": "1\n"})
    standing = gate.service.standing(gate.item(first).id)
    while standing is None or not standing.chance:
        await asyncio.sleep(0.05)
        standing = gate.service.standing(gate.item(first).id)
    assert standing.chance == pytest.approx(0.9, abs=0.01)
    gate.thaw()
    bad = [await gate.push("jinja", {"two/a": f"bad {n}\n"}) for n in range(2)]
    await gate.run()
    gate.expect(landed=[first], ejected=dict.fromkeys(bad, "job jinja/two failed"))
    await gate.restart()
    gate.freeze()
    later = await gate.push("jinja", {"three/a": "fine\n"})
    await gate.until(lambda: "build.passed" in gate.kinds()[-3:])
    standing = gate.service.standing(gate.item(later).id)
    assert standing is not None
    assert standing.chance < 0.85
    assert ("source:ada", True) in [(r.feature, r.weight < 0) for r in standing.because]
    gate.thaw()
    await gate.run()
    gate.expect(landed=[later])


ODD = """\
set -eu
if [ -e one/left ] && [ ! -e one/help ]; then exit 3; fi
if [ ! -e one/left ]; then sleep 3; fi
"""
"""Fails with `left` alone, passes with `help` beside it; slow on the bare branch."""


async def test_a_failure_that_a_later_future_contradicts_is_asked_once_more(gates: Begin):
    gate = await gates({"jinja": PARTS | {"check.sh": ODD}}, lanes("jinja"))
    await gate.service.stop()
    first = await gate.push("jinja", {"one/left": "fine\n"})
    second = await gate.push("jinja", {"one/help": "fine\n"})
    await gate.restart()
    await gate.run()
    gate.expect(landed=[second], ejected={first: "job jinja/one failed (exit 3)"})
    dropped = [str(e.data["reason"]) for e in gate.events if e.kind == "node.dropped"]
    assert any("its jobs passed in a later future with it" in reason for reason in dropped)
    assert [r.state for r in gate.runs(first)] == [RunState.FAILED, RunState.FAILED]


SCOPED = """\
[scopes]
api = ["one/**", "two/**"]

[scopes.web]
paths = ["three/**"]
needs = ["api"]
"""


async def test_what_is_in_one_declared_scope_waits_for_each_other_whatever_jobs_read(gates: Begin):
    files = PARTS | {PROJECT_FILE: SCOPED + PARTS[PROJECT_FILE], "four": "fine\n"}
    gate = await gates({"jinja": files}, lanes("jinja"))
    gate.freeze()
    one, two, three, free = [
        await gate.push("jinja", {path: "better\n"})
        for path in ("one/a", "two/a", "three/a", "four")
    ]
    await gate.until(lambda: all(gate.node(n) is not None for n in (one, two, three, free)))
    standings = [gate.service.standing(gate.item(n).id) for n in (two, three, free)]
    numbers = {gate.item(n).id: n for n in (one, two, three)}
    assert [{numbers[i]: why for i, why in s.beside.items()} for s in standings if s] == [
        {one: "both are in the scope api", three: "both affect the scope web, which needs api"},
        dict.fromkeys((one, two), "both affect the scope web, which needs api"),
        {},
    ]
    gate.thaw()
    await gate.run()
    gate.expect(landed=[one, two, three, free])
    assert [n for n in landed(gate) if n != free] == [one, two, three]


async def test_who_can_affect_whom_changes_with_the_scopes_that_land(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja"))
    text = SCOPED + PARTS[PROJECT_FILE]
    await gate.push("jinja", {PROJECT_FILE: text})
    await gate.run()
    gate.freeze()
    one, two = [await gate.push("jinja", {path: "better\n"}) for path in ("one/a", "two/a")]
    await gate.until(lambda: gate.node(two) is not None)
    standing = gate.service.standing(gate.item(two).id)
    assert standing is not None
    assert [*standing.beside.values()] == ["both are in the scope api"]
    gate.thaw()
    await gate.run()
    gate.expect(landed=[one, two])
