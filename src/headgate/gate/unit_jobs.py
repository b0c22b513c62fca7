"""The jobs of a unit: all that its members trigger, each once, in the future with all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headgate.gate.case import Case, shared
from headgate.gate.ports import GatePorts
from headgate.gate.selection import Selected, select
from headgate.gate.units import before_unit, last_commits, listed, only_together
from headgate.jobs.build import BuildPlan, PlannedJob
from headgate.model.ids import ChangeNumber, Commit
from headgate.model.queue import Node

Job = tuple[str, str]
"""Project and name."""


@dataclass(frozen=True, slots=True)
class UnitJobs:
    """What a future of one item or of a unit must pass."""

    jobs: Selected
    wanted_by: Mapping[Job, tuple[ChangeNumber, ...]]
    """The changes that trigger each job."""


def members(cases: Sequence[Case]) -> list[tuple[Case, Node]]:
    """Cases with their nodes, all of which they have."""
    return [(case, case.node) for case in cases if case.node is not None]


def blame(cases: Sequence[Case], blamed: Sequence[ChangeNumber], words: str) -> str:
    """A failure in the words that its owners read: of a unit, whose part in it fails."""
    together = only_together([case.item.change for case in cases])
    if not together:
        return words
    if not blamed or len(set(blamed)) == len(cases):
        return f"{together}, and fail: {words}"
    return f"{together}, and {listed(blamed)} fail{'s' if len(blamed) == 1 else ''}: {words}"


async def select_unit(
    ports: GatePorts, cases: Sequence[Case], defaults: Mapping[str, str]
) -> UnitJobs:
    """The jobs of all members. Raises what `select` raises.

    Each branch of the unit counts once, with all that its members change in it, so that what is
    checked out is always the last commit: the one that lands.
    """
    nodes = shared(cases)
    before = before_unit(nodes, nodes[0][1].future)
    found: list[tuple[str, tuple[ChangeNumber, ...], Selected]] = []
    for key, commit in last_commits(nodes).items():
        on_it = [case for case in cases if case.key == key]
        node = replace(nodes[0][1], base=before[key], commit=commit)
        selected = await select(ports, on_it[0].proposal, node, defaults)
        found.append((key.branch, tuple(case.item.change for case in on_it), selected))
    if len(found) == 1:
        _, numbers, selected = found[0]
        jobs = [(planned.project, planned.job.name) for planned in selected.plan.jobs]
        return UnitJobs(selected, dict.fromkeys(jobs, numbers))
    return _union(found)


def _union(found: Sequence[tuple[str, tuple[ChangeNumber, ...], Selected]]) -> UnitJobs:
    branches: dict[Job, set[str]] = {}
    for branch, _, selected in found:
        for planned in selected.plan.jobs:
            branches.setdefault((planned.project, planned.job.name), set()).add(branch)
    # A job that two branches of a project trigger is needed twice, on different commits.
    twofold = {project for (project, _), which in branches.items() if len(which) > 1}
    jobs: dict[Job, PlannedJob] = {}
    commits: dict[str, Commit] = {}
    wanted_by: dict[Job, tuple[ChangeNumber, ...]] = {}
    for branch, numbers, selected in found:
        commits |= selected.commits
        for planned in selected.plan.jobs:
            if planned.project in twofold and branch != found[0][0]:
                planned = _on_branch(planned, branch)
            job = (planned.project, planned.job.name)
            jobs.setdefault(job, planned)
            wanted_by[job] = (*wanted_by.get(job, ()), *numbers)
    names = tuple(f"{project}/{name}" for project, name in jobs)
    return UnitJobs(Selected(BuildPlan(tuple(jobs.values())), names, commits), wanted_by)


def _on_branch(planned: PlannedJob, branch: str) -> PlannedJob:
    job = planned.job
    own, needs, after = (
        tuple(f"{name} ({branch})" for name in names)
        for names in ((job.name,), job.needs, job.after)
    )
    return replace(planned, job=replace(job, name=own[0], needs=needs, after=after))
