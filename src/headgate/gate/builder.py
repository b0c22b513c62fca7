"""Starts the builds of futures, watches over them, and records what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from headgate.gate import records
from headgate.gate.builds import Recorder
from headgate.gate.case import Case
from headgate.gate.difficulties import ROUNDS, Difficulties
from headgate.gate.futures import with_ahead
from headgate.gate.ports import GatePorts
from headgate.gate.selection import Selected, Unmet, Unusable, select
from headgate.jobs.build import BuildResult, run_build
from headgate.jobs.semaphores import Semaphores
from headgate.model.ids import BuildId, ItemId, NodeId
from headgate.model.job import BuildState
from headgate.model.queue import Item, Node, NodeState
from headgate.store.database import Database, Transaction

log = structlog.get_logger()

_RECORD_AGAIN = 1.0
"""Seconds until the outcome of a build is recorded again, when the disk was full, say."""


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
        self._semaphores = Semaphores(lambda name: ports.policy().semaphores.get(name, 1))
        """Of all builds of the server."""
        self._current: dict[ItemId, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        """Those that were cancelled and are still ending, too."""
        self._stopping = False

    def cancel(self, item: ItemId) -> None:
        """Stop what runs for an item; its processes end soon after."""
        task = self._current.pop(item, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Cut every build off, and wait until its processes are gone."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def start(self, case: Case, id: NodeId) -> bool:
        """Run the jobs of a future, if it is still the item's. Without jobs it has passed."""
        node = case.node
        if node is None or node.id != id or node.state is not NodeState.MERGED:
            return False
        with self._db.read() as tx:
            defaults = {project.name: project.default_branch for project in tx.projects.all()}
        try:
            selected = await select(self._ports, case.proposal, node, defaults)
        except Unusable as error:
            if error.project != case.key.project:
                # On its branch as it is: whoever mends it has to come first.
                self._trouble(case.item.id, str(error), rounds=ROUNDS)
                return True
            return self._broken(case, node, str(error))
        except Unmet as error:
            self._trouble(case.item.id, str(error), rounds=ROUNDS)
            return True
        with self._db.write() as tx:
            item = records.live(tx, case.item)
            current = tx.nodes.current(case.item.id)
            if item is None or current is None or current != node:
                return False
            if not selected.names:
                tx.nodes.set_state(node.id, NodeState.PASSED, "no job applies")
                records.about_node(
                    tx, "build.passed", item, node, {"build": None, "tree": node.tree, "jobs": []}
                )
                build = None
            else:
                build = self._record_start(tx, item, node, selected)
        if build is None:
            self._difficulties.clear(case.item.id)
        else:
            self._launch(case, node, build, selected)
        return True

    def _broken(self, case: Case, node: Node, reason: str) -> bool:
        words = f"{reason} (in the future{with_ahead(case.ahead)})" if case.ahead else reason
        with self._db.write() as tx:
            item = records.live(tx, case.item)
            if item is None or tx.nodes.current(item.id) != node:
                return False
            tx.nodes.set_state(node.id, NodeState.BROKEN, words)
            records.about_node(tx, "node.broken", item, node, {"reason": words})
        return True

    def _record_start(self, tx: Transaction, item: Item, node: Node, selected: Selected) -> BuildId:
        build = tx.builds.add()
        tx.nodes.set_build(node.id, build)
        tx.nodes.set_state(node.id, NodeState.BUILDING, "")
        records.about_node(
            tx,
            "build.started",
            item,
            node,
            {"build": build, "jobs": [*selected.names], "commits": {**selected.commits}},
        )
        return build

    def _launch(self, case: Case, node: Node, build: BuildId, selected: Selected) -> None:
        item = case.item.id
        task = asyncio.create_task(self._run(case, node, build, selected))
        self._current[item] = task
        self._tasks.add(task)

        def forget(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            if self._current.get(item) is done:
                del self._current[item]

        task.add_done_callback(forget)

    async def _run(self, case: Case, node: Node, build: BuildId, selected: Selected) -> None:
        recorder = Recorder(self._db, case.item.change, node.id, build, lambda: self._stopping)
        try:
            result = await run_build(
                selected.plan,
                self._ports.dispatcher,
                recorder,
                self._ports.clock,
                self._semaphores,
            )
        except Exception as error:
            log.exception("a build could not be run", build=build)
            why = str(error) or type(error).__name__
            result = BuildResult(BuildState.INFRASTRUCTURE, why)
        while True:
            try:
                self._ended(case, node, build, recorder, result)
                break
            except Exception:
                log.exception("the outcome of a build could not be recorded", build=build)
                await asyncio.sleep(_RECORD_AGAIN)
        self._poke(case.queue)

    def _ended(
        self, case: Case, node: Node, build: BuildId, recorder: Recorder, result: BuildResult
    ) -> None:
        passed, failed = BuildState.PASSED, BuildState.FAILED
        reason = result.reason
        if result.state is failed:
            reason = recorder.failure(result, case.ahead)
        with self._db.write() as tx:
            if not records.build_ended(tx, build, result.state, reason):
                return  # Its future was dropped meanwhile.
            item = tx.items.get(case.item.id)
            about = {"build": build, "tree": node.tree, "reason": reason}
            if result.state is passed:
                tx.nodes.set_state(node.id, NodeState.PASSED, "")
                records.about_node(tx, "build.passed", item, node, about)
                records.hold(tx, item, "", "")
            elif result.state is failed:
                tx.nodes.set_state(node.id, NodeState.FAILED, reason)
                records.about_node(tx, "build.failed", item, node, about)
            else:
                records.about_node(tx, "build.infrastructure", item, node, about)
                records.drop(tx, item, node, f"could not be run: {reason}")
        if result.state in (passed, failed):
            self._difficulties.clear(case.item.id)
        else:
            self._trouble(case.item.id, reason, rounds=ROUNDS if recorder.useless else 1)
