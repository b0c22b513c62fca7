"""Makes futures: merges an item onto the heads that it is to be tested on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headgate.gate.ports import GatePorts
from headgate.gate.scope import with_head
from headgate.model.change import Revision, Signature
from headgate.model.config import ProjectConfig
from headgate.model.errors import BadInput
from headgate.model.ids import ChangeNumber, Commit, ItemId, NodeId, Tree
from headgate.model.queue import BranchKey, Item, MergeMode, NodeState
from headgate.vcs.merge import MergeConflict, Merged, MergeMessage, MergeResult, NothingToMerge
from headgate.vcs.stacked import merge_since

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


async def make_future(
    ports: GatePorts,
    proposal: Proposal,
    assumed: Sequence[ItemId],
    ahead: Sequence[ChangeNumber],
    before: Mapping[BranchKey, Commit],
    heads: Mapping[BranchKey, Commit],
) -> Future:
    """Merge a proposal onto `before`, the future in which `assumed` have landed.

    A conflict there may be the fault of those ahead, whose changes are `ahead`; one that is there
    on the bare `heads`, too, is not, and then the future returned assumes nothing. Raises
    HeadgateError when git cannot say.
    """
    key = proposal.key
    base = before[key]
    result = await _merge(ports, proposal, base)
    if isinstance(result, Merged):
        after = with_head(before, key, result.commit)
        return Future(NodeState.MERGED, tuple(assumed), base, result.commit, result.tree, after)
    if assumed and key in heads:
        alone = await _merge(ports, proposal, heads[key])
        if not isinstance(alone, Merged):
            return _failed(proposal, (), (), heads, alone)
    return _failed(proposal, assumed, ahead, before, result)


async def _merge(ports: GatePorts, proposal: Proposal, onto: Commit) -> MergeResult:
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


def _failed(
    proposal: Proposal,
    assumed: Sequence[ItemId],
    ahead: Sequence[ChangeNumber],
    before: Mapping[BranchKey, Commit],
    result: MergeResult,
) -> Future:
    branch = proposal.key.branch + with_ahead(ahead)
    if isinstance(result, MergeConflict):
        reason = f"it does not merge onto {branch}: {_conflict(result)}"
    elif isinstance(result, NothingToMerge):
        reason = f"nothing is left to land: everything in it is on {branch} already"
    else:
        raise TypeError(f"{result} is no failure")
    base = before[proposal.key]
    return Future(NodeState.CONFLICT, tuple(assumed), base, None, None, before, reason)


def with_ahead(ahead: Sequence[ChangeNumber]) -> str:
    """` with #3 and #4 ahead`; empty when there are none."""
    if not ahead:
        return ""
    names = [f"#{number}" for number in ahead]
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f" with {listed} ahead"


def _conflict(result: MergeConflict) -> str:
    if not result.paths:
        return result.detail.split("\n", 1)[0].rstrip(".") or "git refuses to merge"
    shown = ", ".join(result.paths[:_SHOWN_PATHS])
    more = len(result.paths) - _SHOWN_PATHS
    return f"conflict in {shown}" + (f" and {more} more" if more > 0 else "")
