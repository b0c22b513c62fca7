"""What happens when something goes wrong that is not a job: withdrawals, outside moves, crashes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from harness import CHECKED, TOML, Begin, Gate, git, make_commit, one_queue, sandboxed

from headgate.gate import difficulties
from headgate.gate.difficulties import HELD_PAUSE
from headgate.jobs.dispatch.interface import RunRequest, RunResult
from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.model.change import Dependency
from headgate.model.config import Policy, QueuePolicy
from headgate.model.errors import BadInput, Conflict
from headgate.model.ids import ChangeNumber, ItemId, Tree
from headgate.model.job import RunState
from headgate.model.queue import ItemState, NodeState, QueueState
from headgate.store.tables.queues import nodes

SLOW = {**CHECKED, "wait": "30\n"}


def under_way(gate: Gate, number: int) -> bool:
    return any(run.state is RunState.RUNNING for run in gate.runs(number))


async def withdraw(gate: Gate, number: int, why: str = "taken back") -> None:
    await gate.service.withdraw(ChangeNumber(number), why, "ada")


async def test_a_change_taken_back_stops_its_jobs_at_once(gates: Begin):
    gate = await gates({"jinja": SLOW})
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.until(lambda: under_way(gate, number))
    await withdraw(gate, number)
    assert gate.state(number) == "waiting"
    await gate.until(lambda: gate.runs(number)[0].state is RunState.CANCELLED, 5)
    assert gate.item(number).state is ItemState.WITHDRAWN


async def test_taking_back_what_is_in_no_queue_does_nothing(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    number = await gate.push("jinja", {"values/a": "fine\n"}, queue=False)
    assert await gate.service.withdraw(ChangeNumber(number), "why", "ada") is None
    assert gate.state(number) == "ready"


async def test_what_depends_on_a_change_taken_back_waits_and_may_come_again(gates: Begin):
    gate = await gates({"jinja": {**CHECKED, "wait": "1\n"}})
    provider = await gate.push("jinja", {"values/a": "fine\n"})
    consumer = await gate.push("jinja", {"values/b": "fine\n"}, depends=[provider])
    await withdraw(gate, provider)
    await gate.run()
    gate.expect(waiting={consumer: f"it depends on #{provider}, which is not going to land"})
    await gate.enqueue(provider)
    await gate.enqueue(consumer)
    await gate.run()
    gate.expect(landed=[provider, consumer])


async def test_queueing_twice_is_the_same_item(gates: Begin):
    gate = await gates({"jinja": SLOW})
    number = await gate.push("jinja", {"values/a": "fine\n"})
    assert (await gate.enqueue(number)).id == gate.item(number).id


async def test_a_change_whose_dependency_is_in_no_queue_is_not_let_in(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    provider = await gate.push("jinja", {"values/a": "fine\n"}, queue=False)
    with pytest.raises(Conflict, match=f"depends on #{provider}, which is ready and in no queue"):
        await gate.push("jinja", {"values/b": "fine\n"}, depends=[provider])


async def test_a_member_of_a_cycle_is_not_let_in_alone(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    one = await gate.push("jinja", {"values/a": "fine\n"}, queue=False)
    two = await gate.push("jinja", {"values/b": "fine\n"}, depends=[one], queue=False)
    depend(gate, one, two)
    with pytest.raises(Conflict, match=f"together with others: #{one} → #{two} → #{one}"):
        await gate.enqueue(one)
    assert gate.state(one) == gate.state(two) == "ready"


async def test_a_change_that_names_itself_is_not_let_in(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    one = await gate.push("jinja", {"values/a": "fine\n"}, queue=False)
    depend(gate, one, one)
    with pytest.raises(BadInput, match=f"#{one} depends on itself"):
        await gate.enqueue(one)


def depend(gate: Gate, number: int, on: int) -> None:
    """A new revision of a change that depends on another one."""
    with gate.db.write() as tx:
        now = tx.changes.current_revision(ChangeNumber(number))
        footer = Dependency(f"#{on}", ChangeNumber(on))
        tx.changes.add_revision(
            now.change, now.head, now.base, now.message, now.pusher, (), (footer,), ()
        )


async def test_a_landed_change_is_not_let_in_again(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.run()
    with pytest.raises(Conflict, match="is landed and cannot be queued"):
        await gate.enqueue(number)


async def test_a_change_for_a_branch_that_is_gone_is_not_let_in_or_ejected(gates: Begin):
    gate = await gates({"jinja": {**CHECKED, "wait": "1\n"}})
    repository = gate.house.repository("jinja").path
    git(repository, "update-ref", "refs/heads/old", gate.head("jinja"))
    queued = await gate.push("jinja", {"values/a": "fine\n"}, branch="old")
    later = await gate.push("jinja", {"values/b": "fine\n"}, branch="old", queue=False)
    git(repository, "update-ref", "-d", "refs/heads/old")
    with pytest.raises(Conflict, match="is for old of jinja, which does not exist"):
        await gate.enqueue(later)
    await gate.run()
    gate.expect(ejected={queued: "the branch old of jinja does not exist any more"})


async def test_a_dependency_in_another_queue_must_land_first(gates: Begin):
    policy = Policy(
        "policy",
        queues=(
            QueuePolicy("library", ("markupsafe",), ("main",)),
            QueuePolicy("main", ("jinja",), ("main",)),
        ),
    )
    gate = await gates({"markupsafe": {**CHECKED, "wait": "2\n"}, "jinja": CHECKED}, policy)
    provider = await gate.push("markupsafe", {"values/a": "fine\n"})
    consumer = await gate.push("jinja", {"values/a": "fine\n"}, depends=[provider])
    other = await gate.push("jinja", {"values/b": "fine\n"})
    await gate.until(lambda: gate.state(other) == "landed")
    words = f"waits until #{provider} has landed (it is in the queue library)"
    assert gate.item(consumer).reason == words
    await gate.run()
    gate.expect(landed=[provider, other, consumer])


async def test_a_change_that_may_not_land_after_all_leaves_before_the_branch_moves(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    before = gate.head("jinja")
    number = await gate.push("jinja", {"values/a": "fine\n"})
    gate.house.denied[number] = "needs 1 approval from security (critical)"
    await gate.run()
    gate.expect(waiting={number: "it may not land after all: needs 1 approval from security"})
    assert gate.head("jinja") == before


async def test_a_frozen_queue_tests_on_and_lands_when_it_is_thawed(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    gate.freeze()
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.until(lambda: "build.passed" in gate.kinds())
    await asyncio.sleep(0.1)
    assert gate.state(number) == "queued"
    gate.thaw()
    await gate.run()
    gate.expect(landed=[number])


async def test_a_branch_moved_from_outside_is_said_loudly_and_everything_tested_again(
    gates: Begin,
):
    gate = await gates({"jinja": CHECKED})
    gate.freeze()
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.until(lambda: "build.passed" in gate.kinds())
    await asyncio.sleep(0.1)
    move(gate, {"values/outside": "fine\n"})
    # Found right before landing, as nobody woke the gate.
    gate.thaw()
    await gate.run()
    gate.expect(landed=[number])
    assert gate.kinds("build.passed") == ["build.passed"] * 2
    assert gate.show("jinja", "values/outside") == "fine"


def move(gate: Gate, files: dict[str, str | None], project: str = "jinja") -> None:
    repository = gate.house.repository(project).path
    commit = make_commit(repository, gate.head(project), files, "From outside")
    git(repository, "update-ref", "refs/heads/main", commit)


async def test_a_branch_moved_while_it_is_decided_refuses_the_landing(gates: Begin):
    gate = await gates({"jinja": CHECKED})

    class Mover:
        moved = False

        async def permits(self, number: ChangeNumber) -> str:
            if not self.moved:
                self.moved = True
                move(gate, {"values/outside": "fine\n"})
            return ""

    gate.house.permits = Mover().permits  # type: ignore[method-assign]
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.run()
    gate.expect(landed=[number])
    assert "branch.moved" in gate.kinds()


async def test_a_tree_that_is_not_the_tested_one_freezes_the_queue(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    gate.freeze()
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.until(lambda: "build.passed" in gate.kinds())
    before = gate.head("jinja")
    with gate.db._engine.begin() as connection:  # type: ignore[reportPrivateUsage]
        connection.execute(nodes.update().values(tree=Tree("7" * 40)))
    gate.thaw()
    await gate.until(lambda: "queue.frozen" in gate.kinds())
    with gate.db.read() as tx:
        queue = tx.queues.by_name("main")
    assert queue.state is QueueState.FROZEN
    assert f"#{number} was not landed" in queue.reason
    assert gate.head("jinja") == before
    gate.thaw()
    await gate.run()
    gate.expect(landed=[number])


async def test_a_restart_runs_again_what_was_running(gates: Begin):
    gate = await gates({"jinja": {**CHECKED, "wait": "1\n"}})
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.until(lambda: under_way(gate, number))
    await gate.restart()
    await gate.run()
    gate.expect(landed=[number])
    assert [r.state for r in gate.runs(number)] == [RunState.LOST, RunState.PASSED]


@pytest.mark.parametrize("moved", [False, True])
async def test_a_landing_cut_off_is_finished_after_the_restart(gates: Begin, moved: bool):
    gate = await gates({"jinja": CHECKED})
    gate.freeze()
    number = await gate.push("jinja", {"values/a": "fine\n"})
    later = await gate.push("jinja", {"values/b": "fine\n"})
    await gate.until(lambda: gate.kinds("build.passed") == ["build.passed"] * 2)
    await gate.service.stop()
    node = gate.node(number)
    assert node is not None
    assert node.commit is not None
    with gate.db.write() as tx:
        tx.items.set_state(gate.item(number).id, ItemState.LANDING, "")
    if moved:
        git(gate.house.repository("jinja").path, "update-ref", "refs/heads/main", node.commit)
    gate.freeze(reason="still frozen")
    await gate.restart()
    await gate.until(lambda: gate.state(number) == "landed")
    gate.thaw()
    await gate.run()
    gate.expect(landed=[number, later])
    assert gate.kinds("build.passed") == ["build.passed"] * 2


async def test_a_landing_cut_off_whose_branch_somebody_moved_is_tested_again(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    gate.freeze()
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.until(lambda: "build.passed" in gate.kinds())
    await gate.service.stop()
    with gate.db.write() as tx:
        tx.items.set_state(gate.item(number).id, ItemState.LANDING, "")
    move(gate, {"values/outside": "fine\n"})
    gate.freeze()
    await gate.restart()
    await gate.until(lambda: "branch.moved" in gate.kinds())
    gate.thaw()
    await gate.run()
    gate.expect(landed=[number])


async def test_what_is_landing_cannot_be_taken_back(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    asked = asyncio.Event()
    go = asyncio.Event()

    async def permits(number: ChangeNumber) -> str:
        asked.set()
        await go.wait()
        return ""

    gate.house.permits = permits  # type: ignore[method-assign]
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await asked.wait()
    taking = asyncio.create_task(withdraw(gate, number))
    await asyncio.sleep(0.05)
    go.set()
    with pytest.raises(Conflict, match="has just landed"):
        await taking
    gate.expect(landed=[number])


async def test_refs_of_futures_live_as_long_as_their_items(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    gate.freeze()
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.until(lambda: "build.passed" in gate.kinds())
    repository = gate.house.repository("jinja")
    node = gate.node(number)
    assert node is not None
    ref = f"refs/headgate/node/{node.id}"
    assert await repository.refs("refs/headgate/node/") == {ref: node.commit}
    await gate.service.stop()
    assert node.commit is not None
    await repository.update_ref(ref, None, node.commit)
    await repository.update_ref("refs/headgate/node/999", node.commit, None)
    await gate.restart()
    assert await repository.refs("refs/headgate/node/") == {ref: node.commit}
    gate.thaw()
    await gate.run()
    await gate.service.stop()
    assert await repository.refs("refs/headgate/node/") == {}


class Ailing(LocalDispatcher):
    """A dispatcher whose disk is full, as far as logs go, until somebody heals it."""

    ill = True

    async def run(self, request: RunRequest, on_start: Callable[[float], None]) -> RunResult:
        if self.ill:
            request = replace(request, log=Path("/proc/version/log"))
        return await super().run(request, on_start)


async def test_a_machine_that_is_ill_ejects_nobody(gates: Begin, place: Path):
    dispatcher = sandboxed(place / "jobs", Ailing)
    gate = await gates({"jinja": CHECKED}, None, dispatcher)
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.until(lambda: "item.delayed" in gate.kinds())
    assert gate.state(number) == "queued"
    assert "will be tried again: Job check of jinja could not be run" in gate.item(number).reason
    dispatcher.ill = False
    await gate.run()
    gate.expect(landed=[number])
    states = [r.state for r in gate.runs(number)]
    assert states == [RunState.INFRASTRUCTURE] * 3 + [RunState.PASSED]


async def test_what_can_never_be_run_is_held_and_those_behind_go_on(gates: Begin):
    wants = '[environments.py]\nsetup = "true"\n' + TOML + 'environment = "py"\n'
    gate = await gates({"jinja": {**CHECKED, "headgate.toml": wants}, "markupsafe": CHECKED})
    held = await gate.push("jinja", {"values/a": "fine\n"})
    other = await gate.push("markupsafe", {"values/a": "fine\n"})
    await gate.until(lambda: gate.state(other) == "landed")
    await gate.until(lambda: gate.item(held).reason.startswith("held, not its fault: Job check"))
    assert gate.state(held) == "queued"
    assert len(gate.waiting()) == 1
    with gate.db.read() as tx:
        nodes_of = tx.nodes.of_item(gate.item(held).id)
    assert not {n.state for n in nodes_of} & {NodeState.FAILED, NodeState.PASSED}


async def test_a_broken_configuration_elsewhere_holds_until_somebody_mends_it(gates: Begin):
    broken = {**CHECKED, "headgate.toml": "[jobs.check\n"}
    gate = await gates({"jinja": CHECKED, "markupsafe": broken})
    held = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.until(lambda: gate.item(held).reason.startswith("held, not its fault"))
    assert "headgate.toml of markupsafe cannot be used" in gate.item(held).reason
    mended = await gate.push("markupsafe", {"headgate.toml": TOML})
    begun = time.monotonic()
    await gate.run()
    assert time.monotonic() - begun < HELD_PAUSE / 10
    gate.expect(landed=[mended, held])


async def test_a_job_that_requires_a_project_nobody_has_is_refused(gates: Begin):
    toml = TOML + 'required-projects = ["nowhere"]\n'
    gate = await gates({"jinja": CHECKED})
    number = await gate.push("jinja", {"headgate.toml": toml})
    await gate.run()
    gate.expect(ejected={number: "job check requires the project nowhere, which does not exist"})


async def test_a_job_that_wants_an_unknown_environment_is_refused(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    number = await gate.push("jinja", {"headgate.toml": TOML + 'environment = "py"\n'})
    await gate.run()
    gate.expect(ejected={number: "job check wants the environment 'py'"})


async def test_a_required_project_outside_the_queue_is_found_on_its_branch(gates: Begin):
    toml = """\
[jobs.with-other]
run = ["sh", "-c", "test -e ../markupsafe/values/first"]
required-projects = ["markupsafe"]
"""
    gate = await gates(
        {"jinja": {**CHECKED, "headgate.toml": toml}, "markupsafe": CHECKED}, one_queue("jinja")
    )
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.run()
    gate.expect(landed=[number])
    (started,) = [e for e in gate.events if e.kind == "build.started"]
    assert started.data["commits"] == {
        "jinja": gate.head("jinja"),
        "markupsafe": gate.head("markupsafe"),
    }


async def test_a_project_without_the_branch_is_found_on_its_default_one(gates: Begin):
    toml = TOML + 'required-projects = ["markupsafe"]\n'
    policy = Policy("policy", queues=(QueuePolicy("main", ("jinja", "markupsafe"), ("stable",)),))
    gate = await gates({"jinja": {**CHECKED, "headgate.toml": toml}, "markupsafe": CHECKED}, policy)
    repository = gate.house.repository("jinja").path
    git(repository, "update-ref", "refs/heads/stable", gate.head("jinja"))
    number = await gate.push("jinja", {"values/a": "fine\n"}, branch="stable")
    await gate.run()
    assert gate.state(number) == "landed", gate.reason(number)


async def test_many_changes_from_many_hands_all_end(gates: Begin):
    gate = await gates({"jinja": CHECKED, "markupsafe": CHECKED}, one_queue("jinja", "markupsafe"))
    good: list[int] = []
    bad: list[int] = []
    for n in range(24):
        project = ("jinja", "markupsafe")[n % 2]
        text = "bad\n" if n % 6 == 5 else "fine\n"
        number = await gate.push(project, {f"values/v{n}": text})
        (bad if text == "bad\n" else good).append(number)
    await gate.run()
    gate.expect(landed=good, ejected=dict.fromkeys(bad, "failed (exit 1)"))


async def test_what_comes_due_while_its_queue_is_looked_at_is_looked_at_again(
    gates: Begin, monkeypatch: pytest.MonkeyPatch
):
    """Else it waited for whatever happened next, in a quiet queue for ever."""
    monkeypatch.setattr(difficulties, "PAUSES", (0.2, 15.0))
    gate = await gates({"jinja": CHECKED})
    passes: list[float] = []

    async def slow(_: object) -> None:
        passes.append(time.monotonic())
        await asyncio.sleep(0.4)

    monkeypatch.setattr(gate.service, "_settle", slow)
    gate.service.wake("other")
    gate.service._difficulties.add(ItemId(1))  # pyright: ignore[reportPrivateUsage]
    await asyncio.sleep(1.2)
    assert len(passes) == 2, "not once, and not again and again"
