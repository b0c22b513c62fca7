"""Changes: approving, entering a queue, holding back, abandoning."""

from __future__ import annotations

from headgate.authority.approval import may_approve
from headgate.authority.permissions import Action, Resource
from headgate.model.change import OPEN_STATES, Change, ChangeState, Entry
from headgate.model.errors import BadInput, Conflict, Denied, NotFound
from headgate.model.event import NewEvent
from headgate.model.ids import ChangeNumber
from headgate.model.principal import Principal
from headgate.server.flow.flow import Flow
from headgate.store.database import Transaction

LONGEST_COMMENT = 4000


class ChangeCases(Flow):
    """What people do with changes."""

    async def approve(
        self, actor: Principal, number: int, comment: str = "", head: str | None = None
    ) -> Change:
        """Approve exactly the current revision, under exactly the policy in force.

        `head` is what the approver has seen; when it is no longer the head, nothing is approved.
        Raises Denied when the actor may not approve this change, Conflict when it is not open.
        """
        _short(comment)
        async with self.lock(number):
            with self.db.read() as tx:
                change = tx.changes.get(ChangeNumber(number))
                revision = tx.changes.current_revision(change.number)
                resource = self._resource(tx, change)
            self.require(actor, Action.APPROVE, resource)
            if change.state not in OPEN_STATES:
                raise Conflict(f"Change #{number} is {change.state.value}: nothing to approve.")
            if change.state is ChangeState.CHECKING:
                raise Conflict(
                    f"Change #{number} is still being inspected.",
                    "Approve it once the verdict is there.",
                )
            if head is not None and not revision.head.startswith(head.lower()):
                raise Conflict(
                    f"Change #{number} is at {revision.head[:10]} now, not {head[:10]}.",
                    "Look at the new revision, then approve that.",
                )
            people = self.people(change.number)
            why = may_approve(
                approver=actor,
                authors=people.authors,
                author_emails=people.emails,
                sponsors=people.sponsors,
            )
            if why:
                raise Denied(f"{actor.name} may not approve change #{number}: {why}")
            binding = self.binding(change.number)
            with self.db.write() as tx:
                given = [a for a in tx.approvals.of(revision.id) if not a.void]
                if any(a.approver == actor.id and a.binding == binding for a in given):
                    raise Conflict(f"{actor.name} has approved this revision of #{number} already.")
                tx.approvals.add(revision.id, actor.id, binding, comment)
                tx.events.append(
                    NewEvent(
                        "change.approved",
                        actor.name,
                        f"change/{number}",
                        {
                            "change": number,
                            "revision": revision.number,
                            "base": binding.base,
                            "head": binding.head,
                            "policy": binding.policy,
                            "comment": comment,
                        },
                    )
                )
            await self.decide(change.number)
        return self._again(number)

    async def enqueue(self, actor: Principal, number: int) -> Change:
        """Let a change enter its queue as soon as its verdict allows it; retries an ejected one."""
        async with self.lock(number):
            change = self._permitted(actor, number, Action.ENQUEUE)
            if change.state is ChangeState.DENIED:
                raise Conflict(
                    f"Change #{number} is denied: {change.reason}",
                    "Mend it and push a new revision.",
                )
            if change.state is ChangeState.QUEUED:
                raise Conflict(f"Change #{number} is queued already.")
            self._set_entry(actor, change, Entry.AUTOMATIC)
            if change.state is not ChangeState.CHECKING:
                await self.decide(change.number, retry=change.state is ChangeState.EJECTED)
        return self._again(number)

    async def hold(self, actor: Principal, number: int) -> Change:
        """Keep a change out of its queue, taking it out if it is in."""
        async with self.lock(number):
            change = self._permitted(actor, number, Action.HOLD)
            self._set_entry(actor, change, Entry.HELD)
            if change.state is ChangeState.QUEUED:
                await self.gate.withdraw(change.number, f"held back by {actor.name}", actor.name)
                self.set_state(change.number, ChangeState.READY, f"held back by {actor.name}")
            elif change.state is ChangeState.WAITING:
                await self.decide(change.number)
        return self._again(number)

    async def abandon(self, actor: Principal, number: int, reason: str = "") -> Change:
        """Give a change up; pushing to it again brings it back."""
        _short(reason)
        async with self.lock(number):
            change = self._permitted(actor, number, Action.ABANDON)
            words = f"abandoned by {actor.name}" + (f": {reason}" if reason else "")
            if change.state is ChangeState.QUEUED:
                await self.gate.withdraw(change.number, words, actor.name)
            with self.db.write() as tx:
                # A landing may have won the race since the lock was taken.
                if tx.changes.get(change.number).state is ChangeState.LANDED:
                    raise Conflict(f"Change #{number} has just landed.")
                tx.changes.set_state(change.number, ChangeState.ABANDONED, words)
                tx.events.append(
                    NewEvent(
                        "change.abandoned",
                        actor.name,
                        f"change/{number}",
                        {"change": number, "reason": reason},
                    )
                )
        return self._again(number)

    async def recheck(self, actor: Principal, number: int) -> Change:
        """Inspect the current revision again, and run the pipelines again that its push runs."""
        async with self.lock(number):
            change = self._permitted(actor, number, Action.ENQUEUE)
            if change.state is ChangeState.QUEUED:
                await self.gate.withdraw(change.number, "inspected again", actor.name)
            self.set_state(change.number, ChangeState.CHECKING, "being inspected again", actor.name)
            with self.db.write() as tx:
                tx.events.append(
                    NewEvent(
                        "change.rechecked",
                        actor.name,
                        f"change/{number}",
                        {"change": number, "revision": change.revision},
                    )
                )
        self.inspect_soon(change.number)
        return self._again(number)

    async def satisfy(
        self, actor: Principal, number: int, address: str, comment: str = ""
    ) -> Change:
        """Take a human's word that what a change depends on elsewhere has landed.

        Raises Denied for whoever may not enqueue the change or is no human, NotFound when it
        depends on no such address, Conflict when it is known already.
        """
        _short(comment)
        async with self.lock(number):
            change = self._permitted(actor, number, Action.ENQUEUE)
            if not actor.is_human:
                raise Denied(
                    f"{actor.name} may not say what has landed elsewhere: that is the word of a "
                    "human. Ask one who may enqueue the change."
                )
            with self.db.write() as tx:
                known = tx.changes.current_revision(change.number).external
                if address not in known:
                    raise NotFound(
                        f"Change #{number} does not depend on {address or 'that'}.",
                        f"It depends on: {', '.join(known)}."
                        if known
                        else "It depends on nothing outside of this server.",
                    )
                before = tx.changes.satisfied(change.number).get(address)
                if before is not None:
                    who = tx.principals.get(before.by).name
                    raise Conflict(f"{who} has said already that {address} has landed.")
                tx.changes.satisfy(change.number, address, actor.id, comment)
                tx.events.append(
                    NewEvent(
                        "dependency.satisfied",
                        actor.name,
                        f"change/{number}",
                        {"change": change.number, "address": address, "comment": comment},
                    )
                )
            await self.decide(change.number)
        return self._again(number)

    def _permitted(self, actor: Principal, number: int, action: Action) -> Change:
        with self.db.read() as tx:
            change = tx.changes.get(ChangeNumber(number))
            resource = self._resource(tx, change)
        self.require(actor, action, resource)
        if change.state not in OPEN_STATES:
            raise Conflict(f"Change #{number} is {change.state.value}: nothing to {action.value}.")
        return change

    def _resource(self, tx: Transaction, change: Change) -> Resource:
        owner = tx.principals.get(change.owner)
        sponsor = tx.principals.get(owner.sponsor).name if owner.sponsor is not None else ""
        return Resource(
            project=tx.projects.get(change.project).name,
            change=change.number,
            owner=owner.name,
            sponsor=sponsor,
        )

    def _set_entry(self, actor: Principal, change: Change, entry: Entry) -> None:
        with self.db.write() as tx:
            tx.changes.set_entry(change.number, entry)
            tx.events.append(
                NewEvent(
                    "change.entry",
                    actor.name,
                    f"change/{change.number}",
                    {"change": change.number, "entry": entry.value},
                )
            )

    def _again(self, number: int) -> Change:
        with self.db.read() as tx:
            return tx.changes.get(ChangeNumber(number))


def _short(comment: str) -> None:
    if len(comment) > LONGEST_COMMENT:
        raise BadInput(f"A comment holds at most {LONGEST_COMMENT} characters.", "Shorten it.")
