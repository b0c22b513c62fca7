"""Which queue a branch belongs to, and which branches a queue holds together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from headgate.authority.policy import queue_for
from headgate.gate.ports import GatePorts
from headgate.model.config import Policy, QueueMode, QueuePolicy
from headgate.model.ids import Commit
from headgate.model.patterns import name_matches
from headgate.model.queue import BranchKey


def queue_of(policy: Policy, key: BranchKey) -> QueuePolicy:
    """The declared queue of a branch; one of its own, `project:branch`, when there is none."""
    found = queue_for(policy, key.project, key.branch)
    if found is not None:
        return found
    return QueuePolicy(own_queue(key), (key.project,), (key.branch,), mode=QueueMode.LANES)


def own_queue(key: BranchKey) -> str:
    """Name of the queue of a branch that the policy does not mention."""
    return str(key).encode("utf-8", "backslashreplace").decode("utf-8")


def declared(policy: Policy, name: str) -> QueuePolicy:
    """A queue's settings; the defaults for one that the policy does not mention."""
    for queue in policy.queues:
        if queue.name == name:
            return queue
    return QueuePolicy(name, (), (), mode=QueueMode.LANES)


def branches_of(
    policy: Policy, queue: QueuePolicy, projects: Iterable[str], items: Iterable[BranchKey]
) -> frozenset[BranchKey]:
    """The branches whose heads make up a queue's futures.

    Those that the policy names in known projects, and those of its items: a queue outlives the
    policy that declared it for as long as it has items. A branch that only fits a pattern counts
    once an item wants it.
    """
    fitting = [project for project in projects if name_matches(project, queue.projects)]
    named = (BranchKey(project, branch) for project in fitting for branch in queue.branches)
    own = {key for key in named if queue_of(policy, key).name == queue.name}
    return frozenset(own | set(items))


async def read_heads(ports: GatePorts, keys: Iterable[BranchKey]) -> dict[BranchKey, Commit]:
    """Heads of the branches that exist, as git has them now. Raises GitError."""
    ordered = sorted(keys, key=lambda key: (key.project, key.branch))
    found = await asyncio.gather(
        *(ports.repository(key.project).resolve(f"refs/heads/{key.branch}") for key in ordered)
    )
    return {key: head for key, head in zip(ordered, found, strict=True) if head is not None}


def beside(
    project: str, branch: str, default: str, future: Mapping[BranchKey, Commit]
) -> Commit | None:
    """Head of another project in a future: its branch of the same name, else its default one."""
    same = future.get(BranchKey(project, branch))
    return same if same is not None else future.get(BranchKey(project, default))


def with_head(
    heads: Mapping[BranchKey, Commit], key: BranchKey, commit: Commit
) -> dict[BranchKey, Commit]:
    """The same heads with one branch at another commit."""
    return {**heads, key: commit}
