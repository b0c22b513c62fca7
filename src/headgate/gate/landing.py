"""Moves a branch to the tested commit, so that a crash at any moment does no harm.

The intention is recorded, the branch is moved by compare-and-swap from the head that the tested
future began with, and the proof is recorded. Whoever finds an intention without a proof carries
on: the branch is then either where it was, at the commit, or moved by somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from headgate.gate.ports import GatePorts
from headgate.gate.scope import read_heads
from headgate.model.ids import Commit, Tree
from headgate.model.queue import BranchKey, Node
from headgate.vcs.repository import Repository


class Ready(Enum):
    """Whether a tested future can be landed now."""

    YES = "yes"
    MOVED = "moved"
    """A branch is not where the future assumed it."""
    ALTERED = "altered"
    """The commit is not what was tested."""


@dataclass(frozen=True, slots=True)
class Check:
    """Whether to land, and in words why not."""

    ready: Ready
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """The branch stands where it should."""

    tree: Tree
    """Of the commit that landed, read again from the repository."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The branch is somewhere else; nothing was moved."""

    found: Commit | None


async def examine(
    ports: GatePorts, key: BranchKey, node: Node, before: Mapping[BranchKey, Commit]
) -> Check:
    """Look at the branches and the commit right before landing. Raises HeadgateError."""
    heads = await read_heads(ports, before)
    for other, commit in before.items():
        now = heads.get(other)
        if now != commit:
            where = f"is at {now[:10]}" if now else "is gone"
            words = f"{other.branch} of {other.project} {where}, not at {commit[:10]}"
            return Check(Ready.MOVED, words)
    repository = fresh(ports, key.project)
    if node.commit is None:
        return Check(Ready.ALTERED, "there is no commit to land")
    tree = await repository.tree_of(node.commit)
    if tree != node.tree:
        return Check(
            Ready.ALTERED, f"{node.commit[:10]} has the tree {tree}, but {node.tree} was tested"
        )
    if not await repository.is_ancestor(node.base, node.commit):
        return Check(Ready.ALTERED, f"{node.commit[:10]} does not descend from {node.base[:10]}")
    return Check(Ready.YES)


async def move(ports: GatePorts, key: BranchKey, node: Node) -> Moved | Refused:
    """Compare and swap; says so, too, when an earlier try had moved the branch already.

    Raises GitError when it could not be tried; it can be tried again.
    """
    if node.commit is None:
        raise ValueError(f"node {node.id} has no commit to land")
    repository = fresh(ports, key.project)
    ref = f"refs/heads/{key.branch}"
    if not await repository.update_ref(ref, node.commit, node.base):
        found = await repository.resolve(ref)
        if found is None or not await repository.is_ancestor(node.commit, found):
            return Refused(found)
        return Moved(await repository.tree_of(node.commit))
    landed = await repository.resolve(ref)
    return Moved(await repository.tree_of(landed or node.commit))


def fresh(ports: GatePorts, project: str) -> Repository:
    """A repository without memory: what is compared must come from the repository itself."""
    return Repository(ports.repository(project).path)
