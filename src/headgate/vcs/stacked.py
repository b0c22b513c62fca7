"""Merging what a change in a stack adds to the change below it, and nothing else.

The change below may have landed squashed, rebased or merged with more; git, which only knows
commits, would then merge its commits once more. So the branch is dressed up as a commit on top of
the head below, which makes that the merge base, and the result is put onto the branch.
"""

from __future__ import annotations

from dataclasses import replace

from headgate.model.ids import Commit
from headgate.model.queue import MergeMode
from headgate.vcs.merge import Merged, MergeMessage, Merger, MergeResult
from headgate.vcs.objects import RawCommit, format_commit, write_object
from headgate.vcs.repository import Repository

_NOBODY = b"headgate <headgate> 0 +0000"


async def merge_since(
    repository: Repository,
    merger: Merger,
    onto: Commit,
    head: Commit,
    since: Commit,
    mode: MergeMode,
    message: MergeMessage,
) -> MergeResult:
    """Merge what `head` adds to `since`, which it contains, onto `onto`; see `Merger.merge`.

    Where `onto` contains `since` it is a merge like any other. The same inputs always give the
    same commit. Raises NotFound when a commit is missing, GitError when git fails.
    """
    if await repository.is_ancestor(since, onto):
        return await merger.merge(onto, head, mode, message)
    tree = await repository.tree_of(onto)
    dressed = _write(
        repository, RawCommit(tree, (since,), _NOBODY, _NOBODY, b"", b"The branch, on a stack\n")
    )
    result = await merger.merge(dressed, head, mode, message)
    if not isinstance(result, Merged):
        return result
    return Merged(await _put_onto(repository, result.commit, dressed, onto), result.tree)


async def _put_onto(repository: Repository, tip: Commit, below: Commit, onto: Commit) -> Commit:
    """The commits between `below` and `tip`, along first parents, with `onto` below them."""
    made: list[RawCommit] = []
    while tip != below:
        raw = (await repository.raw_commits([tip]))[tip]
        made.append(raw)
        tip = raw.parents[0]
    for raw in reversed(made):
        onto = _write(repository, replace(raw, parents=(onto, *raw.parents[1:])))
    return onto


def _write(repository: Repository, raw: RawCommit) -> Commit:
    return Commit(write_object(repository.path, "commit", format_commit(raw)))
