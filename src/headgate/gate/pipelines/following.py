"""Follows the log of events and the clock, and records the runs that they cause.

The place up to which the log was followed is noted in the transaction that records the runs, and
a run is made once for each cause. So whatever happens to this process, nothing is missed and
nothing runs twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headgate.gate.pipelines import records
from headgate.gate.pipelines.ports import PipelinePorts
from headgate.gate.pipelines.scope import gate_of
from headgate.gate.pipelines.triggers import (
    CRON_MARK,
    Commented,
    Happening,
    Landed,
    Place,
    Proposed,
    Tagged,
    Target,
    asks,
    due,
    runs_due,
    runs_elsewhere,
    runs_for,
    schedules,
)
from headgate.model.config import Policy, ProjectConfig
from headgate.model.errors import BadInput
from headgate.model.event import Event
from headgate.model.ids import ChangeNumber, Commit
from headgate.model.pipeline import Manager, NewRun, PipelinePolicy, TriggerKind
from headgate.model.queue import BranchKey
from headgate.model.resolve import for_branch
from headgate.store.database import Database, Transaction

CAUSES = frozenset(
    {
        "revision.pushed",
        "change.rechecked",
        "change.commented",
        "branch.landed",
        "item.ejected",
        "tag.pushed",
        "policy.loaded",
    }
)
"""Events that may cause runs; the last one begins a policy, which does not look back."""

_DECIDES = frozenset({"branch.landed", "item.ejected"})
_NOTED = _DECIDES | {"change.commented"}
"""Those that cause more than runs, and so are to be followed once and not again."""

_MARK = "events"
_BATCH = 500


class Follower:
    """Reads what happened since it last looked."""

    def __init__(self, db: Database, ports: PipelinePorts) -> None:
        self._db = db
        self._ports = ports
        self._seen = 0

    def begin(self) -> None:
        """The log before the first start causes nothing."""
        with self._db.read() as tx:
            mark, last = tx.pipelines.mark(_MARK), tx.events.last()
        if mark is None:
            mark = float(last.id if last else 0)
            with self._db.write() as tx:
                tx.pipelines.set_mark(_MARK, mark)
        self._seen = int(mark)

    async def follow(self) -> None:
        """Everything in the log that was not looked at yet."""
        while True:
            with self._db.read() as tx:
                events = tx.events.after(self._seen, _BATCH)
            if not events:
                return
            for event in events:
                if event.kind in CAUSES:
                    await self._take(event)
                if event.kind in _NOTED:
                    self._note(event.id)
            self._seen = events[-1].id
            if len(events) == _BATCH:
                self._note(self._seen)

    async def _take(self, event: Event) -> None:
        policy = self._ports.policy()
        if event.kind == "policy.loaded":
            self._note(event.id)
            return
        if event.kind in _DECIDES:
            await self._ports.decided(event)
        if event.kind == "item.ejected":
            return
        with self._db.read() as tx:
            happening = _happening(tx, event)
        if happening is None:
            return
        runs = [*runs_for(happening, policy)]
        if isinstance(happening, Landed):
            runs += await self._elsewhere(happening, policy)
            # Before the note: it must happen, and may happen twice.
            await self._ports.landed_elsewhere(event)
        if isinstance(happening, Commented):
            await self._ask_gate(happening, policy)
        if runs:
            self._record(runs, event.id)

    async def _elsewhere(self, landed: Landed, policy: Policy) -> Sequence[NewRun]:
        if not any(p.on(TriggerKind.ELSEWHERE) for p in _beside(policy)):
            return ()
        return runs_elsewhere(landed, await self._places(with_jobs=True), policy)

    async def _ask_gate(self, comment: Commented, policy: Policy) -> None:
        gate = gate_of(policy, BranchKey(comment.target.project, comment.target.branch))
        if gate is not None and asks(gate, comment.text):
            await self._ports.asked(comment.change, comment.actor)

    def _record(self, runs: Sequence[NewRun], upto: int) -> None:
        with self._db.write() as tx:
            for run in runs:
                records.trigger(tx, run)
            tx.pipelines.set_mark(_MARK, float(upto))

    def _note(self, upto: int) -> None:
        with self._db.write() as tx:
            tx.pipelines.set_mark(_MARK, float(upto))

    # -- the clock -------------------------------------------------------------------------------

    async def tick(self) -> float | None:
        """Record the runs whose schedule has come; gives when the next one comes."""
        policy, now = self._ports.policy(), self._ports.clock()
        with self._db.read() as tx:
            marks = tx.pipelines.marks(CRON_MARK)
        known = schedules(policy)
        if marks.keys() != known.keys():
            # A schedule counts from when it was first seen, and one that is gone is forgotten.
            with self._db.write() as tx:
                for mark in marks.keys() - known.keys():
                    tx.pipelines.drop_mark(mark)
                for mark in known.keys() - marks.keys():
                    tx.pipelines.set_mark(mark, now)
            marks = {mark: marks.get(mark, now) for mark in known}
        come, later = due(policy, marks, now)
        places = await self._places() if come else []
        for one in come:
            with self._db.write() as tx:
                for run in runs_due(one, places):
                    records.trigger(tx, run)
                tx.pipelines.set_mark(one.mark, now)
        return later

    async def _places(self, *, with_jobs: bool = False) -> list[Place]:
        with self._db.read() as tx:
            projects = tx.projects.all()
        found: list[Place] = []
        for project in projects:
            heads = await self._ports.repository(project.name).branches()
            requires: dict[str, frozenset[str]] = {}
            if with_jobs:
                for branch, head in heads.items():
                    requires[branch] = await self._required(project.name, branch, head)
            found.append(Place(project.id, project.name, project.default_branch, heads, requires))
        return found

    async def _required(self, project: str, branch: str, head: Commit) -> frozenset[str]:
        try:
            config = for_branch(await self._ports.project_config(project, head), branch)
        except BadInput:
            config = ProjectConfig()  # Whoever mends the file is told by the gate.
        return frozenset(p for job in config.jobs.values() for p in job.required_projects)


def _beside(policy: Policy) -> list[PipelinePolicy]:
    return [p for p in policy.pipelines if p.manager is not Manager.DEPENDENT]


def _happening(tx: Transaction, event: Event) -> Happening | None:
    """What an event means; None when what it is about is gone."""
    cause, data = f"event/{event.id}", event.data
    if event.kind == "tag.pushed":
        project = tx.projects.find(_text(data, "project"))
        if project is None:
            return None
        target = Target(project.id, project.name, "")
        commit = Commit(_text(data, "commit"))
        return Tagged(target, cause, event.actor, _text(data, "tag"), commit)
    number = data.get("change")
    change = tx.changes.find(ChangeNumber(number)) if isinstance(number, int) else None
    if change is None:
        return None
    target = Target(change.project, tx.projects.get(change.project).name, change.branch)
    if event.kind == "branch.landed":
        before, commit = Commit(_text(data, "before")), Commit(_text(data, "commit"))
        return Landed(target, cause, event.actor, change.number, before, commit)
    revision = tx.changes.current_revision(change.number)
    wanted = data.get("revision")
    if isinstance(wanted, int) and wanted != revision.number:
        return None  # A newer one was pushed meanwhile, and has an event of its own.
    if event.kind == "change.commented":
        if data.get("permitted") is not True:
            return None
        text = _text(data, "text")
        return Commented(target, cause, event.actor, change.number, revision.id, text)
    return Proposed(target, cause, event.actor, change.number, revision.id)


def _text(data: Mapping[str, object], key: str) -> str:
    found = data.get(key, "")
    return found if isinstance(found, str) else ""
