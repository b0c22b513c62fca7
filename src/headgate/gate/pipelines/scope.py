"""Which pipelines are for a project and branch."""

from __future__ import annotations

from headgate.model.config import Policy
from headgate.model.patterns import name_matches
from headgate.model.pipeline import Manager, PipelinePolicy, TriggerKind
from headgate.model.queue import BranchKey


def covers(pipeline: PipelinePolicy, project: str, branch: str) -> bool:
    """Whether a pipeline is for a branch of a project; an empty branch asks for the project."""
    if not name_matches(project, pipeline.projects):
        return False
    return not branch or not pipeline.branches or name_matches(branch, pipeline.branches)


def gate_of(policy: Policy, key: BranchKey) -> PipelinePolicy | None:
    """The dependent pipeline of a branch; None when the policy says nothing about its gate."""
    for pipeline in policy.pipelines:
        if pipeline.manager is Manager.DEPENDENT and covers(pipeline, key.project, key.branch):
            return pipeline
    return None


def retests(policy: Policy, key: BranchKey) -> bool:
    """Whether what waits in a branch's queue is tested again when something lands elsewhere that
    it was tested with."""
    gate = gate_of(policy, key)
    return gate is None or gate.on(TriggerKind.ELSEWHERE)


def enters_by_itself(policy: Policy, key: BranchKey) -> bool:
    """Whether a change of this branch enters its queue without being asked."""
    gate = gate_of(policy, key)
    return gate is None or gate.on(TriggerKind.PUSH)


def named(policy: Policy, name: str) -> PipelinePolicy | None:
    """The pipeline of that name."""
    return next((p for p in policy.pipelines if p.name == name), None)
