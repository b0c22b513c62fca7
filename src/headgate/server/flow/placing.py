"""Moves a change to where its verdict puts it: out, to those who must act, or into its queue."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

import structlog

from headgate.gate.entry import cycle_of
from headgate.gate.pipelines.reader import gate_gaps
from headgate.gate.service import GateService
from headgate.model.change import Change, ChangeState, Entry
from headgate.model.errors import Conflict
from headgate.model.event import NewEvent
from headgate.model.ids import ChangeNumber, RevisionId
from headgate.model.principal import GATE
from headgate.model.verdict import Verdict, VerdictKind
from headgate.server.flow.judging import Judging
from headgate.server.flow.waiting import blocked, companions, partners

log = structlog.get_logger()

_LONGEST = 86400.0
"""Seconds after which a change that is too young is looked at again at the latest."""


class Placing(Judging):
    """Decides where a change belongs; what it has begun is ended with the flow."""

    gate: GateService
    _tasks: set[asyncio.Task[None]]

    async def decide(
        self,
        number: ChangeNumber,
        *,
        retry: bool = False,
        inspected: RevisionId | None = None,
    ) -> None:
        """Judge a change under the policy in force, and move it to where it belongs now.

        The caller holds the change's lock. An ejected change stays so unless `retry` is set. A
        change that is being inspected is decided by the end of the inspection of that very
        revision, `inspected`, and by nothing else.
        """
        with self.db.read() as tx:
            change = tx.changes.get(number)
            current = tx.changes.current_revision(number).id
        if change.state is ChangeState.CHECKING and inspected != current:
            return
        if change.state in (ChangeState.LANDED, ChangeState.ABANDONED):
            return
        if change.state is ChangeState.EJECTED and not retry:
            return
        verdict = await self.verdict(number)
        self._store_verdict(change, verdict)
        try:
            await self._follow(change, verdict)
        except Conflict as error:
            # A landing or a dependency won the race; what it did is followed by itself.
            log.info("overtaken", change=number, reason=error.message)
            with self.db.read() as tx:
                stuck = tx.changes.get(number).state is ChangeState.CHECKING
            if stuck:
                self.set_state(number, ChangeState.WAITING, error.message)

    async def _follow(self, change: Change, verdict: Verdict) -> None:
        """Move a change to where its verdict puts it. Raises Conflict when the gate was first."""
        number = change.number
        if verdict.kind is VerdictKind.DENIED:
            await self._leave_queue(change, "the policy no longer allows it")
            self.set_state(number, ChangeState.DENIED, verdict.reasons[0])
            return
        if verdict.kind is VerdictKind.NEEDS_APPROVALS:
            await self._leave_queue(change, "approvals are missing")
            self.set_state(number, ChangeState.WAITING, verdict.reasons[0])
            return
        if change.state is ChangeState.QUEUED:
            if missing := self._entrance(number):
                await self._leave_queue(change, missing)
                self.set_state(number, ChangeState.WAITING, missing)
            return
        with self.db.read() as tx:
            why = blocked(tx, number)
            cycle = cycle_of(tx, number)
        if why:
            self.set_state(number, ChangeState.WAITING, why)
            return
        if change.entry is Entry.HELD:
            self.set_state(number, ChangeState.READY, "held back; enqueue it when it should land")
            return
        if waits := self._entrance(number):
            self.set_state(number, ChangeState.WAITING, waits)
            return
        if cycle:
            with self.db.read() as tx:
                why = partners(tx, cycle, number, self.policy())
            for other in cycle:
                if not why and other != number and (lacks := self._entrance(other)):
                    why = f"lands together with #{other}, which {lacks}"
            others = companions(cycle, number)
            words = why or f"enters the queue together with {others}"
            self.set_state(number, ChangeState.WAITING, words)
            if not why:
                self._spawn(self._enter_together(number))
            return
        await self.gate.enqueue(number, GATE)

    def _entrance(self, number: ChangeNumber) -> str:
        """What the pipeline of its gate still requires; empty when it may enter."""
        now = self.clock()
        with self.db.read() as tx:
            found = gate_gaps(tx, self.policy(), number, now)
        if found.again is not None:
            asyncio.get_running_loop().call_later(
                max(0.1, min(found.again - now, _LONGEST)), self._look_again, number
            )
        return f"{', and '.join(found.words)}" if found.words else ""

    def _look_again(self, number: ChangeNumber) -> None:
        with self.db.read() as tx:
            waits = tx.changes.get(number).state is ChangeState.WAITING
        if waits:
            self._spawn(self._decide_again(number))

    async def _decide_again(self, number: ChangeNumber) -> None:
        """Say what is missing now that something else has moved."""
        async with self.lock(number):
            await self.decide(number)

    def set_state(
        self, number: ChangeNumber, state: ChangeState, reason: str, actor: str = GATE
    ) -> None:
        """Move a change to a state, with its event; nothing when it is there already."""
        with self.db.write() as tx:
            change = tx.changes.get(number)
            if (change.state, change.reason) == (state, reason):
                return
            tx.changes.set_state(number, state, reason)
            tx.events.append(
                NewEvent(
                    "change.state",
                    actor,
                    f"change/{number}",
                    {
                        "change": number,
                        "from": change.state.value,
                        "to": state.value,
                        "reason": reason,
                    },
                )
            )

    def _store_verdict(self, change: Change, verdict: Verdict) -> None:
        with self.db.write() as tx:
            revision = tx.changes.current_revision(change.number)
            if tx.verdicts.latest(revision.id) == verdict:
                return
            tx.verdicts.save(revision.id, verdict)
            tx.events.append(
                NewEvent(
                    "verdict.given",
                    GATE,
                    f"change/{change.number}",
                    {
                        "change": change.number,
                        "revision": revision.number,
                        "verdict": verdict.kind.value,
                        "tier": verdict.risk.tier.word,
                        "reasons": list(verdict.reasons),
                        "policy": verdict.policy,
                    },
                )
            )

    async def _leave_queue(self, change: Change, why: str) -> None:
        if change.state is ChangeState.QUEUED:
            await self.gate.withdraw(change.number, why, GATE)

    async def _enter_together(self, number: ChangeNumber) -> None:
        """Put the members of a cycle into their queue at once, when all of them may enter."""
        with self.db.read() as tx:
            cycle = cycle_of(tx, number)
        async with contextlib.AsyncExitStack() as held:
            # Nobody else holds more than one of these locks, so in order they cannot deadlock.
            for member in cycle:
                await held.enter_async_context(self.lock(member))
            for member in cycle:
                verdict = await self.verdict(member)
                with self.db.read() as tx:
                    change = tx.changes.get(member)
                    ready = (
                        verdict.kind is VerdictKind.ALLOWED
                        and change.entry is Entry.AUTOMATIC
                        and change.state in (ChangeState.WAITING, ChangeState.QUEUED)
                        and cycle_of(tx, member) == cycle
                        and not blocked(tx, member)
                        and not partners(tx, cycle, member, self.policy())
                    )
                if not ready or self._entrance(member):
                    return  # Something has moved meanwhile, and is decided by itself.
            try:
                await self.gate.enqueue_together(cycle, GATE)
            except Conflict as error:
                log.info("overtaken", changes=cycle, reason=error.message)
                for member in cycle:
                    with self.db.read() as tx:
                        waits = tx.changes.get(member).state is ChangeState.WAITING
                    if waits:
                        self.set_state(member, ChangeState.WAITING, str(error))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._reap)

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("following an event failed", error=str(error), exc_info=error)
