"""The flow: what happens to a change from its push to its queue, and when things around it move."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from headgate.gate.service import GateService
from headgate.gate.trials.explain import Standing
from headgate.model.change import ChangeState
from headgate.model.errors import HeadgateError
from headgate.model.event import Event, NewEvent
from headgate.model.finding import CheckResult, Outcome
from headgate.model.ids import ChangeNumber, Commit, ItemId
from headgate.model.principal import GATE
from headgate.model.project import POLICY_PROJECT
from headgate.server.flow.branches import BranchScanner
from headgate.server.flow.inspect import Inspector
from headgate.server.flow.intake import Intake, Later
from headgate.server.flow.placing import Placing
from headgate.server.flow.receive import Receiver
from headgate.server.flow.references import parked_ref, revision_ref
from headgate.server.flow.reviewing import Reviews

log = structlog.get_logger()


class Flow(Placing):
    """Everything that moves a change along. Needs `start` before use and `stop` after."""

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
_DECIDED = frozenset(
    {ChangeState.DENIED, ChangeState.WAITING, ChangeState.READY, ChangeState.QUEUED}
)
_OPEN = _DECIDED | {ChangeState.CHECKING, ChangeState.EJECTED}
