"""How items leave a queue of lanes, and what is left to do then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import structlog

from headgate.gate import records
from headgate.gate.difficulties import Difficulties
from headgate.gate.futures import delete_refs
from headgate.gate.ports import GatePorts
from headgate.gate.reader import QueueReader
from headgate.gate.snapshot import Trouble
from headgate.gate.trials import records as trial_records
from headgate.gate.under_way import Background
from headgate.jobs.dispatch.interface import Fate
from headgate.model.ids import ItemId, JobRunId
from headgate.model.principal import GATE
from headgate.model.queue import Item, ItemState, Node
from headgate.store.database import Database, Transaction

log = structlog.get_logger()


class Endings:
    """Verdicts of items, and trouble that is not their fault, in all queues of lanes."""

    def __init__(
        self,
        db: Database,
        ports: GatePorts,
        reader: QueueReader,
        difficulties: Difficulties,
        told: Callable[[Transaction, str, Item], None],
        poke_all: Callable[[], None],
    ) -> None:
        self._db = db
        self._ports = ports
        self._reader = reader
        self._difficulties = difficulties
        self._told = told
        self._poke_all = poke_all
        self._background = Background()

    async def close(self) -> None:
        """Finish what is in the background."""
        await self._background.finish()

    def eject(self, items: Sequence[ItemId], reason: str, keep: Collection[int] = ()) -> bool:
        """The items failed; what was tested for them goes, but for the evidence."""
        done: list[ItemId] = []
        with self._db.write() as tx:
            for id in items:
                item = tx.items.get(id)
                if item.state is ItemState.WAITING:
                    trial_records.part(tx, item, "the item was ejected", keep)
                    records.eject(tx, item, reason, None)
                    done.append(id)
        for id in done:
            self.done(id, None)
        return bool(done)

    def withdraw(self, items: Sequence[ItemId], reason: str) -> bool:
        """The items leave by no fault of their own; their changes wait."""
        done: list[ItemId] = []
        with self._db.write() as tx:
            for id in items:
                item = tx.items.get(id)
                if item.state is ItemState.WAITING:
                    trial_records.part(tx, item, "the item was withdrawn")
                    records.withdraw(tx, item, reason, GATE)
                    done.append(id)
        for id in done:
            self.done(id, None)
        return bool(done)

    def trouble(self, items: Sequence[ItemId], reason: str, rounds: int) -> None:
        """Something that is not their fault keeps items from getting on."""
        for id in items:
            held = self._difficulties.add(id, rounds=rounds) is Trouble.HELD
            words = f"held, not its fault: {reason}" if held else f"will be tried again: {reason}"
            with self._db.write() as tx:
                records.hold(tx, tx.items.get(id), "item.held" if held else "item.delayed", words)

    def got_on(self, items: Sequence[ItemId]) -> None:
        """They were tested after all."""
        for item in items:
            self._difficulties.clear(item)

    def left(self, item: ItemId) -> None:
        """An item was taken back: what its runs left behind goes, unless others need it."""
        self._background.spawn(self._settle_runs(item, None))

    def done(self, item: ItemId, landed: Node | None) -> None:
        """An item has its verdict."""
        self._difficulties.clear(item)
        with self._db.read() as tx:
            now = tx.items.get(item)
            queue = tx.queues.get(now.queue).name
            self._told(tx, queue, now)
            nodes = [node for node in tx.nodes.of_item(item) if node.commit is not None]
            project = self._reader.project(tx, tx.items.get(item).project)
        self._background.spawn(self._settle_runs(item, landed))
        self._background.spawn(delete_refs(self._ports, project, nodes))
        self._poke_all()

    async def _settle_runs(self, item: ItemId, landed: Node | None) -> None:
        """Let what the runs of an item left behind follow its fate, unless others need them."""
        with self._db.read() as tx:
            kept = landed.build if landed is not None else None
            gone: set[JobRunId] = set()
            stays: set[JobRunId] = set()
            for build in {node.build for node in tx.nodes.of_item(item)} - {None}:
                if build is None:
                    continue
                fate = Fate.LANDED if build == kept else Fate.GONE
                if fate is Fate.GONE and tx.nodes.wanted(build):
                    continue
                runs = {run.id for run in tx.builds.runs(build)}
                (stays if fate is Fate.LANDED else gone).update(runs)
            if landed is not None and landed.trial is not None:
                stays.update(tx.trials.get(landed.trial).reused)
        await self._ports.dispatcher.settle(sorted(stays), Fate.LANDED)
        await self._ports.dispatcher.settle(sorted(gone - stays), Fate.GONE)

    def let_go(self, project: str, nodes: Sequence[Node]) -> None:
        """Futures that will not come need no refs."""
        self._background.spawn(
            delete_refs(self._ports, project, [n for n in nodes if n.commit is not None])
        )
