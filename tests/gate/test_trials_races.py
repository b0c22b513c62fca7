"""What happens to a queue of lanes between one moment and the next must not decide anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from harness import Gate, one_queue, sandboxed
from trials_world import Begin, lanes, parts, trials

from headgate.gate.case import Case
from headgate.gate.ports import GatePorts
from headgate.gate.trials import maker
from headgate.gate.unit_jobs import UnitJobs, select_unit
from headgate.jobs.dispatch.interface import Fate
from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.model.config import PROJECT_FILE, Policy
from headgate.model.event import Event
from headgate.model.ids import ChangeNumber, JobRunId
from headgate.model.pipeline import Manager, PipelinePolicy
from headgate.model.queue import Node, NodeState
from headgate.model.trial import TrialState
from headgate.server.cases.pipelines import outdated
from headgate.server.flow.judging import judged

PARTS = parts("one", "two", "three")


def shut(policy: Policy, *jobs: str) -> Policy:
    """The same, with a gate that asks for these jobs besides."""
    gate = PipelinePolicy("strict", Manager.DEPENDENT, (), ("*",), jobs=jobs)
    return replace(policy, pipelines=(gate,))


async def test_a_policy_that_changes_while_jobs_are_chosen_is_heeded(
    gates: Begin, monkeypatch: pytest.MonkeyPatch
):
    gate = await gates({"jinja": PARTS}, shut(lanes("jinja"), "one"))

    async def slow(
        ports: GatePorts, cases: Sequence[Case], defaults: Mapping[str, str]
    ) -> UnitJobs:
        chosen = await select_unit(ports, cases, defaults)
        gate.house.in_force = shut(lanes("jinja"), "one", "two")
        return chosen

    monkeypatch.setattr(maker, "select_unit", slow)
    number = await gate.push("jinja", {"one/a": "fine\n", "two/a": "bad\n"})
    await gate.run()
    gate.expect(ejected={number: "job jinja/two failed"})


async def test_a_policy_that_changes_while_the_verdict_is_asked_for_is_heeded(
    gates: Begin, monkeypatch: pytest.MonkeyPatch
):
    gate = await gates({"jinja": PARTS}, shut(lanes("jinja"), "one"))

    async def permits(number: ChangeNumber) -> str:
        gate.house.in_force = shut(lanes("jinja"), "one", "two")
        return ""

    monkeypatch.setattr(gate.house, "permits", permits)
    number = await gate.push("jinja", {"one/a": "fine\n", "two/a": "bad\n"})
    await gate.run()
    gate.expect(ejected={number: "job jinja/two failed"})


async def test_one_of_a_fused_build_that_may_not_land_takes_nobody_along(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja", slots=1, fuse=8))
    await gate.service.stop()
    files = [{f"{n}/a": "fine\n"} for n in ("one", "two", "three")]
    one, two, three = [await gate.push("jinja", each) for each in files]
    gate.house.denied[two] = "its approval was taken back"
    await gate.restart()
    await gate.run()
    gate.expect(landed=[one, three], waiting={two: "its approval was taken back"})


async def test_what_is_landing_is_not_given_up(gates: Begin):
    gate = await gates({"jinja": PARTS}, lanes("jinja"))
    told: list[bool] = []

    def at_once(events: tuple[Event, ...]) -> None:
        if any(event.kind == "landing.intended" for event in events):
            node = gate.node(number)
            assert node is not None
            told.append(gate.service.retest(gate.item(number).id, node.id, "something landed"))

    number = await gate.push("jinja", {"one/a": "fine\n"}, queue=False)
    gate.db.subscribe(at_once)
    await gate.enqueue(number)
    await gate.run()
    gate.expect(landed=[number])
    assert told == [False]
    (trial,) = trials(gate)
    assert trial.state is TrialState.LANDED


class Noting(LocalDispatcher):
    """Notes of which runs it was told that nothing of them is needed any more."""

    gone: set[int]

    async def settle(self, runs: Sequence[JobRunId], fate: Fate) -> None:
        if fate is Fate.GONE:
            self.gone = {*getattr(self, "gone", ()), *runs}
        await super().settle(runs, fate)


@pytest.mark.parametrize("policy", [lanes("jinja"), one_queue("jinja")], ids=["lanes", "chain"])
async def test_what_runs_left_for_later_goes_with_a_change_that_is_taken_back(
    gates: Begin, place: Path, policy: Policy
):
    """Its caches, say: every push to a change takes the revision before it back."""
    dispatcher = sandboxed(place, Noting)
    gate = await gates({"jinja": PARTS}, policy, dispatcher)
    gate.freeze()
    number = await gate.push("jinja", {"one/a": "fine\n"})
    await gate.until(lambda: "build.passed" in gate.kinds())
    await gate.service.withdraw(ChangeNumber(number), "pushed again", "ada")
    await gate.service.stop()
    assert dispatcher.gone == {run.id for run in gate.runs(number)}


async def test_what_a_run_on_the_bare_branch_left_goes_at_once(gates: Begin, place: Path):
    dispatcher = sandboxed(place, Noting)
    gate = await gates({"jinja": PARTS}, lanes("jinja"), dispatcher)
    number = await gate.push("jinja", {"one/a": "bad\n"})
    await gate.run()
    await gate.service.stop()
    (baseline,) = [trial.baseline for trial in trials(gate)]
    assert baseline is not None
    with gate.db.read() as tx:
        bare = {run.id for run in tx.builds.runs(baseline)}
    assert dispatcher.gone == {run.id for run in gate.runs(number)} | bare


async def test_every_future_that_was_tested_with_what_a_landing_elsewhere_replaces_is_found(
    gates: Begin,
):
    """Whichever of them lands: those that only took the results of others, too."""
    toml = PARTS[PROJECT_FILE].replace("[jobs.one]\n", '[jobs.one]\nrequired-projects = ["lib"]\n')
    files = {"jinja": PARTS | {PROJECT_FILE: toml}, "lib": {"shared": "one\n"}}
    gate = await gates(files, lanes("jinja"))
    gate.freeze()
    first = await gate.push("jinja", {"one/a": "fine\n"})
    second = await gate.push("jinja", {"one/b": "fine\n"})
    await gate.until(lambda: gate.kinds().count("build.passed") >= 3)
    (node,) = live_nodes(gate, first)
    assert gate.service.retest(gate.item(first).id, node.id, "for the test")
    await gate.until(lambda: len(live_nodes(gate, first)) == 1)
    assert [n.build for n in live_nodes(gate, first)] == [None]
    data = {"project": "lib", "branch": "main", "before": gate.head("lib"), "queue": "lib:main"}
    with gate.db.read() as tx:
        found = {node for _, node, _ in outdated(tx, replace(gate.events[-1], data=data))}
    assert found == {n.id for number in (first, second) for n in live_nodes(gate, number)}
    assert len(found) == 3
    # What may land is judged by the future that is still there, not by the newest ever made.
    older, newer = live_nodes(gate, second)
    with gate.db.write() as tx:
        tx.nodes.set_state(newer.id, NodeState.DROPPED, "it left")
        assert judged(tx.nodes.of_item(newer.item)) == older
        tx.nodes.set_state(older.id, NodeState.DROPPED, "it left")
        last = judged(tx.nodes.of_item(newer.item))
    assert last is not None
    assert last.id == newer.id
    assert judged([]) is None


def live_nodes(gate: Gate, number: int) -> list[Node]:
    with gate.db.read() as tx:
        nodes = tx.nodes.of_item(gate.item(number).id)
    return [node for node in nodes if node.state is not NodeState.DROPPED]
