"""Every step of a run, as the rows and the event that one transaction writes."""

from __future__ import annotations

from collections.abc import Mapping

from headgate.gate.pipelines.phases import EVENTS, Signal, step
from headgate.model.event import Json, NewEvent
from headgate.model.ids import PipelineRunId
from headgate.model.job import BuildState
from headgate.model.pipeline import NewRun, PipelineRun, Report, RunPhase, TriggerKind
from headgate.model.principal import GATE
from headgate.store.database import Transaction


def trigger(tx: Transaction, new: NewRun) -> PipelineRun | None:
    """A run is caused; None when its cause has been told before."""
    run = tx.pipelines.add(new)
    if run is not None:
        about = {"trigger": new.trigger.value, "cause": new.cause, "commit": new.commit}
        _append(tx, "pipeline.triggered", run, about, new.actor)
    return run


def move(
    tx: Transaction,
    id: PipelineRunId,
    signal: Signal,
    reason: str,
    data: Mapping[str, Json] | None = None,
) -> PipelineRun | None:
    """Follow a signal; None, and nothing changed, when the run is past it.

    What is built for a run that ends or waits again is no longer needed.
    """
    run = tx.pipelines.get(id)
    phase = step(run.phase, signal)
    if phase is None:
        return None
    tx.pipelines.set_phase(id, phase, reason)
    if phase is not RunPhase.BUILDING and run.build is not None:
        build = tx.builds.get(run.build)
        if build.state is BuildState.RUNNING:
            tx.builds.set_state(run.build, BuildState.CANCELLED, reason)
    about: dict[str, Json] = {"reason": reason, "build": run.build, "commit": run.commit}
    moved = tx.pipelines.get(id)
    _append(tx, EVENTS[signal], moved, {**about, **(data or {})}, GATE)
    return moved


def wait(tx: Transaction, id: PipelineRunId, reason: str) -> bool:
    """Say on a waiting run what it waits for; False when it says so already."""
    run = tx.pipelines.get(id)
    if run.phase is not RunPhase.WAITING or run.reason == reason:
        return False
    tx.pipelines.set_phase(id, RunPhase.WAITING, reason)
    _append(tx, "pipeline.waiting", run, {"reason": reason}, GATE)
    return True


def report(tx: Transaction, run: PipelineRun, reports: tuple[Report, ...], url: str) -> None:
    """Tell on the change how a run of it ended. Runs that were cancelled are not worth a word."""
    if Report.MESSAGE not in reports or run.change is None or run.phase is RunPhase.CANCELLED:
        return
    text = f"{run.pipeline}: {describe(run)}. See {url}"
    tx.events.append(
        NewEvent(
            "change.message",
            GATE,
            f"change/{run.change}",
            {"change": run.change, "pipeline": run.pipeline, "run": run.id, "text": text},
        )
    )


def describe(run: PipelineRun) -> str:
    """How a run ended, in a line."""
    words = {
        RunPhase.PASSED: "passed",
        RunPhase.FAILED: "failed",
        RunPhase.INFRASTRUCTURE: "could not be run",
    }.get(run.phase, run.phase.value)
    if run.trigger is TriggerKind.LANDED:
        words += " after the landing"
    return f"{words}: {run.reason.rstrip('.')}" if run.reason else words


def _append(
    tx: Transaction, kind: str, run: PipelineRun, data: Mapping[str, Json], actor: str
) -> None:
    project = tx.projects.get(run.project).name
    about: dict[str, Json] = {
        "pipeline": run.pipeline,
        "run": run.id,
        "project": project,
        "branch": run.branch,
        "tag": run.tag,
        "change": run.change,
    }
    subject = f"change/{run.change}" if run.change is not None else f"project/{project}"
    tx.events.append(NewEvent(kind, actor, subject, {**about, **data}))
