"""Runs of pipelines, how far their causes were followed, tags, and pushes that wait."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select, update

from headgate.model.errors import NotFound
from headgate.model.ids import (
    BuildId,
    ChangeNumber,
    Commit,
    PipelineRunId,
    PrincipalId,
    ProjectId,
    RevisionId,
    Tree,
)
from headgate.model.pipeline import NewRun, PipelineRun, RunPhase, TriggerKind
from headgate.model.queue import BranchKey
from headgate.store.tables.changes import parked_pushes
from headgate.store.tables.pipelines import pipeline_marks, pipeline_runs, tags
from headgate.store.text import decode, decode_all, encode, encode_all
from headgate.store.types import Clock, new_id

_LIVE = [p.value for p in RunPhase if p.live]


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that somebody pushed through Headgate."""

    project: ProjectId
    name: str
    object: str
    commit: Commit
    pusher: PrincipalId
    pushed: bool
    """False while git has not taken it yet."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A revision that waits until the one in the queue has its verdict."""

    change: ChangeNumber
    head: Commit
    ref: str
    options: tuple[str, ...]
    pusher: PrincipalId
    created: float


class Pipelines:
    """Runs of pipelines."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(self, new: NewRun) -> PipelineRun | None:
        """A waiting run; None when its cause has made one already."""
        t = pipeline_runs
        same = (
            t.c.pipeline == new.pipeline,
            t.c.project_id == new.project,
            t.c.branch == encode(new.branch),
            t.c.cause == new.cause,
        )
        if self._c.execute(select(t.c.id).where(*same)).first() is not None:
            return None
        done = self._c.execute(
            insert(t).values(
                pipeline=new.pipeline,
                project_id=new.project,
                branch=encode(new.branch),
                tag=encode(new.tag),
                trigger=new.trigger.value,
                cause=new.cause,
                actor=new.actor,
                change=new.change,
                revision_id=new.revision,
                state=RunPhase.WAITING.value,
                reason="",
                base=new.base,
                commit=new.commit,
                future=[],
                rounds=0,
                reported=False,
                created=self._clock(),
            )
        )
        return self.get(PipelineRunId(new_id(done)))

    def get(self, id: PipelineRunId) -> PipelineRun:
        """Raises NotFound."""
        row = self._one(pipeline_runs.c.id == id)
        if row is None:
            raise NotFound(f"There is no pipeline run {id}.", "See `headgate pipeline list`.")
        return row

    def of_build(self, build: BuildId) -> PipelineRun | None:
        """The run that a build was made for; None for a build of the gate."""
        return self._one(pipeline_runs.c.build_id == build)

    def live(self) -> list[PipelineRun]:
        """Those that wait or build, oldest first."""
        return self._many(pipeline_runs.c.state.in_(_LIVE))

    def unreported(self) -> list[PipelineRun]:
        """Those that ended and were not told yet, oldest first."""
        t = pipeline_runs
        return self._many(t.c.state.not_in(_LIVE), t.c.reported.is_(False))

    def of_change(self, number: ChangeNumber) -> list[PipelineRun]:
        """Oldest first."""
        return self._many(pipeline_runs.c.change == number)

    def of_revision(self, revision: RevisionId) -> list[PipelineRun]:
        """Oldest first."""
        return self._many(pipeline_runs.c.revision_id == revision)

    def recent(
        self, pipeline: str, projects: Collection[ProjectId], limit: int
    ) -> list[PipelineRun]:
        """The newest of these projects, newest first."""
        t = pipeline_runs
        query = (
            select(t)
            .where(t.c.pipeline == pipeline, t.c.project_id.in_(list(projects)))
            .order_by(t.c.id.desc())
            .limit(limit)
        )
        return [_run(r) for r in self._c.execute(query).mappings()]

    def names(self) -> list[str]:
        """Of every pipeline that ever ran, by name."""
        query = select(pipeline_runs.c.pipeline).distinct().order_by(pipeline_runs.c.pipeline)
        return [str(name) for name in self._c.execute(query).scalars()]

    def set_phase(self, id: PipelineRunId, phase: RunPhase, reason: str) -> None:
        """Moves a run; the time at which it ended is kept with a final phase."""
        finished = None if phase.live else self._clock()
        self._set(id, state=phase.value, reason=encode(reason), finished=finished)

    def set_future(
        self,
        id: PipelineRunId,
        base: Commit,
        commit: Commit,
        tree: Tree,
        future: Mapping[BranchKey, Commit],
    ) -> None:
        """What is tested, and what lies beside it."""
        rows = [[k.project, encode(k.branch), c] for k, c in future.items()]
        self._set(id, base=base, commit=commit, tree=tree, future=rows)

    def set_build(self, id: PipelineRunId, build: BuildId | None) -> None:
        self._set(id, build_id=build, started=self._clock() if build is not None else None)

    def set_rounds(self, id: PipelineRunId, rounds: int) -> None:
        self._set(id, rounds=rounds)

    def set_reported(self, id: PipelineRunId) -> None:
        self._set(id, reported=True)

    def mark(self, name: str) -> float | None:
        """How far something was followed; None when it was not yet."""
        t = pipeline_marks
        found: float | None = self._c.execute(select(t.c.value).where(t.c.name == name)).scalar()
        return found

    def set_mark(self, name: str, value: float) -> None:
        t = pipeline_marks
        done = self._c.execute(update(t).where(t.c.name == name).values(value=value))
        if not done.rowcount:
            self._c.execute(insert(t).values(name=name, value=value))

    def marks(self, prefix: str) -> dict[str, float]:
        """Every mark whose name begins so."""
        t = pipeline_marks
        query = select(t).where(t.c.name.startswith(prefix, autoescape=True))
        return {r["name"]: r["value"] for r in self._c.execute(query).mappings()}

    def drop_mark(self, name: str) -> None:
        self._c.execute(delete(pipeline_marks).where(pipeline_marks.c.name == name))

    def _set(self, id: PipelineRunId, **values: object) -> None:
        self._c.execute(update(pipeline_runs).where(pipeline_runs.c.id == id).values(**values))

    def _one(self, condition: ColumnElement[bool]) -> PipelineRun | None:
        found = self._many(condition)
        return found[-1] if found else None

    def _many(self, *conditions: ColumnElement[bool]) -> list[PipelineRun]:
        query = select(pipeline_runs).where(*conditions).order_by(pipeline_runs.c.id)
        return [_run(r) for r in self._c.execute(query).mappings()]


class Tags:
    """Tags that were pushed."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def announce(
        self, project: ProjectId, name: str, object: str, commit: Commit, pusher: PrincipalId
    ) -> None:
        """Before git takes a tag; one of that name that git never took is forgotten."""
        self.forget(project, name)
        self._c.execute(
            insert(tags).values(
                project_id=project,
                name=encode(name),
                object=object,
                commit=commit,
                pusher_id=pusher,
                state="announced",
                created=self._clock(),
            )
        )

    def announced(self) -> list[Tag]:
        """Of which it is not known whether git took them, oldest first."""
        query = select(tags).where(tags.c.state == "announced").order_by(tags.c.id)
        return [_tag(r) for r in self._c.execute(query).mappings()]

    def set_pushed(self, project: ProjectId, name: str) -> None:
        self._c.execute(
            update(tags)
            .where(tags.c.project_id == project, tags.c.name == encode(name))
            .values(state="pushed")
        )

    def forget(self, project: ProjectId, name: str) -> None:
        """Git did not take it."""
        mine = (tags.c.project_id == project, tags.c.name == encode(name))
        self._c.execute(delete(tags).where(*mine, tags.c.state == "announced"))


class ParkedPushes:
    """Revisions that wait until the one in the queue has its verdict."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def put(
        self,
        change: ChangeNumber,
        head: Commit,
        ref: str,
        options: Sequence[str],
        pusher: PrincipalId,
    ) -> None:
        """The newest push of a change takes the place of an older one that waits."""
        self.take(change)
        self._c.execute(
            insert(parked_pushes).values(
                change=change,
                head=head,
                ref=encode(ref),
                options=encode_all(list(options)),
                pusher_id=pusher,
                created=self._clock(),
            )
        )

    def take(self, change: ChangeNumber) -> None:
        """It waits no longer."""
        self._c.execute(delete(parked_pushes).where(parked_pushes.c.change == change))

    def of(self, change: ChangeNumber) -> Parked | None:
        return next((p for p in self.all() if p.change == change), None)

    def all(self) -> list[Parked]:
        """By change."""
        query = select(parked_pushes).order_by(parked_pushes.c.change)
        return [
            Parked(
                ChangeNumber(r["change"]),
                Commit(r["head"]),
                decode(r["ref"]),
                tuple(decode_all(r["options"])),
                PrincipalId(r["pusher_id"]),
                r["created"],
            )
            for r in self._c.execute(query).mappings()
        ]


def _run(r: RowMapping) -> PipelineRun:
    return PipelineRun(
        id=PipelineRunId(r["id"]),
        pipeline=r["pipeline"],
        project=ProjectId(r["project_id"]),
        branch=decode(r["branch"]),
        tag=decode(r["tag"]),
        trigger=TriggerKind(r["trigger"]),
        cause=r["cause"],
        actor=r["actor"],
        change=None if r["change"] is None else ChangeNumber(r["change"]),
        revision=None if r["revision_id"] is None else RevisionId(r["revision_id"]),
        phase=RunPhase(r["state"]),
        reason=decode(r["reason"]),
        base=Commit(r["base"]) if r["base"] else None,
        commit=Commit(r["commit"]) if r["commit"] else None,
        tree=Tree(r["tree"]) if r["tree"] else None,
        future={BranchKey(p, decode(b)): Commit(c) for p, b, c in r["future"]},
        build=None if r["build_id"] is None else BuildId(r["build_id"]),
        rounds=r["rounds"],
        reported=bool(r["reported"]),
        created=r["created"],
        started=r["started"],
        finished=r["finished"],
    )


def _tag(r: RowMapping) -> Tag:
    return Tag(
        ProjectId(r["project_id"]),
        decode(r["name"]),
        r["object"],
        Commit(r["commit"]),
        PrincipalId(r["pusher_id"]),
        r["state"] == "pushed",
    )
