"""Every step of a trial, as the rows and the events that one transaction writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from headgate.gate import records
from headgate.model.event import Json
from headgate.model.ids import BuildId, ItemId, JobRunId
from headgate.model.job import BuildState
from headgate.model.queue import Item, Node, NodeState
from headgate.model.trial import Trial, TrialState
from headgate.store.database import Transaction


def live_nodes(tx: Transaction, trial: Trial) -> list[tuple[Item, Node]]:
    """The members that still have it, with their nodes."""
    found: list[tuple[Item, Node]] = []
    for node in tx.nodes.of_trial(trial.id):
        item = tx.items.get(node.item)
        if item.state.live and node.state is not NodeState.DROPPED:
            found.append((item, node))
    return found


def begun(
    tx: Transaction, trial: Trial, build: BuildId, jobs: Sequence[str], commits: dict[str, Json]
) -> None:
    """Its jobs run."""
    tx.trials.set_build(trial.id, build)
    for item, node in live_nodes(tx, trial):
        tx.nodes.set_build(node.id, build)
        tx.nodes.set_state(node.id, NodeState.BUILDING, "")
        data: dict[str, Json] = {"build": build, "jobs": [*jobs], "commits": commits}
        records.about_node(
            tx, "build.started", item, node, data | records.together(tx, node.unit) | _of(trial)
        )


def passed(
    tx: Transaction,
    trial: Trial,
    build: BuildId | None,
    jobs: Sequence[str],
    reason: str,
    commits: Mapping[str, Json] | None = None,
) -> None:
    """It passed, and so did every member; `commits` are what jobs whose results were known would
    have found."""
    tx.trials.set_state(trial.id, TrialState.PASSED, reason)
    for item, node in live_nodes(tx, trial):
        tx.nodes.set_state(node.id, NodeState.PASSED, reason)
        data: dict[str, Json] = {"build": build, "tree": node.tree, "reason": reason}
        if build is None:
            data["jobs"] = [*jobs]
            data["reused"] = [*trial.reused]
            data["commits"] = {**(commits or {})}
        records.about_node(tx, "build.passed", item, node, data | _of(trial))
        records.hold(tx, item, "", "")


def failed(
    tx: Transaction,
    trial: Trial,
    build: BuildId | None,
    state: NodeState,
    reason: str,
    culprits: Sequence[ItemId] | None,
) -> None:
    """It failed, because of the culprits; None: nobody knows because of whom."""
    tx.trials.set_state(trial.id, TrialState.FAILED, reason, culprits)
    blamed: Json = None
    if culprits is not None:
        blamed = [int(tx.items.get(id).change) for id in culprits]
    for item, node in live_nodes(tx, trial):
        tx.nodes.set_state(node.id, state, reason)
        kind = "node.broken" if state is NodeState.BROKEN else "build.failed"
        data: dict[str, Json] = {"build": build, "tree": node.tree, "reason": reason}
        records.about_node(tx, kind, item, node, data | {"blamed": blamed} | _of(trial))


def not_run(tx: Transaction, trial: Trial, build: BuildId | None, reason: str) -> None:
    """It could not be run, or says nothing: it is dropped, and counts for nobody."""
    for item, node in live_nodes(tx, trial):
        data: dict[str, Json] = {"build": build, "tree": node.tree, "reason": reason}
        records.about_node(tx, "build.infrastructure", item, node, data | _of(trial))
    drop(tx, trial, f"could not be run: {reason}")


def drop(tx: Transaction, trial: Trial, reason: str) -> None:
    """Its answer is not needed any more. Decided nodes of items that left stay as evidence."""
    now = tx.trials.get(trial.id)
    if now.state in (TrialState.DROPPED, TrialState.LANDED):
        return
    tx.trials.set_state(trial.id, TrialState.DROPPED, now.reason or reason)
    for item, node in live_nodes(tx, trial):
        records.drop(tx, item, node, reason)
    stop_build(tx, now, reason)


def stop_build(tx: Transaction, trial: Trial, reason: str) -> None:
    """Its builds count as cancelled, when they run."""
    for build in (trial.build, trial.baseline):
        if build is not None and tx.builds.get(build).state is BuildState.RUNNING:
            tx.builds.set_state(build, BuildState.CANCELLED, reason)


def part(tx: Transaction, item: Item, reason: str, keep: Collection[int] = ()) -> None:
    """The item has no part in its trials any more, those in `keep` left out."""
    for node in tx.nodes.of_item(item.id):
        if node.trial is not None and node.trial not in keep and node.state not in _GONE:
            records.drop(tx, item, node, reason)


_GONE = frozenset({NodeState.DROPPED})


def reused_words(runs: Sequence[JobRunId]) -> str:
    """Why nothing ran: the runs that stand for what would have."""
    if not runs:
        return "no job applies"
    shown = ", ".join(f"/jobs/{run}" for run in runs[:5])
    more = f" and {len(runs) - 5} more" if len(runs) > 5 else ""
    return f"its jobs have passed on exactly what they see here: {shown}{more}"


def _of(trial: Trial) -> dict[str, Json]:
    return {"trial": trial.id, "purpose": trial.purpose.value}
