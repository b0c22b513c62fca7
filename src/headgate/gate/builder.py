"""Starts the builds of futures, watches over them, and records what became of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from headgate.gate import records
from headgate.gate.builds import Recorder
from headgate.gate.case import Case
from headgate.gate.difficulties import ROUNDS, Difficulties
from headgate.gate.futures import with_ahead
from headgate.gate.ports import GatePorts
from headgate.gate.selection import Selected, Unmet, Unusable
from headgate.gate.under_way import BuildsUnderWay, until_recorded
from headgate.gate.unit_jobs import UnitJobs, blame, members, select_unit
from headgate.jobs.build import BuildResult, run_build
from headgate.model.ids import BuildId, ItemId, NodeId
from headgate.model.job import BuildState
from headgate.model.queue import Item, Node, NodeState
from headgate.store.database import Database, Transaction

log = structlog.get_logger()


class PutOff(Protocol):
    """Records trouble that is not an item's fault."""

    def __call__(self, item: ItemId, reason: str, *, rounds: int = 1) -> None: ...


class Builder:
    """The builds of all queues."""

    def __init__(
        self,
        db: Database,
        ports: GatePorts,
        difficulties: Difficulties,
        trouble: PutOff,
        poke: Callable[[str], None],
    ) -> None:
        self._db = db
        self._ports = ports
        self._difficulties = difficulties
        self._trouble = trouble
        self._poke = poke
        self._under_way = BuildsUnderWay[ItemId]()

    def cancel(self, item: ItemId) -> None:
        """Stop what runs for an item; its processes end soon after."""
        self._under_way.cancel(item)

    def look_again(self) -> None:
        """Semaphores may count differently now: let in who fits."""
        self._ports.semaphores.look_again()

    async def close(self) -> None:
        """Cut every build off, and wait until its processes are gone."""
        await self._under_way.close()

    async def start(self, cases: Sequence[Case], id: NodeId) -> bool:
        """Run the jobs of a future, of one item or of all of a unit, if it is still theirs.

        Without jobs it has passed.
        """
        lead = cases[0]
        node = lead.node
        if node is None or node.id != id or node.state is not NodeState.MERGED:
            return False
        if len(cases) != max(1, len(node.unit)):
            return False  # A member is gone: what is left of the future is not to be tested.
        with self._db.read() as tx:
            defaults = {project.name: project.default_branch for project in tx.projects.all()}
        try:
            selected = await select_unit(self._ports, cases, defaults)
        except Unusable as error:
            if error.project not in {case.key.project for case in cases}:
                # On its branch as it is: whoever mends it has to come first.
                self._trouble(lead.item.id, str(error), rounds=ROUNDS)
                return True
            return self._broken(cases, error)
        except Unmet as error:
            self._trouble(lead.item.id, str(error), rounds=ROUNDS)
            return True
        with self._db.write() as tx:
            if not self._still(tx, cases):
                return False
            build = tx.builds.add() if selected.jobs.names else None
            for case, own in members(cases):
                self._begun(tx, case.item, own, build, selected.jobs)
        if build is None:
            self._clear(cases)
        else:
            items = [case.item.id for case in cases]
            self._under_way.launch(items, self._run(cases, build, selected))
        return True

    def _still(self, tx: Transaction, cases: Sequence[Case]) -> bool:
        return all(
            records.live(tx, case.item) is not None and tx.nodes.current(case.item.id) == case.node
            for case in cases
        )

    def _clear(self, cases: Sequence[Case]) -> None:
        for case in cases:
            self._difficulties.clear(case.item.id)

    def _broken(self, cases: Sequence[Case], error: Unusable) -> bool:
        ahead = cases[0].ahead
        words = f"{error} (in the future{with_ahead(ahead)})" if ahead else str(error)
        blamed = [case.item.change for case in cases if case.key.project == error.project]
        words = blame(cases, blamed, words)
        with self._db.write() as tx:
            if not self._still(tx, cases):
                return False
            for case, node in members(cases):
                tx.nodes.set_state(node.id, NodeState.BROKEN, words)
                records.about_node(tx, "node.broken", case.item, node, {"reason": words})
        return True

    def _begun(
        self, tx: Transaction, item: Item, node: Node, build: BuildId | None, selected: Selected
    ) -> None:
        if build is None:
            tx.nodes.set_state(node.id, NodeState.PASSED, "no job applies")
            records.about_node(
                tx, "build.passed", item, node, {"build": None, "tree": node.tree, "jobs": []}
            )
            return
        tx.nodes.set_build(node.id, build)
        tx.nodes.set_state(node.id, NodeState.BUILDING, "")
        records.about_node(
            tx,
            "build.started",
            item,
            node,
            {
                "build": build,
                "jobs": [*selected.names],
                "commits": {**selected.commits},
                **records.together(tx, node.unit),
            },
        )

    async def _run(self, cases: Sequence[Case], build: BuildId, selected: UnitJobs) -> None:
        case, node = members(cases)[0]
        recorder = Recorder(self._db, case.item.change, node.id, build, self._under_way.stopping)
        try:
            result = await run_build(
                selected.jobs.plan,
                self._ports.dispatcher,
                recorder,
                self._ports.clock,
                self._ports.semaphores,
            )
        except Exception as error:
            log.exception("a build could not be run", build=build)
            why = str(error) or type(error).__name__
            result = BuildResult(BuildState.INFRASTRUCTURE, why)
        reason = result.reason
        if result.state is BuildState.FAILED:
            reason = recorder.failure(result, case.ahead)
            blamed = selected.wanted_by.get(recorder.decisive or ("", ""), ())
            reason = blame(cases, blamed, reason)
        state, useless = result.state, recorder.useless
        await until_recorded(
            lambda: self._ended(cases, build, state, reason, useless=useless), build
        )
        self._poke(case.queue)

    def _ended(
        self,
        cases: Sequence[Case],
        build: BuildId,
        state: BuildState,
        reason: str,
        *,
        useless: bool,
    ) -> None:
        with self._db.write() as tx:
            if not records.build_ended(tx, build, state, reason):
                return  # Its future was dropped meanwhile.
            for case, node in members(cases):
                self._verdict(tx, tx.items.get(case.item.id), node, build, state, reason)
        if state in (BuildState.PASSED, BuildState.FAILED):
            self._clear(cases)
        else:
            self._trouble(cases[0].item.id, reason, rounds=ROUNDS if useless else 1)

    def _verdict(
        self,
        tx: Transaction,
        item: Item,
        node: Node,
        build: BuildId,
        state: BuildState,
        reason: str,
    ) -> None:
        about = {"build": build, "tree": node.tree, "reason": reason}
        match state:
            case BuildState.PASSED:
                tx.nodes.set_state(node.id, NodeState.PASSED, "")
                records.about_node(tx, "build.passed", item, node, about)
                records.hold(tx, item, "", "")
            case BuildState.FAILED:
                tx.nodes.set_state(node.id, NodeState.FAILED, reason)
                records.about_node(tx, "build.failed", item, node, about)
            case _:
                records.about_node(tx, "build.infrastructure", item, node, about)
                records.drop(tx, item, node, f"could not be run: {reason}")
