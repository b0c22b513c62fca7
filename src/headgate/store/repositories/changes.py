"""Changes, their revisions and commits."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, RowMapping, Select, and_, delete, insert, select, update

from headgate.model.change import (
    OPEN_STATES,
    TRANSITIONS,
    Change,
    ChangeState,
    Dependency,
    Entry,
    Revision,
    RevisionCommit,
    Satisfaction,
)
from headgate.model.errors import NotFound
from headgate.model.ids import ChangeNumber, Commit, PrincipalId, ProjectId, RevisionId
from headgate.store import codec
from headgate.store.tables.changes import (
    changes,
    external_dependencies,
    revision_commits,
    revision_dependencies,
    revisions,
)
from headgate.store.text import decode, decode_all, encode, encode_all
from headgate.store.types import Clock, new_id


class Changes:
    """Proposals."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(
        self,
        project: ProjectId,
        branch: str,
        topic: str,
        owner: PrincipalId,
        title: str,
        entry: Entry,
    ) -> Change:
        """A change without a revision, in the state `checking`."""
        now = self._clock()
        done = self._c.execute(
            insert(changes).values(
                project_id=project,
                branch=encode(branch),
                topic=encode(topic),
                owner_id=owner,
                title=encode(title),
                state=ChangeState.CHECKING.value,
                reason="",
                revision=0,
                entry=entry.value,
                created=now,
                updated=now,
            )
        )
        return self.get(ChangeNumber(new_id(done)))

    def find(self, number: ChangeNumber) -> Change | None:
        row = self._c.execute(select(changes).where(changes.c.number == number)).mappings().first()
        return _change(row) if row else None

    def get(self, number: ChangeNumber) -> Change:
        """Raises NotFound."""
        found = self.find(number)
        if found is None:
            raise NotFound(f"There is no change #{number}.", "See `headgate change list`.")
        return found

    def open_topic(
        self, project: ProjectId, branch: str, owner: PrincipalId, topic: str
    ) -> Change | None:
        """The open change that this owner calls so."""
        query = (
            select(changes)
            .where(
                changes.c.project_id == project,
                changes.c.branch == encode(branch),
                changes.c.owner_id == owner,
                changes.c.topic == encode(topic),
                changes.c.state.in_([s.value for s in OPEN_STATES]),
            )
            .order_by(changes.c.number.desc())
        )
        row = self._c.execute(query).mappings().first()
        return _change(row) if row else None

    def set_state(self, number: ChangeNumber, state: ChangeState, reason: str) -> None:
        """Raises ValueError for a step that no change takes: a defect of the caller's."""
        now = self.get(number)
        if state is not now.state and state not in TRANSITIONS[now.state]:
            raise ValueError(f"change #{number} cannot go from {now.state} to {state}")
        self._set(number, state=state.value, reason=encode(reason))

    def set_entry(self, number: ChangeNumber, entry: Entry) -> None:
        self._set(number, entry=entry.value)

    def set_title(self, number: ChangeNumber, title: str) -> None:
        self._set(number, title=encode(title))

    def set_landed(self, number: ChangeNumber, commit: Commit) -> None:
        self._set(number, landed_commit=commit)

    def _set(self, number: ChangeNumber, **values: object) -> None:
        self._c.execute(
            update(changes)
            .where(changes.c.number == number)
            .values(**values, updated=self._clock())
        )

    def select(
        self,
        *,
        project: ProjectId | None = None,
        branch: str | None = None,
        states: Collection[ChangeState] | None = None,
        owner: PrincipalId | None = None,
        text: str = "",
        before: ChangeNumber | None = None,
        limit: int = 50,
    ) -> list[Change]:
        """Newest first."""
        query: Select[tuple[object, ...]] = select(changes)
        if project is not None:
            query = query.where(changes.c.project_id == project)
        if branch is not None:
            query = query.where(changes.c.branch == encode(branch))
        if states is not None:
            query = query.where(changes.c.state.in_(sorted(s.value for s in states)))
        if owner is not None:
            query = query.where(changes.c.owner_id == owner)
        if text:
            query = query.where(changes.c.title.icontains(encode(text), autoescape=True))
        if before is not None:
            query = query.where(changes.c.number < before)
        query = query.order_by(changes.c.number.desc()).limit(limit)
        return [_change(r) for r in self._c.execute(query).mappings()]

    def add_revision(
        self,
        change: ChangeNumber,
        head: Commit,
        base: Commit,
        message: str,
        pusher: PrincipalId,
        options: Sequence[str],
        depends_on: Sequence[Dependency],
        commits: Sequence[RevisionCommit],
    ) -> Revision:
        """The next revision, which becomes the current one. `commits` are oldest first."""
        number = self.get(change).revision + 1
        done = self._c.execute(
            insert(revisions).values(
                change=change,
                number=number,
                head=head,
                base=base,
                message=encode(message),
                pusher_id=pusher,
                options=encode_all(list(options)),
                depends_on=[codec.dump(d) for d in depends_on],
                created=self._clock(),
            )
        )
        id = RevisionId(new_id(done))
        if commits:
            self._c.execute(
                insert(revision_commits),
                [
                    {
                        "revision_id": id,
                        "ordinal": ordinal,
                        "commit": c.commit.commit,
                        "info": codec.dump(c.commit),
                        "origin": codec.dump(c.origin),
                    }
                    for ordinal, c in enumerate(commits)
                ],
            )
        self._set(change, revision=number)
        gone = delete(revision_dependencies).where(revision_dependencies.c.change == change)
        self._c.execute(gone)
        on = sorted({d.change for d in depends_on if d.change is not None})
        if on:
            rows = [{"change": change, "depends_on": other} for other in on]
            self._c.execute(insert(revision_dependencies), rows)
        return self.revision(id)

    def revision(self, id: RevisionId) -> Revision:
        """Raises NotFound."""
        row = self._c.execute(select(revisions).where(revisions.c.id == id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no revision with the id {id}.")
        return _revision(row)

    def current_revision(self, number: ChangeNumber) -> Revision:
        """Raises NotFound."""
        query = (
            select(revisions)
            .where(revisions.c.change == number)
            .order_by(revisions.c.number.desc())
            .limit(1)
        )
        row = self._c.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"There is no change #{number}.", "See `headgate change list`.")
        return _revision(row)

    def revisions(self, number: ChangeNumber) -> list[Revision]:
        """Oldest first."""
        query = select(revisions).where(revisions.c.change == number).order_by(revisions.c.number)
        return [_revision(r) for r in self._c.execute(query).mappings()]

    def commits(self, revision: RevisionId) -> tuple[RevisionCommit, ...]:
        """Oldest first."""
        t = revision_commits
        query = (
            select(t.c.info, t.c.origin).where(t.c.revision_id == revision).order_by(t.c.ordinal)
        )
        return tuple(
            RevisionCommit(codec.commit_info(r["info"]), codec.origin(r["origin"]))
            for r in self._c.execute(query).mappings()
        )

    def pushers_of(self, commits: Collection[Commit]) -> set[PrincipalId]:
        """Owners and pushers of every revision, of any change, that holds one of these commits."""
        found: set[PrincipalId] = set()
        ordered = sorted(commits)
        for start in range(0, len(ordered), 500):
            query = (
                select(changes.c.owner_id, revisions.c.pusher_id)
                .join(revisions, revisions.c.change == changes.c.number)
                .join(revision_commits, revision_commits.c.revision_id == revisions.c.id)
                .where(revision_commits.c.commit.in_(ordered[start : start + 500]))
                .distinct()
            )
            for r in self._c.execute(query).mappings():
                found |= {PrincipalId(r["owner_id"]), PrincipalId(r["pusher_id"])}
        return found

    def with_heads(
        self, project: ProjectId, branch: str, heads: Collection[Commit]
    ) -> list[tuple[Change, Revision]]:
        """Changes for a branch that have, or once had, one of these heads, with that revision."""
        found: list[tuple[Change, Revision]] = []
        ordered = sorted(heads)
        for start in range(0, len(ordered), 500):
            query = (
                select(revisions)
                .join(changes, revisions.c.change == changes.c.number)
                .where(
                    changes.c.project_id == project,
                    changes.c.branch == encode(branch),
                    revisions.c.head.in_(ordered[start : start + 500]),
                )
                .order_by(revisions.c.id)
            )
            rows = [_revision(r) for r in self._c.execute(query).mappings()]
            found += [(self.get(revision.change), revision) for revision in rows]
        return found

    def satisfy(
        self, number: ChangeNumber, address: str, by: PrincipalId, comment: str
    ) -> Satisfaction:
        """Record that what a change depends on outside of this server has landed."""
        done = Satisfaction(address, by, comment, self._clock())
        self._c.execute(
            insert(external_dependencies).values(
                change=number,
                address=encode(address),
                principal_id=by,
                comment=encode(comment),
                created=done.created,
            )
        )
        return done

    def satisfied(self, number: ChangeNumber) -> dict[str, Satisfaction]:
        """By address, what a change needs no longer wait for; for all its revisions."""
        t = external_dependencies
        found = [
            Satisfaction(
                decode(r["address"]),
                PrincipalId(r["principal_id"]),
                decode(r["comment"]),
                r["created"],
            )
            for r in self._c.execute(select(t).where(t.c.change == number)).mappings()
        ]
        return {one.address: one for one in found}

    def dependents(self, number: ChangeNumber) -> list[Change]:
        """Open changes whose current revision depends on this one."""
        t = revision_dependencies
        query = (
            select(changes)
            .join(t, and_(t.c.change == changes.c.number, t.c.depends_on == number))
            .where(changes.c.state.in_(sorted(s.value for s in OPEN_STATES)))
            .order_by(changes.c.number)
        )
        return [_change(r) for r in self._c.execute(query).mappings()]


def _change(r: RowMapping) -> Change:
    return Change(
        number=ChangeNumber(r["number"]),
        project=ProjectId(r["project_id"]),
        branch=decode(r["branch"]),
        topic=decode(r["topic"]),
        owner=PrincipalId(r["owner_id"]),
        title=decode(r["title"]),
        state=ChangeState(r["state"]),
        reason=decode(r["reason"]),
        revision=r["revision"],
        entry=Entry(r["entry"]),
        created=r["created"],
        updated=r["updated"],
        landed_commit=Commit(r["landed_commit"]) if r["landed_commit"] else None,
    )


def _revision(r: RowMapping) -> Revision:
    return Revision(
        id=RevisionId(r["id"]),
        change=ChangeNumber(r["change"]),
        number=r["number"],
        head=Commit(r["head"]),
        base=Commit(r["base"]),
        message=decode(r["message"]),
        pusher=PrincipalId(r["pusher_id"]),
        options=tuple(decode_all(r["options"])),
        created=r["created"],
        depends_on=tuple(codec.dependency(d) for d in r["depends_on"]),
    )
