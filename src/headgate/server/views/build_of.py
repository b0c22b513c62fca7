"""What a build was made for: a future of the gate, or a run of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headgate.model.change import Change
from headgate.model.ids import BuildId, Commit, Tree
from headgate.model.pipeline import PipelineRun
from headgate.model.queue import BranchKey
from headgate.model.trial import Trial
from headgate.server.views.text import shown_path
from headgate.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Purpose:
    """Where the jobs of a build belong."""

    project: str
    """Whose change, commit or tag is tested."""
    branch: str
    commit: Commit | None
    tree: Tree | None
    future: Mapping[BranchKey, Commit]
    state: str
    words: str
    """The state that is tested, for people."""
    change: Change | None
    node: int | None
    run: PipelineRun | None
    """None for the gate."""


def purpose_of(tx: Transaction, build: BuildId) -> Purpose:
    """Raises NotFound."""
    run = tx.pipelines.of_build(build)
    trial = tx.trials.of_baseline(build) if run is None else None
    if trial is not None:
        return _bare(tx, trial)
    if run is None:
        node = tx.nodes.of_build(build)
        item = tx.items.get(node.item)
        ahead = [f"#{tx.items.get(id).change}" for id in node.assumed]
        return Purpose(
            tx.projects.get(item.project).name,
            item.branch,
            node.commit,
            node.tree,
            node.future,
            node.state.value,
            " + ".join([f"on {shown_path(item.branch)}", *ahead]),
            tx.changes.get(item.change),
            int(node.id),
            None,
        )
    project = tx.projects.get(run.project)
    branch = run.branch or project.default_branch
    change = tx.changes.get(run.change) if run.change is not None else None
    return Purpose(
        project.name,
        branch,
        run.commit,
        run.tree,
        run.future,
        run.phase.value,
        f"by {run.pipeline} {what_of(run)}",
        change,
        None,
        run,
    )


def _bare(tx: Transaction, trial: Trial) -> Purpose:
    """Failing jobs of a trial, run again without any change."""
    item = tx.items.get(trial.members[0])
    project = tx.projects.get(item.project).name
    return Purpose(
        project,
        item.branch,
        trial.heads.get(BranchKey(project, item.branch)),
        None,
        trial.heads,
        trial.state.value,
        f"on {shown_path(item.branch)}, without any change",
        tx.changes.get(item.change),
        None,
        None,
    )


def what_of(run: PipelineRun) -> str:
    """What a run tests, in a few words."""
    if run.tag:
        return f"at the tag {shown_path(run.tag)}"
    if run.proposal:
        return f"alone on {shown_path(run.branch)}"
    return f"on {shown_path(run.branch)}"
