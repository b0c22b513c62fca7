"""From a pushed ref to a change with a revision, its provenance and its dependencies."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from headgate.forge.interface import DependsOn, Forge, Proposal
from headgate.gate.entry import apart, cycle_of, needs_of, shown
from headgate.gate.pipelines.scope import enters_by_itself
from headgate.gate.scope import queue_of
from headgate.gate.service import GateService
from headgate.model.change import (
    OPEN_STATES,
    Change,
    ChangeState,
    CommitInfo,
    Dependency,
    DependencyKind,
    Entry,
    Revision,
    RevisionCommit,
)
from headgate.model.config import NewRevision, Policy
from headgate.model.cycles import way_round
from headgate.model.errors import BadInput, Conflict, NotFound
from headgate.model.event import Json, NewEvent
from headgate.model.ids import Commit
from headgate.model.origin import Origin, combine
from headgate.model.principal import Principal
from headgate.model.project import Project
from headgate.model.queue import BranchKey
from headgate.provenance.detect import PushContext, detect
from headgate.server.flow.references import parked_ref, revision_ref
from headgate.server.flow.stacks import Stand, stand
from headgate.store.database import Database, Transaction
from headgate.vcs.repository import Repository

MOST_COMMITS = 500


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a proposal."""

    change: Change
    revision: Revision
    origin: Origin
    previous: Revision | None


@dataclass(frozen=True, slots=True)
class Later:
    """A revision that is taken once the one in the queue has its verdict."""

    change: Change


class Intake:
    """Takes proposals in: everything it writes is in one transaction."""

    def __init__(
        self,
        db: Database,
        forge: Forge,
        gate: GateService,
        lock: Callable[[int], asyncio.Lock],
        policy: Callable[[], Policy],
    ) -> None:
        """`lock` gives the lock under which one thing at a time happens to a change, `policy` the
        policy in force."""
        self._policy = policy
        self._db = db
        self._forge = forge
        self._gate = gate
        self._lock = lock

    async def take(
        self,
        repository: Repository,
        project: Project,
        who: Principal,
        sponsor: str,
        ref: str,
        head: Commit,
        options: Sequence[str],
    ) -> Taken | Later:
        """Record a pushed head as a change, or as a new revision of one.

        Raises BadInput, NotFound or Conflict, each with what to do; then nothing was recorded.
        """
        branches = await repository.branches()
        proposal = self._forge.proposal(project.name, ref, head, options, list(branches))
        key = BranchKey(project.name, proposal.branch)
        if not enters_by_itself(self._policy(), key):
            proposal = replace(proposal, entry=Entry.HELD)
        tip = branches[proposal.branch]
        base, everything = await _commits(repository, proposal, tip)
        with self._db.read() as tx:
            known = {p.email: p for p in tx.principals.all() if p.email and p.is_human}
            before = self._find(tx, proposal, project, who)
        place = await stand(
            self._db,
            repository,
            project.id,
            proposal.branch,
            before.number if before is not None else None,
            base,
            everything,
        )
        base, commits = place.base, place.commits
        if not await repository.changed(base, proposal.head):
            raise BadInput(
                f"The commits up to {proposal.head[:10]} change no file.", "Push a real change."
            )
        context = PushContext(
            principal=who, sponsor=sponsor, options=tuple(options), topic=proposal.topic
        )
        recorded = [RevisionCommit(info, _origin(info, context, known)) for info in commits]
        footers = _footers(self._forge, commits)
        with self._db.read() as tx:
            resolved = self._resolve(tx, footers, place, before)
        async with self._lock(before.number) if before is not None else contextlib.nullcontext():
            if before is not None:
                with self._db.read() as tx:
                    now = tx.changes.get(before.number)
                    latest = tx.changes.current_revision(before.number)
                if latest.head == proposal.head:
                    raise Conflict(
                        f"{proposal.head[:10]} is already revision {latest.number} of change "
                        f"#{now.number}.",
                        "Nothing was changed.",
                    )
                if now.state is ChangeState.LANDED:
                    raise Conflict(f"Change #{now.number} has just landed.", "Push a new change.")
                if now.state is ChangeState.QUEUED and self._finishes(key):
                    await self._park(repository, now, who, ref, head, options)
                    return Later(now)
                if now.state is ChangeState.QUEUED:
                    await self._gate.withdraw(now.number, "a new revision was pushed", who.name)
            taken = self._record(
                proposal, project, who, base, commits[-1].message, recorded, resolved, before
            )
        await repository.update_ref(
            revision_ref(taken.change.number, taken.revision.number), head, Commit("0" * 40)
        )
        return taken

    def _finishes(self, key: BranchKey) -> bool:
        return queue_of(self._policy(), key).new_revision is NewRevision.FINISH

    async def _park(
        self,
        repository: Repository,
        change: Change,
        who: Principal,
        ref: str,
        head: Commit,
        options: Sequence[str],
    ) -> None:
        kept = parked_ref(change.number)
        old = await repository.resolve(kept)
        if old != head:
            await repository.update_ref(kept, head, old)
        with self._db.write() as tx:
            tx.parked.put(change.number, head, ref, options, who.id)
            tx.events.append(
                NewEvent(
                    "revision.parked",
                    who.name,
                    f"change/{change.number}",
                    {"change": change.number, "head": head},
                )
            )

    def _find(
        self, tx: Transaction, proposal: Proposal, project: Project, who: Principal
    ) -> Change | None:
        if proposal.change is not None:
            change = tx.changes.find(proposal.change)
            if change is None or change.project != project.id or change.branch != proposal.branch:
                raise NotFound(
                    f"There is no change #{proposal.change} for {proposal.branch} of "
                    f"{project.name}.",
                    "See `headgate change list`.",
                )
            if change.owner != who.id:
                owner = tx.principals.get(change.owner).name
                raise Conflict(
                    f"Change #{change.number} belongs to {owner}.",
                    "Push a change of your own; name theirs in a Depends-On: footer if it builds "
                    "on it.",
                )
            if change.state not in OPEN_STATES and change.state is not ChangeState.ABANDONED:
                raise Conflict(f"Change #{change.number} has landed.", "Push a new change.")
            return change
        if proposal.topic:
            return tx.changes.open_topic(project.id, proposal.branch, who.id, proposal.topic)
        for change in tx.changes.select(
            project=project.id, branch=proposal.branch, states=OPEN_STATES, limit=1000
        ):
            if tx.changes.current_revision(change.number).head == proposal.head:
                raise Conflict(
                    f"{proposal.head[:10]} is already change #{change.number}.",
                    "Add a commit or amend it, then push again with "
                    f"-o change={change.number} to revise it.",
                )
        return None

    def _resolve(
        self, tx: Transaction, footers: Sequence[DependsOn], below: Stand, own: Change | None
    ) -> tuple[Dependency, ...]:
        resolved = [_dependency(tx, footer, own) for footer in footers]
        # A footer that names the change below says nothing that the commits do not say already.
        stack = {d.change for d in below.below}
        resolved = [d for d in resolved if d.change is None or d.change not in stack]
        depends_on = (*below.below, *resolved)
        if own is not None:
            needs = [d.change for d in depends_on if d.change is not None]
            cycle = cycle_of(tx, own.number, needs)
            if wrong := apart(tx, cycle, self._policy()):
                way = shown(way_round(own.number, needs_of(tx, own.number, needs)))
                raise BadInput(f"The dependencies close a circle: {way}. {wrong[0]}", wrong[1])
        return depends_on

    def _record(
        self,
        proposal: Proposal,
        project: Project,
        who: Principal,
        base: Commit,
        message: str,
        commits: Sequence[RevisionCommit],
        depends_on: tuple[Dependency, ...],
        before: Change | None,
    ) -> Taken:
        title = message.split("\n", 1)[0].strip() or "(no subject)"
        origin = combine(c.origin for c in commits)
        with self._db.write() as tx:
            change, previous = before, None
            if change is None:
                change = tx.changes.add(
                    project.id, proposal.branch, proposal.topic, who.id, title, proposal.entry
                )
                tx.events.append(
                    NewEvent(
                        "change.created",
                        who.name,
                        f"change/{change.number}",
                        {
                            "change": change.number,
                            "project": project.name,
                            "branch": proposal.branch,
                            "topic": proposal.topic,
                            "title": title,
                        },
                    )
                )
            else:
                previous = tx.changes.current_revision(change.number)
                for approval in tx.approvals.of_change(change.number):
                    if not approval.void:
                        tx.approvals.void(approval.id, "a new revision was pushed")
                        tx.events.append(
                            NewEvent(
                                "approval.voided",
                                who.name,
                                f"change/{change.number}",
                                {
                                    "change": change.number,
                                    "approver": tx.principals.get(approval.approver).name,
                                    "reason": "a new revision was pushed",
                                },
                            )
                        )
                tx.changes.set_title(change.number, title)
                tx.changes.set_entry(change.number, proposal.entry)
            revision = tx.changes.add_revision(
                change.number,
                proposal.head,
                base,
                message,
                who.id,
                proposal.options,
                depends_on,
                commits,
            )
            tx.changes.set_state(change.number, ChangeState.CHECKING, "being inspected")
            tx.events.append(
                NewEvent(
                    "revision.pushed",
                    who.name,
                    f"change/{change.number}",
                    _revision_data(revision, commits, origin),
                )
            )
            return Taken(tx.changes.get(change.number), revision, origin, previous)


async def _commits(
    repository: Repository, proposal: Proposal, tip: Commit
) -> tuple[Commit, list[CommitInfo]]:
    base = await repository.merge_base(tip, proposal.head)
    if base is None:
        raise BadInput(
            f"{proposal.head[:10]} has no history in common with {proposal.branch}.",
            f"Begin from the branch: git fetch origin && git rebase origin/{proposal.branch}.",
        )
    if base == proposal.head:
        raise BadInput(
            f"{proposal.head[:10]} has no commits that {proposal.branch} lacks.",
            "Commit something first, then push again.",
        )
    commits = await repository.commits(base, proposal.head)
    if len(commits) > MOST_COMMITS:
        raise BadInput(
            f"{len(commits)} commits are more than one change may hold ({MOST_COMMITS}).",
            "Split it, or squash what belongs together.",
        )
    return base, commits


def _origin(info: CommitInfo, push: PushContext, known: Mapping[str, Principal]) -> Origin:
    return detect(info, push, frozenset(known))


def _footers(forge: Forge, commits: Iterable[CommitInfo]) -> list[DependsOn]:
    found: dict[str, DependsOn] = {}
    for info in commits:
        for footer in forge.depends_on(info.message):
            found.setdefault(footer.text, footer)
    return list(found.values())


def _dependency(tx: Transaction, footer: DependsOn, own: Change | None) -> Dependency:
    if footer.external:
        return Dependency(footer.text, None, DependencyKind.EXTERNAL)
    other = tx.changes.find(footer.change) if footer.change is not None else None
    if not footer.text:
        raise BadInput(
            "A Depends-On: footer is empty.",
            "Write the number or the address of a change behind it, or take the footer out.",
        )
    if other is None:
        raise BadInput(
            f"Depends-On: {footer.text} names no change of this server.",
            "Give the number of a change, or the address of its page.",
        )
    if own is not None and other.number == own.number:
        raise BadInput(
            f"Depends-On: {footer.text} names the change itself.", "Take the footer out."
        )
    if other.state is ChangeState.ABANDONED:
        raise BadInput(
            f"Depends-On: {footer.text} names change #{other.number}, which is abandoned.",
            "Take the footer out, or name the change that replaced it.",
        )
    return Dependency(footer.text, other.number)


def _revision_data(
    revision: Revision, commits: Sequence[RevisionCommit], origin: Origin
) -> dict[str, Json]:
    return {
        "change": revision.change,
        "revision": revision.number,
        "head": revision.head,
        "base": revision.base,
        "commits": [c.commit.commit for c in commits],
        "origin": origin.kind.value,
        "grade": origin.grade.value if origin.grade else None,
        "tool": origin.tool,
        "model": origin.model,
        "depends_on": [*revision.needs],
        "stands_on": [{"change": d.change, "revision": d.revision} for d in revision.stands_on],
        "external": [*revision.external],
    }
