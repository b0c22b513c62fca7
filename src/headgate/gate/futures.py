"""Makes futures: merges an item onto the heads that it is to be tested on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from headgate.gate.ports import GatePorts
from headgate.gate.scope import with_head
from headgate.gate.units import listed, only_together
from headgate.model.change import Revision, Signature
from headgate.model.config import ProjectConfig
from headgate.model.errors import BadInput
from headgate.model.ids import ChangeNumber, Commit, ItemId, NodeId, Tree
from headgate.model.queue import BranchKey, Item, MergeMode, Node, NodeState
from headgate.vcs.git import GitError
from headgate.vcs.merge import MergeConflict, Merged, MergeMessage, MergeResult, NothingToMerge
from headgate.vcs.stacked import merge_since

log = structlog.get_logger()

_SHOWN_PATHS = 5


@dataclass(frozen=True, slots=True)
class Future:
    """What came of merging: the fields of a node that is not stored yet."""

    state: NodeState
    assumed: tuple[ItemId, ...]
    base: Commit
    commit: Commit | None
    tree: Tree | None
    heads: Mapping[BranchKey, Commit]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to be merged."""

    item: Item
    key: BranchKey
    revision: Revision
    title: str


def node_ref(node: NodeId) -> str:
    """Keeps a future's commit for as long as its item waits."""
    return f"refs/headgate/node/{node}"


async def delete_refs(ports: GatePorts, project: str, nodes: Sequence[Node]) -> None:
    """Delete the refs that kept futures; one that cannot be deleted now, the next start deletes."""
    repository = ports.repository(project)
    for node in nodes:
        try:
            await repository.update_ref(node_ref(node.id), None, node.commit)
        except GitError as error:
            log.warning("a ref of a past future stays", node=node.id, reason=str(error))


async def make_futures(
    ports: GatePorts,
    proposals: Sequence[Proposal],
    assumed: Sequence[ItemId],
    ahead: Sequence[ChangeNumber],
    before: Mapping[BranchKey, Commit],
    heads: Mapping[BranchKey, Commit],
) -> tuple[Future, ...]:
    """Merge a proposal onto `before`, the future in which `assumed` have landed; several, which
    make a unit, in order, each on top of those before it. One future for each.

    A conflict there may be the fault of those ahead, whose changes are `ahead`; one that is there
    on the bare `heads`, too, is not, and then the futures returned assume nothing. When one of
    several does not merge, none does. Raises HeadgateError when git cannot say.
    """
    made = await _make(ports, proposals, assumed, ahead, before)
    known = all(proposal.key in heads for proposal in proposals)
    if made[0].state is NodeState.MERGED or not assumed or not known:
        return made
    alone = await _make(ports, proposals, (), (), heads)
    return made if alone[0].state is NodeState.MERGED else alone


async def _make(
    ports: GatePorts,
    proposals: Sequence[Proposal],
    assumed: Sequence[ItemId],
    ahead: Sequence[ChangeNumber],
    before: Mapping[BranchKey, Commit],
) -> tuple[Future, ...]:
    merged: list[tuple[Commit, Merged]] = []
    after: Mapping[BranchKey, Commit] = before
    for index, proposal in enumerate(proposals):
        base = after[proposal.key]
        result = await merge_one(ports, proposal, base)
        if not isinstance(result, Merged):
            earlier = [p.item.change for p in proposals[:index] if p.key == proposal.key]
            reason = failure_of(proposal, (*ahead, *earlier), result)
            if len(proposals) > 1:
                names = only_together([p.item.change for p in proposals])
                reason = f"{names}, and #{proposal.item.change} fails: {reason}"
            return tuple(
                Future(
                    NodeState.CONFLICT, tuple(assumed), before[p.key], None, None, before, reason
                )
                for p in proposals
            )
        merged.append((base, result))
        after = with_head(after, proposal.key, result.commit)
    return tuple(
        Future(NodeState.MERGED, tuple(assumed), base, result.commit, result.tree, after)
        for base, result in merged
    )


async def merge_one(ports: GatePorts, proposal: Proposal, onto: Commit) -> MergeResult:
    """Merge a proposal onto a commit of its branch, in the way that the branch wants. Raises
    HeadgateError when git cannot say."""
    mode = await merge_mode(ports, proposal.key.project, onto)
    author = _gate(proposal.item)
    if mode is MergeMode.SQUASH:
        repository = ports.repository(proposal.key.project)
        author = (await repository.info(proposal.revision.head)).author
    message = MergeMessage(_text(proposal, mode), author, _gate(proposal.item))
    merger = ports.merger(proposal.key.project)
    revision = proposal.revision
    if not revision.stands_on:
        return await merger.merge(onto, revision.head, mode, message)
    # What is below has landed by itself, in whatever commits: only its own are to be merged.
    repository = ports.repository(proposal.key.project)
    return await merge_since(repository, merger, onto, revision.head, revision.base, mode, message)


async def merge_mode(ports: GatePorts, project: str, onto: Commit) -> MergeMode:
    """How the branch wants to be merged into: the branch decides, not what comes."""
    try:
        config = await ports.project_config(project, onto)
    except BadInput:
        config = ProjectConfig()  # The change may be the one that mends the file.
    return config.merge_mode


def _gate(item: Item) -> Signature:
    # A function of the item, not of the moment: the same future always has the same commit.
    return Signature("Headgate", "headgate@localhost", int(item.created))


def _text(proposal: Proposal, mode: MergeMode) -> str:
    number = proposal.item.change
    if mode is MergeMode.SQUASH:
        return f"{proposal.revision.message.rstrip()}\n\nHeadgate-Change: {number}\n"
    return f"Merge change #{number}: {proposal.title}\n\nHeadgate-Change: {number}\n"


def failure_of(proposal: Proposal, ahead: Sequence[ChangeNumber], result: MergeResult) -> str:
    """Why a proposal could not be merged onto its branch with these changes ahead."""
    branch = proposal.key.branch + with_ahead(ahead)
    if isinstance(result, MergeConflict):
        return f"it does not merge onto {branch}: {_conflict(result)}"
    if isinstance(result, NothingToMerge):
        return f"nothing is left to land: everything in it is on {branch} already"
    raise TypeError(f"{result} is no failure")


def with_ahead(ahead: Sequence[ChangeNumber]) -> str:
    """` with #3 and #4 ahead`; empty when there are none."""
    if not ahead:
        return ""
    return f" with {listed(ahead)} ahead"


def _conflict(result: MergeConflict) -> str:
    if not result.paths:
        return result.detail.split("\n", 1)[0].rstrip(".") or "git refuses to merge"
    shown = ", ".join(result.paths[:_SHOWN_PATHS])
    more = len(result.paths) - _SHOWN_PATHS
    return f"conflict in {shown}" + (f" and {more} more" if more > 0 else "")
