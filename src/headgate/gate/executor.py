"""Carries the planner's commands out, each in a transaction together with its events.

Between a plan and its execution anything may have happened, so every transaction looks again at
what it is about to change, and does nothing when that is no longer what was planned for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from headgate.gate import records
from headgate.gate.builder import Builder
from headgate.gate.case import Case, read_case, read_unit
from headgate.gate.commands import Drop, Eject, Land, Speculate, StartBuild, Withdraw
from headgate.gate.difficulties import Difficulties
from headgate.gate.futures import delete_refs, make_futures, node_ref
from headgate.gate.landing import Moved, Ready, examine, move
from headgate.gate.ports import GatePorts
from headgate.gate.reader import QueueReader, view_of
from headgate.gate.snapshot import Trouble
from headgate.gate.together import Together
from headgate.gate.under_way import Background, LandingsUnderWay
from headgate.jobs.dispatch.interface import Fate
from headgate.model.ids import Commit, ItemId
from headgate.model.principal import GATE
from headgate.model.queue import BranchKey, ItemState, Landing, Node, NodeState, QueueState
from headgate.store.database import Database

log = structlog.get_logger()


class Executor:
    """Does what the planner says, for every queue."""

    def __init__(
        self,
        db: Database,
        ports: GatePorts,
        reader: QueueReader,
        difficulties: Difficulties,
        poke: Callable[[str], None],
    ) -> None:
        self._db = db
        self._ports = ports
        self._reader = reader
        self._difficulties = difficulties
        self._builder = Builder(db, ports, difficulties, self.trouble, poke)
        self._together = Together(db, ports, self._done)
        self._background = Background()
        self._landing = LandingsUnderWay()

    def look_again(self) -> None:
        """The policy may have changed what builds wait for."""
        self._builder.look_again()

    async def close(self) -> None:
        """Cut builds off and finish what is in the background."""
        await self._builder.close()
        await self._background.finish()

    async def settled(self, item: ItemId, patience: float) -> None:
        """Wait until no landing of this item is under way, at most `patience` seconds."""
        await self._landing.settled(item, patience)

    def forget(self, item: ItemId) -> None:
        """The item has its verdict: stop what runs for it, and let its futures go."""
        self._difficulties.clear(item)
        self._builder.cancel(item)
        with self._db.read() as tx:
            nodes = [node for node in tx.nodes.of_item(item) if node.commit is not None]
            project = self._reader.project(tx, tx.items.get(item).project)
        self._background.spawn(delete_refs(self._ports, project, nodes))

    def trouble(self, item: ItemId, reason: str, *, rounds: int = 1) -> None:
        """Something that is not the item's fault keeps it from getting on."""
        met = self._difficulties.add(item, rounds=rounds)
        held = met is Trouble.HELD
        words = f"held, not its fault: {reason}" if held else f"will be tried again: {reason}"
        with self._db.write() as tx:
            nodes = tx.nodes.of_item(item)
            for id in (nodes[-1].unit if nodes else ()) or (item,):
                records.hold(tx, tx.items.get(id), "item.held" if held else "item.delayed", words)

    # -- commands ----------------------------------------------------------------------------

    def eject(self, command: Eject) -> bool:
        """See Eject."""
        with self._db.write() as tx:
            item = tx.items.get(command.item)
            if item.state is not ItemState.WAITING:
                return False
            records.eject(tx, item, command.reason, command.window)
        self._done(item.id, None)
        return True

    def withdraw(self, command: Withdraw) -> bool:
        """See Withdraw."""
        return self._withdraw(command.item, command.reason)

    def _withdraw(self, id: ItemId, reason: str) -> bool:
        with self._db.write() as tx:
            item = tx.items.get(id)
            if item.state is not ItemState.WAITING:
                return False
            records.withdraw(tx, item, reason, GATE)
        self._done(item.id, None)
        return True

    def drop(self, command: Drop) -> bool:
        """See Drop."""
        with self._db.write() as tx:
            item, node = tx.items.get(command.item), tx.nodes.get(command.node)
            if item.state is not ItemState.WAITING or node.state is NodeState.DROPPED:
                return False
            records.drop(tx, item, node, command.reason)
            project = self._reader.project(tx, item.project)
        self._builder.cancel(item.id)
        if node.commit is not None:
            self._background.spawn(delete_refs(self._ports, project, [node]))
        return True

    async def speculate(self, command: Speculate, heads: Mapping[BranchKey, Commit]) -> bool:
        """See Speculate; `heads` are the branches as they are."""
        cases = [self._case(id) for id in command.unit or (command.item,)]
        if any(c.node is not None or c.item.state is not ItemState.WAITING for c in cases):
            return False
        for case in cases:
            if case.key not in command.before:
                gone = f"the branch {case.key.branch} of {case.key.project} does not exist any more"
                ejected = [self.eject(Eject(one.item.id, gone)) for one in cases]
                return any(ejected)
        with self._db.read() as tx:
            ahead = [tx.items.get(id).change for id in command.assumed]
        futures = await make_futures(
            self._ports,
            [case.proposal for case in cases],
            command.assumed,
            ahead,
            command.before,
            heads,
        )
        nodes: list[tuple[Case, Node]] = []
        with self._db.write() as tx:
            live = [records.live(tx, case.item) for case in cases]
            if None in live or any(tx.nodes.current(case.item.id) is not None for case in cases):
                return False
            for case, future in zip(cases, futures, strict=True):
                nodes.append((case, records.speculated(tx, case.item, future, command.unit)))
        for case, node in nodes:
            if node.commit is not None:
                repository = self._ports.repository(case.key.project)
                await repository.update_ref(node_ref(node.id), node.commit, None)
        return True

    async def start_build(self, command: StartBuild) -> bool:
        """See StartBuild. A future without jobs has passed at once."""
        return await self._builder.start(self._unit(command.item), command.node)

    async def land(self, command: Land, queue: str) -> bool:
        """See Land. Carries on where an earlier try or process stopped."""
        cases = self._unit(command.item)
        with self._landing.of(case.item.id for case in cases):
            if len(cases) > 1:
                return await self._together.land(cases, command)
            return await self._land(command, queue)

    # -- landing -----------------------------------------------------------------------------

    async def _land(self, command: Land, queue: str) -> bool:
        case = self._case(command.item)
        node = case.node
        if node is None or node.id != command.node or node.commit is None or node.tree is None:
            return False
        if node.unit:
            return False  # Never without those that it was tested with.
        if case.item.state is ItemState.WAITING and not await self._intend(case, node, queue):
            return True
        outcome = await move(self._ports, case.key, node)
        if not isinstance(outcome, Moved):
            found = outcome.found[:10] if outcome.found else "gone"
            self._moved(case, node, f"{case.key} is {found}, not {node.base[:10]}")
            return True
        landing = Landing(
            case.item.id,
            case.key.project,
            case.key.branch,
            case.item.change,
            node.base,
            node.commit,
            node.tree,
            outcome.tree,
            self._ports.clock(),
        )
        with self._db.write() as tx:
            if tx.items.get(case.item.id).state is not ItemState.LANDING:
                return False
            records.landed(tx, case.item, node, landing, command.window)
        if landing.landed_tree != landing.tested_tree:
            log.error("what landed is not what was tested", change=case.item.change)
        self._done(case.item.id, node)
        return True

    def _done(self, item: ItemId, landed: Node | None) -> None:
        """What is left to do once an item has landed, or has failed."""
        self._background.spawn(self._settle(item, landed))
        self.forget(item)

    async def _settle(self, item: ItemId, landed: Node | None) -> None:
        """Let what the runs of an item left behind follow its fate."""
        with self._db.read() as tx:
            builds = {node.build for node in tx.nodes.of_item(item)} - {None}
            runs = {b: [run.id for run in tx.builds.runs(b)] for b in builds if b is not None}
        for build, ids in runs.items():
            kept = landed is not None and build == landed.build
            await self._ports.dispatcher.settle(ids, Fate.LANDED if kept else Fate.GONE)

    async def _intend(self, case: Case, node: Node, queue: str) -> bool:
        """Ask once more whether it may land, and record that it will."""
        why = await self._ports.permits(case.item.change)
        if why:
            self._withdraw(case.item.id, f"it may not land after all: {why}")
            return False
        check = await examine(self._ports, case.key, node, view_of(node, case.key).before)
        if check.ready is Ready.MOVED:
            self._moved(case, node, check.reason)
            return False
        with self._db.write() as tx:
            item = tx.items.get(case.item.id)
            current = tx.nodes.current(item.id)
            held = tx.queues.get(item.queue)
            if check.ready is Ready.ALTERED:
                # The evidence is not worth anything: it must be made anew, under somebody's eyes.
                if item.state is ItemState.WAITING and current == node:
                    records.drop(tx, item, node, check.reason)
                records.freeze(tx, held, f"#{item.change} was not landed: {check.reason}")
                log.error("a tested future was altered", queue=queue, reason=check.reason)
                return False
            if (
                item.state is not ItemState.WAITING
                or current != node
                or node.state is not NodeState.PASSED
                or held.state is not QueueState.ACTIVE
            ):
                return False
            records.intend(tx, item, node, case.key.project)
        return True

    def _moved(self, case: Case, node: Node, reason: str) -> None:
        """A branch was moved behind our back: nothing landed, everything is tested again."""
        log.warning("a branch was moved from outside", queue=case.queue, reason=reason)
        with self._db.write() as tx:
            item = records.live(tx, case.item)
            if item is None:
                return
            tx.items.set_state(item.id, ItemState.WAITING, "")
            if tx.nodes.get(node.id).state is not NodeState.DROPPED:
                records.drop(tx, item, node, f"a branch was moved from outside: {reason}")
            queue = tx.queues.get(item.queue)
            records.about_queue(tx, "branch.moved", queue, {"reason": reason})

    # -- helpers -----------------------------------------------------------------------------

    def _case(self, id: ItemId) -> Case:
        return read_case(self._db, self._reader, id)

    def _unit(self, id: ItemId) -> tuple[Case, ...]:
        return read_unit(self._db, self._reader, id)
