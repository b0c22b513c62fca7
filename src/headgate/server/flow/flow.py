"""The flow: what happens to a change from its push to its queue, and when things around it move."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog

from headgate.gate.entry import cycle_of
from headgate.gate.pipelines.reader import gate_gaps
from headgate.gate.service import GateService
from headgate.gate.trials.explain import Standing
from headgate.model.change import Change, ChangeState, Entry
from headgate.model.errors import Conflict, HeadgateError
from headgate.model.event import Event, NewEvent
from headgate.model.finding import CheckResult, Outcome
from headgate.model.ids import ChangeNumber, Commit, ItemId, RevisionId
from headgate.model.principal import GATE
from headgate.model.project import POLICY_PROJECT
from headgate.model.verdict import Verdict, VerdictKind
from headgate.server.flow.branches import BranchScanner
from headgate.server.flow.inspect import Inspector
from headgate.server.flow.intake import Intake, Later
from headgate.server.flow.judging import Judging
from headgate.server.flow.receive import Receiver
from headgate.server.flow.references import parked_ref, revision_ref
from headgate.server.flow.reviewing import Reviews
from headgate.server.flow.waiting import blocked, companions, partners

log = structlog.get_logger()


class Flow(Judging):
    """Everything that moves a change along. Needs `start` before use and `stop` after."""

    gate: GateService
    intake: Intake
    receiver: Receiver
    branches: BranchScanner
    reviews: Reviews

    def _join(self, gate: GateService, reviews: Reviews) -> None:
        """Tie the moving parts together; called once, by the house."""
        self.gate = gate
        self.reviews = reviews
        self.intake = Intake(self.db, self.forge, gate, self.lock, self.policy)
        self.receiver = Receiver(self)
        self.branches = BranchScanner(self)
        self._inspector = Inspector(self, self.reviews.soon)
        self._inspections: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def standing(self, item: ItemId) -> Standing | None:
        """What a queue of lanes makes of an item; None in a chain."""
        return self.gate.standing(item)

    # -- inspection --------------------------------------------------------------------------

    def inspect_soon(self, number: ChangeNumber) -> None:
        """Begin to inspect a change's current revision, unless that is under way."""
        before = self._inspections.get(number)
        task = asyncio.create_task(self._inspect(number, before))
        self._inspections[number] = task

        def forget(done: asyncio.Task[None]) -> None:
            if self._inspections.get(number) is done:
                del self._inspections[number]

        task.add_done_callback(forget)

    async def inspected(self, number: ChangeNumber) -> None:
        """Wait until the change's inspection and decision are done."""
        while (task := self._inspections.get(number)) is not None:
            await asyncio.wait([task])

    async def _inspect(self, number: ChangeNumber, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            revision = await self._inspector.inspect(number)
            async with self.lock(number):
                await self.decide(number, inspected=revision)
        except Exception as error:
            # What went wrong is ours; the change must not hang in "checking" because of it.
            log.exception("inspection failed", change=number)
            why = str(error) or type(error).__name__
            async with self.lock(number):
                with self.db.write() as tx:
                    change = tx.changes.get(number)
                    if change.state is not ChangeState.CHECKING:
                        return
                    revision = tx.changes.current_revision(number)
                    tx.checks.save(revision.id, CheckResult("inspection", Outcome.NOT_RUN, why))
                await self.decide(number, inspected=revision.id)

    # -- decision ----------------------------------------------------------------------------

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

    # -- what moves changes from outside -----------------------------------------------------

    def on_events(self, events: Sequence[Event]) -> None:
        """Follow what the gate and people did: dependents move, a landed policy takes force."""
        for event in events:
            number = event.data.get("change")
            if event.kind in _MOVES_DEPENDENTS and isinstance(number, int):
                self._spawn(self._decide_dependents(ChangeNumber(number)))
            if event.kind in _ENDS_ITEMS and isinstance(number, int):
                self._spawn(self.take_parked(ChangeNumber(number)))
            if event.kind in _ENDS_CHECKS and isinstance(number, int):
                self._look_again(ChangeNumber(number))
            if event.kind == "item.withdrawn" and event.actor == GATE and isinstance(number, int):
                self._spawn(self._decide_again(ChangeNumber(number)))
            if event.kind == "branch.landed":
                self.branches.soon(str(event.data["project"]), str(event.data["branch"]))
            if event.kind == "branch.landed" and event.data.get("project") == POLICY_PROJECT:
                self._spawn(self.policy_changed())

    async def policy_changed(self) -> None:
        """Take the landed policy into force, and judge every open change again."""
        try:
            changed = await self.load_policy()
        except HeadgateError as error:
            log.error("the landed policy cannot be used; the old one stays", reason=str(error))
            return
        if not changed:
            return
        policy = self.policy()
        self.branches.apply_policy()
        with self.db.write() as tx:
            tx.events.append(
                NewEvent(
                    "policy.loaded", GATE, f"project/{POLICY_PROJECT}", {"policy": policy.digest}
                )
            )
            open_changes = [c.number for c in tx.changes.select(states=_DECIDED, limit=100_000)]
            for number in open_changes:
                for approval in tx.approvals.of_change(number):
                    if not approval.void and approval.binding.policy != policy.digest:
                        tx.approvals.void(approval.id, "the policy changed")
                        tx.events.append(
                            NewEvent(
                                "approval.voided",
                                GATE,
                                f"change/{number}",
                                {
                                    "change": number,
                                    "approver": tx.principals.get(approval.approver).name,
                                    "reason": "the policy changed",
                                },
                            )
                        )
        for number in open_changes:
            async with self.lock(number):
                await self.decide(number)

    async def _decide_dependents(self, number: ChangeNumber) -> None:
        with self.db.read() as tx:
            waiting = [
                c.number
                for c in tx.changes.dependents(number)
                if c.state in (ChangeState.WAITING, ChangeState.READY)
            ]
        for dependent in waiting:
            async with self.lock(dependent):
                await self.decide(dependent)

    async def take_parked(self, number: ChangeNumber) -> None:
        """Take the revision that waited for the verdict of the one in the queue, if one did.

        After a landing it becomes a change of its own.
        """
        with self.db.read() as tx:
            parked = tx.parked.of(number)
            change = tx.changes.get(number)
            if parked is None or change.state is ChangeState.QUEUED:
                return
            project = tx.projects.get(change.project)
            who = tx.principals.get(parked.pusher)
            sponsor = tx.principals.get(who.sponsor).name if who.sponsor is not None else ""
        options = parked.options
        if change.state is ChangeState.LANDED:
            options = tuple(o for o in options if not o.startswith("change="))
        repository = self.repository(project.name)
        told = ""
        try:
            taken = await self.intake.take(
                repository, project, who, sponsor, parked.ref, parked.head, options
            )
            if isinstance(taken, Later):
                return  # It entered its queue again meanwhile.
            self.inspect_soon(taken.change.number)
            if taken.change.number != number:
                told = f"The revision that waited is change #{taken.change.number} now."
        except HeadgateError as error:
            told = f"The revision {parked.head[:10]} that waited was not taken: {error}"
        with self.db.write() as tx:
            tx.parked.take(number)
            if told:
                data = {"change": number, "text": told}
                tx.events.append(NewEvent("change.message", GATE, f"change/{number}", data))
        kept = await repository.resolve(parked_ref(number))
        if kept is not None:
            await repository.update_ref(parked_ref(number), None, kept)

    async def _decide_again(self, number: ChangeNumber) -> None:
        """The gate put a change out: say what is missing now."""
        async with self.lock(number):
            await self.decide(number)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._reap)

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("following an event failed", error=str(error), exc_info=error)

    async def recover_changes(self) -> None:
        """After a restart: keep refs, and go on inspecting and deciding where that was cut off."""
        with self.db.read() as tx:
            revisions = [
                (tx.projects.get(c.project).name, r)
                for c in tx.changes.select(states=_OPEN, limit=100_000)
                for r in tx.changes.revisions(c.number)
            ]
            checking = tx.changes.select(states={ChangeState.CHECKING}, limit=100_000)
            waiting = tx.changes.select(
                states={ChangeState.WAITING, ChangeState.READY}, limit=100_000
            )
            parked = [one.change for one in tx.parked.all()]
        for project in sorted({p for p, _ in revisions}):
            repository = self.repository(project)
            kept = await repository.refs("refs/headgate/changes/")
            for name, revision in revisions:
                ref = revision_ref(revision.change, revision.number)
                if name == project and ref not in kept:
                    await repository.update_ref(ref, revision.head, Commit("0" * 40))
        self.reviews.recover(sorted({revision.change for _, revision in revisions}))
        for number in parked:
            await self.take_parked(number)
        for change in checking:
            self.inspect_soon(change.number)
        for change in waiting:
            async with self.lock(change.number):
                await self.decide(change.number)

    async def stop_flow(self) -> None:
        """End what is under way; a restart picks it up."""
        await self.branches.stop()
        await self.reviews.stop()
        tasks = [*self._inspections.values(), *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


_MOVES_DEPENDENTS = frozenset(
    {
        "item.queued",
        "branch.landed",
        "item.ejected",
        "change.abandoned",
        "change.state",
        "change.entry",
        "revision.pushed",
    }
)
_ENDS_ITEMS = frozenset({"branch.landed", "item.ejected", "item.withdrawn"})
_ENDS_CHECKS = frozenset({"pipeline.passed", "pipeline.failed", "pipeline.infrastructure"})
_LONGEST = 86400.0
"""Seconds after which a change that is too young is looked at again at the latest."""
_DECIDED = frozenset(
    {ChangeState.DENIED, ChangeState.WAITING, ChangeState.READY, ChangeState.QUEUED}
)
_OPEN = _DECIDED | {ChangeState.CHECKING, ChangeState.EJECTED}
