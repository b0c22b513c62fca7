"""What a queue of lanes knows is still there after a restart, and no more than holds."""

from __future__ import annotations

from dataclasses import replace

from harness import Gate, git, make_commit
from trials_world import Begin, lanes, parts

from headgate.gate.lanes.view import Witness
from headgate.gate.reader import QueueReader
from headgate.gate.trials import notes
from headgate.gate.trials.lanes import Lanes
from headgate.gate.trials.restore import restore
from headgate.gate.trials.scout import Scout
from headgate.model.config import PROJECT_FILE, Policy
from headgate.model.ids import ChangeNumber
from headgate.model.job import RunState
from headgate.model.pipeline import Manager, PipelinePolicy
from headgate.model.queue import BranchKey, ItemState, Landing

NAMES = ("one", "two", "three")
PARTS = parts(*NAMES)
PROVIDES = '[jobs.one]\nprovides = ["a"]\n'
UNKEYED = PARTS | {PROJECT_FILE: PARTS[PROJECT_FILE].replace("[jobs.one]\n", PROVIDES)}
"""No result of the job `one` may stand for another run of it."""


def shut(policy: Policy, *jobs: str) -> Policy:
    """The same, with a gate that asks for these jobs besides."""
    gate = PipelinePolicy("strict", Manager.DEPENDENT, (), ("*",), jobs=jobs)
    return replace(policy, pipelines=(gate,))


async def stopped(
    gates: Begin, files: dict[str, str], *changes: dict[str, str], policy: Policy | None = None
) -> tuple[Gate, list[int]]:
    """A stopped gate that has an answer for each of these changes, and has landed none."""
    gate = await gates({"jinja": files}, policy or lanes("jinja"))
    gate.freeze()
    numbers = [await gate.push("jinja", one) for one in changes]
    # The second is tested with the first, and, as nothing else is to be done then, without it.
    answers = 2 * len(changes) - 1
    ends = ("build.passed", "build.failed")
    await gate.until(lambda: sum(kind in ends for kind in gate.kinds()) >= answers)
    await gate.service.stop()
    return gate, numbers


async def go_on(gate: Gate) -> None:
    """After `stopped`: begin again, and let things land."""
    await gate.restart()
    gate.thaw()
    await gate.run()


def states(gate: Gate, number: int) -> list[RunState]:
    return [run.state for run in gate.runs(number)]


async def test_nothing_that_has_passed_or_failed_is_asked_again(gates: Begin):
    left, right = {"one/left": "fine\n"}, {"one/right": "fine\n"}
    gate, (first, second) = await stopped(gates, UNKEYED, left, right)
    before = [states(gate, n) for n in (first, second)]
    assert before == [[RunState.PASSED], [RunState.FAILED, RunState.PASSED]]
    await go_on(gate)
    why = f"job jinja/one failed (exit 3) in the future with #{first} ahead"
    gate.expect(landed=[first], ejected={second: why})
    assert [states(gate, n) for n in (first, second)] == before


async def test_a_branch_that_was_moved_meanwhile_is_tested_on_as_it_is(gates: Begin):
    gate, (number,) = await stopped(gates, PARTS, {"one/left": "fine\n"})
    repository = gate.house.repository("jinja").path
    head = gate.head("jinja")
    moved = make_commit(repository, head, {"one/right": "fine\n"}, "Outside")
    git(repository, "update-ref", "refs/heads/main", moved, head)
    await go_on(gate)
    gate.expect(ejected={number: "job jinja/one failed (exit 3) on top of the branch as it is"})


async def test_what_the_policy_asks_for_since_is_run_before_anything_lands(gates: Begin):
    two = {"one/a": "fine\n", "two/a": "bad\n"}
    gate, (number,) = await stopped(gates, PARTS, two, policy=shut(lanes("jinja"), "one"))
    assert states(gate, number) == [RunState.PASSED]
    gate.house.in_force = shut(gate.house.in_force, "one", "two")
    await go_on(gate)
    gate.expect(ejected={number: "job jinja/two failed"})
    assert states(gate, number) == [RunState.PASSED, RunState.FAILED]


async def test_nobody_is_ejected_for_a_job_that_the_policy_does_not_ask_for_any_more(gates: Begin):
    left, right = {"one/left": "fine\n"}, {"one/right": "fine\n", "two/a": "fine\n"}
    gate, numbers = await stopped(gates, PARTS, left, right)
    assert states(gate, numbers[1]).count(RunState.FAILED) == 1
    gate.house.in_force = shut(gate.house.in_force, "two")
    await go_on(gate)
    gate.expect(landed=numbers)


async def test_a_policy_that_changes_under_a_running_gate_is_heeded_as_well(gates: Begin):
    gate = await gates({"jinja": PARTS}, shut(lanes("jinja"), "one"))
    gate.freeze()
    number = await gate.push("jinja", {"one/a": "fine\n", "two/a": "bad\n"})
    await gate.until(lambda: "build.passed" in gate.kinds())
    gate.house.in_force = shut(gate.house.in_force, "one", "two")
    gate.tell("policy.loaded")
    gate.thaw()
    await gate.run()
    gate.expect(ejected={number: "job jinja/two failed"})


async def test_a_future_whose_commit_was_lost_is_made_anew(gates: Begin):
    gate, (number,) = await stopped(gates, PARTS, {"one/a": "fine\n"})
    node = gate.node(number)
    assert node is not None
    assert node.commit is not None
    repository = gate.house.repository("jinja").path
    git(repository, "update-ref", "-d", f"refs/headgate/node/{node.id}")
    (repository / "objects" / node.commit[:2] / node.commit[2:]).unlink()
    await gate.house.forget_mergers()
    await go_on(gate)
    gate.expect(landed=[number])
    reasons = [str(e.data["reason"]) for e in gate.events if e.kind == "node.dropped"]
    assert reasons == [f"its commit {node.commit[:10]} was lost when the server stopped"]
    assert states(gate, number) == [RunState.PASSED]


async def test_evidence_that_took_one_who_left_as_landed_ejects_nobody(gates: Begin):
    left, right = {"one/left": "fine\n"}, {"one/right": "fine\n"}
    gate, (first, second) = await stopped(gates, PARTS, left, right)
    with gate.db.write() as tx:
        item = tx.items.get(gate.item(first).id)
        tx.items.set_state(item.id, ItemState.WITHDRAWN, "taken back")
    await go_on(gate)
    gate.expect(landed=[second])


async def remembered(gate: Gate) -> Lanes:
    """What a new process would know of the queue."""
    with gate.db.read() as tx:
        (queue,) = tx.queues.all()
    heads = {BranchKey("jinja", "main"): gate.head("jinja")}
    scout = Scout(gate.house)
    return await restore(gate.db, QueueReader(), queue, scout, heads, {"jinja": "main"})


async def test_what_was_learned_of_those_who_wait_is_known_again(gates: Begin):
    gate, numbers = await stopped(gates, PARTS, {"one/a": "fine\n"}, {"one/b": "fine\n"})
    one, two = [gate.item(n).id for n in numbers]
    before = Lanes()
    witness = Witness(two, frozenset({two}), frozenset({one, two}), 3)
    with gate.db.write() as tx:
        notes.alone(tx, before, [one])
        notes.outdated(tx, before, one)
        notes.outdated(tx, before, one)
        notes.asked_again(tx, before, two)
        notes.conflicting(tx, before, one, [two], "they do not merge onto each other")
        notes.witnessed(tx, before, {one: [witness]})
        tx.lanes.unsteady(tx.queues.all()[0].id, [("jinja", "one")])
    after = await remembered(gate)
    assert (after.most, after.proven, after.asked_again) == ({one: 1}, {one}, {two})
    assert (after.confirmed, after.learned) == ({one: 2}, before.learned)
    assert after.witnesses == {one: (witness,)}
    with gate.db.write() as tx:
        tx.items.set_state(one, ItemState.WITHDRAWN, "taken back")
        tx.lanes.forget_gone()
    after = await remembered(gate)
    assert (after.most, after.proven, after.confirmed, after.witnesses) == ({}, set(), {}, {})
    assert after.asked_again == {two}


async def test_those_who_landed_or_left_since_stay_known_to_evidence_that_speaks_of_them(
    gates: Begin,
):
    gate, numbers = await stopped(gates, PARTS, {"one/a": "fine\n"}, {"one/b": "fine\n"})
    one, two = [gate.item(n).id for n in numbers]
    with gate.db.write() as tx:
        tx.items.set_state(one, ItemState.EJECTED, "it failed")
    left = await remembered(gate)
    assert left.footprints[one].touched == {BranchKey("jinja", "main"): frozenset({"one/a"})}
    assert (left.landed, left.unit_of) == ({}, {})
    with gate.db.write() as tx:
        node = tx.nodes.of_item(one)[0]
        assert node.commit is not None
        assert node.tree is not None
        tx.items.set_state(one, ItemState.LANDED, "")
        trees = node.tree, node.tree
        change = ChangeNumber(numbers[0])
        tx.landings.add(
            Landing(one, "jinja", "main", change, node.base, node.commit, *trees, 7.0, ())
        )
    landed = await remembered(gate)
    assert (landed.epoch, landed.landed, landed.unit_of) == (1, {one: 1}, {one: one})
    landed.place(two, left.footprints[one])
    assert [*landed.conflicts(two)] == [one]
