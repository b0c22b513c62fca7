"""Pipelines, their runs, and what was said on a change."""

from __future__ import annotations

from headgate.model.errors import NotFound
from headgate.model.ids import ChangeNumber, ProjectId
from headgate.model.pipeline import PipelinePolicy, PipelineRun
from headgate.model.principal import Principal
from headgate.server.views import words
from headgate.server.views.abilities import may_read
from headgate.server.views.build_of import what_of
from headgate.server.views.house import House
from headgate.server.views.text import View, shown_path, shown_text
from headgate.store.database import Transaction

RECENT = 5
"""Runs of each pipeline in the list of all."""

SHOWN = 50
"""Runs on the page of one pipeline."""

SAID = 50
"""Comments and messages on the page of a change."""


def pipelines_view(house: House, viewer: Principal, now: float) -> View:
    """Every pipeline that the policy has, or that ever ran, with its newest runs."""
    policy = house.policy()
    with house.db.read() as tx:
        readable = _readable(house, tx, viewer)
        declared = {p.name: p for p in policy.pipelines}
        names = [*declared, *(n for n in tx.pipelines.names() if n not in declared)]
        return {
            "pipelines": [
                _pipeline(name, declared.get(name))
                | {"runs": _runs(house, tx, viewer, name, readable, RECENT, now)}
                for name in names
            ],
            "now": now,
        }


def pipeline_view(house: House, name: str, viewer: Principal, now: float) -> View:
    """One pipeline with its newest runs. Raises NotFound."""
    declared = next((p for p in house.policy().pipelines if p.name == name), None)
    with house.db.read() as tx:
        if declared is None and name not in tx.pipelines.names():
            raise NotFound(f"There is no pipeline {name}.", "See `headgate pipeline list`.")
        readable = _readable(house, tx, viewer)
        return {
            "pipeline": _pipeline(name, declared),
            "runs": _runs(house, tx, viewer, name, readable, SHOWN, now),
            "now": now,
        }


def change_pipelines(
    house: House, tx: Transaction, viewer: Principal, number: ChangeNumber, now: float
) -> list[View]:
    """The runs of a change, newest first."""
    runs = tx.pipelines.of_change(number)
    return [run_view(house, tx, viewer, run, now) for run in reversed(runs[-SHOWN:])]


def conversation(tx: Transaction, number: ChangeNumber) -> list[View]:
    """What people wrote on a change and what it was told, oldest first."""
    subject = f"change/{number}"
    found = [
        event
        for kind in ("change.commented", "change.message")
        for event in tx.events.latest(SAID, kind_prefix=kind, subject=subject)
    ]
    found.sort(key=lambda event: event.id)
    return [
        {
            "id": event.id,
            "time": event.time / 1_000_000,
            "actor": shown_text(event.actor),
            "text": shown_text(str(event.data.get("text", ""))),
            "revision": event.data.get("revision"),
        }
        for event in found[-SAID:]
    ]


def run_view(
    house: House, tx: Transaction, viewer: Principal, run: PipelineRun, now: float
) -> View:
    """One run with its jobs, those of projects that may be read."""
    jobs = tx.builds.runs(run.build) if run.build is not None else []
    change = tx.changes.get(run.change) if run.change is not None else None
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "project": tx.projects.get(run.project).name,
        "branch": shown_path(run.branch),
        "tag": shown_path(run.tag),
        "what": what_of(run),
        "trigger": run.trigger.value,
        "actor": shown_text(run.actor),
        "change": None
        if change is None
        else {"number": change.number, "title": shown_text(change.title)},
        "revision": tx.changes.revision(run.revision).number if run.revision else None,
        "state": run.phase.value,
        "reason": shown_text(run.reason),
        "base": run.base,
        "commit": run.commit,
        "tree": run.tree,
        "created": run.created,
        "started": run.started,
        "finished": run.finished,
        "jobs": [
            words.job(job, now)
            for job in words.latest_attempts(jobs)
            if may_read(house, viewer, job.project)
        ],
    }


def _runs(
    house: House,
    tx: Transaction,
    viewer: Principal,
    name: str,
    readable: frozenset[ProjectId],
    limit: int,
    now: float,
) -> list[View]:
    found = tx.pipelines.recent(name, readable, limit)
    return [run_view(house, tx, viewer, run, now) for run in found]


def _readable(house: House, tx: Transaction, viewer: Principal) -> frozenset[ProjectId]:
    return frozenset(p.id for p in tx.projects.all() if may_read(house, viewer, p.name))


def _pipeline(name: str, policy: PipelinePolicy | None) -> View:
    if policy is None:
        return {"name": name, "declared": False, "manager": "", "on": []}
    return {
        "name": name,
        "declared": True,
        "manager": policy.manager.value,
        "on": [str(trigger) for trigger in policy.triggers],
        "projects": list(policy.projects),
        "branches": list(policy.branches),
        "jobs": list(policy.jobs),
        "require": {
            "approvals": policy.require.approvals,
            "checks": list(policy.require.checks),
            "age": policy.require.age,
        },
        "report": [report.value for report in policy.report],
        "precedence": policy.precedence.value,
    }
