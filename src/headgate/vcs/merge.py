"""Merging without a work tree: what comes out is what git would make, and it is a commit."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from headgate.model.ids import Commit
from headgate.model.queue import MergeMode
from headgate.vcs.ancestry import Ancestry
from headgate.vcs.batch import ObjectReader
from headgate.vcs.commits import Commits
from headgate.vcs.merge_result import (
    MergeConflict,
    Merged,
    MergeMessage,
    MergeResult,
    NothingToMerge,
)
from headgate.vcs.mergetree import NoCommonHistory
from headgate.vcs.objects import RawCommit, format_signature
from headgate.vcs.replay import Replayer, conflict, nothing
from headgate.vcs.repository import Repository
from headgate.vcs.touched import Touched
from headgate.vcs.treemerger import MergeCounts, TreeMerger, Ways
from headgate.vcs.writing import ObjectWriter

__all__ = [
    "MergeConflict",
    "MergeCounts",
    "MergeMessage",
    "MergeResult",
    "Merged",
    "Merger",
    "NothingToMerge",
    "Ways",
]

_MEMO = 4096

_IDLE = 120.0
"""Seconds without a merge after which processes end and memory is given back."""

_Key = tuple[Commit, Commit, MergeMode, MergeMessage]


class Merger:
    """Merges commits of one repository; the same inputs always give the same commit.

    Takes the fastest of `ways` that leads to git's own result. `close` ends what is running; a
    later merge starts it again.
    """

    def __init__(self, repository: Repository, *, ways: Ways = Ways.SPLICE) -> None:
        self._repository = repository
        self._reader = ObjectReader(repository.path)
        self._writer = ObjectWriter(repository.path)
        self._commits = Commits(self._reader, self._writer)
        self._ancestry = Ancestry(self._commits.read)
        self._trees = TreeMerger(repository.path, self._reader, self._writer, ways)
        self._replayer = Replayer(
            repository.path,
            self._commits,
            self._trees,
            Touched(self._commits, self._trees.forest),
        )
        self._lock = asyncio.Lock()
        self._memo: OrderedDict[_Key, MergeResult] = OrderedDict()
        self._idle: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def long_lived(self) -> bool:
        """Whether one process answers all that git is asked; False after it proved not to."""
        return self._trees.long_lived

    @property
    def counts(self) -> MergeCounts:
        """How many merges of trees were made in process, and how many git was asked for."""
        return self._trees.counts

    async def merge(
        self, onto: Commit, head: Commit, mode: MergeMode, message: MergeMessage
    ) -> MergeResult:
        """Merge `head` onto `onto`, as `mode` says, without moving any ref.

        Raises NotFound when a commit is missing, GitError when git fails.
        """
        key = (onto, head, mode, message)
        async with self._lock:
            found = self._memo.get(key)
            if found is None:
                try:
                    found = await self._merge(onto, head, mode, message)
                    self._writer.flush()
                except BaseException:
                    self._forget()  # Some of what is remembered may not have been written.
                    raise
                self._memo[key] = found
                if len(self._memo) > _MEMO:
                    self._memo.popitem(last=False)
            self._rest_later()
        return found

    async def close(self) -> None:
        """End the processes, and forget what takes much memory."""
        async with self._lock:
            if self._idle is not None:
                self._idle.cancel()
                self._idle = None
            await self._trees.rest()
            await self._reader.close()
            self._forget()

    def _forget(self) -> None:
        self._writer.drop()
        self._commits.clear()
        self._trees.forget()
        self._ancestry.clear()

    async def _merge(
        self, onto: Commit, head: Commit, mode: MergeMode, message: MergeMessage
    ) -> MergeResult:
        try:
            if mode in (MergeMode.REBASE, MergeMode.CHERRY_PICK):
                return await self._replay(onto, head, mode, message)
            return await self._join(onto, head, mode, message)
        except NoCommonHistory:
            return MergeConflict(
                (), f"{head[:10]} has no history in common with {onto[:10]}; git refuses to merge."
            )

    async def _replay(
        self, onto: Commit, head: Commit, mode: MergeMode, message: MergeMessage
    ) -> MergeResult:
        meeting = await self._ancestry.meeting(onto, head)
        result, made = await self._replayer.replay(onto, head, mode, message, meeting)
        self._ancestry.grow(onto, made)
        return result

    async def _join(
        self, onto: Commit, head: Commit, mode: MergeMode, message: MergeMessage
    ) -> MergeResult:
        ours, theirs = await self._commits.tree(onto), await self._commits.tree(head)
        meeting = await self._ancestry.meeting(onto, head)
        merged = None
        if meeting is not None:
            merged = await self._trees.splice(await self._commits.tree(meeting.base), ours, theirs)
        if merged is None:
            merged = await self._trees.ask(onto, head, ours)
        if not merged.clean:
            return conflict(merged)
        if merged.tree == ours and (
            mode is MergeMode.SQUASH or await self._repository.is_ancestor(head, onto)
        ):
            return nothing(onto, head)
        parents = (onto,) if mode is MergeMode.SQUASH else (onto, head)
        text = message.text.replace("\0", "")
        raw = RawCommit(
            merged.tree,
            parents,
            format_signature(message.author),
            format_signature(message.committer),
            b"",
            (text if text.endswith("\n") else text + "\n").encode("utf-8", "replace"),
        )
        commit = self._commits.write(raw)
        if mode is MergeMode.SQUASH:
            self._ancestry.grow(onto, [commit])
        elif meeting is not None:
            self._ancestry.grow(onto, [*meeting.new, commit])
        return Merged(commit, merged.tree)

    def _rest_later(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(_IDLE, self._begin_rest)

    def _begin_rest(self) -> None:
        task = asyncio.ensure_future(self.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
