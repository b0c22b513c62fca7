"""Merging without a work tree: git's own `ort` decides, and the result is a commit."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import tempfile
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

from headgate.model.change import Signature
from headgate.model.ids import Commit, Tree
from headgate.model.queue import MergeMode
from headgate.vcs.attributes import AttributeFinder, Attributes
from headgate.vcs.batch import ObjectReader
from headgate.vcs.git import run_git
from headgate.vcs.mergetree import (
    MergeProcess,
    NoCommonHistory,
    TreeMerge,
    Unresponsive,
    merge_once,
)
from headgate.vcs.objects import (
    EMPTY_TREE,
    RawCommit,
    format_commit,
    format_signature,
    parse_commit,
    write_object,
)
from headgate.vcs.repository import Repository

_MEMO = 4096
_RENEW = 5000
"""Answers after which the long-lived process is renewed: git keeps every commit it has seen."""

_REFUSALS = 2
"""Processes in a row that did not answer, after which every merge gets its own."""

_IDLE = 120.0
"""Seconds without a merge after which the long-lived processes end."""


@dataclass(frozen=True, slots=True)
class MergeMessage:
    """What the commit says that a merge makes. Rebased commits keep their text and author."""

    text: str
    author: Signature
    committer: Signature


@dataclass(frozen=True, slots=True)
class Merged:
    """The commit that a merge made, and its tree."""

    commit: Commit
    tree: Tree


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """The two do not go together; git names the paths and what is wrong with each."""

    paths: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class NothingToMerge:
    """What was to be merged is there already."""

    detail: str


MergeResult = Merged | MergeConflict | NothingToMerge

_SIDE = re.compile(r"~[0-9a-f]{40}(_[0-9]+)?\Z")

_Key = tuple[Commit, Commit, MergeMode, MergeMessage]


class Merger:
    """Merges commits of one repository; the same inputs always give the same commit.

    Keeps one `git merge-tree` process; where that cannot answer at once, every merge gets a
    process of its own. `close` ends what is running; a later merge starts it again.
    """

    def __init__(self, repository: Repository, *, long_lived: bool = True) -> None:
        self._repository = repository
        self._path = repository.path
        self._reader = ObjectReader(repository.path)
        self._finder = AttributeFinder(self._reader)
        self._lock = asyncio.Lock()
        self._process: MergeProcess | None = None
        self._long_lived = long_lived
        self._refusals = 0
        self._attributes: Attributes = ()
        self._place: Path | None = None
        self._commits: dict[Commit, RawCommit] = {}
        self._memo: OrderedDict[_Key, MergeResult] = OrderedDict()
        self._idle: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def long_lived(self) -> bool:
        """Whether one process answers all merges; False after it proved not to."""
        return self._long_lived

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
                found = await self._merge(onto, head, mode, message)
                self._memo[key] = found
                if len(self._memo) > _MEMO:
                    self._memo.popitem(last=False)
            self._rest_later()
        return found

    async def close(self) -> None:
        """End the processes."""
        async with self._lock:
            await self._rest()

    async def _merge(
        self, onto: Commit, head: Commit, mode: MergeMode, message: MergeMessage
    ) -> MergeResult:
        try:
            if mode is MergeMode.REBASE:
                return await self._rebase(onto, head, message)
            return await self._join(onto, head, mode, message)
        except NoCommonHistory:
            return MergeConflict(
                (), f"{head[:10]} has no history in common with {onto[:10]}; git refuses to merge."
            )

    async def _join(
        self, onto: Commit, head: Commit, mode: MergeMode, message: MergeMessage
    ) -> MergeResult:
        base = await self._commit(onto)
        merged = await self._trees(onto, head, base.tree)
        if not merged.clean:
            return _conflict(merged)
        if merged.tree == base.tree and (
            mode is MergeMode.SQUASH or await self._repository.is_ancestor(head, onto)
        ):
            return NothingToMerge(f"Everything in {head[:10]} is in {onto[:10]} already.")
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
        return Merged(self._write(raw), merged.tree)

    async def _rebase(self, onto: Commit, head: Commit, message: MergeMessage) -> MergeResult:
        if await self._repository.merge_base(onto, head) is None:
            raise NoCommonHistory
        tip, moved = onto, False
        for pick in await self._picks(onto, head):
            raw = await self._commit(pick)
            parent = raw.parents[0] if raw.parents else None
            if parent == tip:
                tip, moved = pick, True
                continue
            tip_tree = (await self._commit(tip)).tree
            merged = await self._replay(tip_tree, parent, pick)
            if not merged.clean:
                subject = raw.message.split(b"\n", 1)[0].decode("utf-8", "replace")
                return _conflict(merged, f"Replaying {pick[:10]} ({subject}): ")
            if merged.tree == tip_tree and not await self._is_empty(pick):
                continue  # It changes nothing any more; git rebase leaves it out, too.
            tip = self._write(
                replace(
                    raw,
                    tree=merged.tree,
                    parents=(tip,),
                    committer=format_signature(message.committer),
                )
            )
            moved = True
        if not moved:
            return NothingToMerge(f"Everything in {head[:10]} is in {onto[:10]} already.")
        return Merged(tip, (await self._commit(tip)).tree)

    async def _picks(self, onto: Commit, head: Commit) -> list[Commit]:
        """The commits that `git rebase` would replay, oldest first."""
        listed = await run_git(
            "rev-list",
            "--reverse",
            "--topo-order",
            "--no-merges",
            "--right-only",
            "--cherry-mark",
            f"{onto}...{head}",
            "--",
            repository=self._path,
        )
        picks: list[Commit] = []
        for line in listed.out.decode("ascii").split():
            commit = Commit(line[1:])
            # "=": the same patch is on the other side. Two empty commits are no such thing.
            if line[0] != "=" or await self._is_empty(commit):
                picks.append(commit)
        return picks

    async def _is_empty(self, commit: Commit) -> bool:
        raw = await self._commit(commit)
        below = (await self._commit(raw.parents[0])).tree if raw.parents else EMPTY_TREE
        return raw.tree == below

    async def _replay(self, tip: Tree, parent: Commit | None, pick: Commit) -> TreeMerge:
        # merge-tree finds the base itself, so the tip is dressed up as a sibling of the commit:
        # their only common ancestor is then its parent, which is what a cherry-pick wants.
        nobody = b"headgate <headgate> 0 +0000"
        parents = (parent,) if parent is not None else ()
        sibling = RawCommit(tip, parents, nobody, nobody, b"", b"a base for replaying\n")
        if parent is None:
            root = self._write(replace(sibling, tree=EMPTY_TREE))
            raw = await self._commit(pick)
            pick = self._write(replace(raw, parents=(root,)))
            sibling = replace(sibling, parents=(root,))
        return await self._trees(self._write(sibling), pick, tip)

    async def _trees(self, ours: Commit, theirs: Commit, ours_tree: Tree) -> TreeMerge:
        await self._obey(await self._finder.of(ours_tree))
        if self._process is not None and self._process.answered >= _RENEW:
            await self._stop_process()
        process = await self._running(ours)
        if process is not None:
            try:
                return await process.merge(ours, theirs)
            except Unresponsive:
                self._process = None  # It ended over this very question: ask for the reason.
            except BaseException:
                self._process = None
                raise
        return await merge_once(self._path, ours, theirs, self._place)

    async def _running(self, known: Commit) -> MergeProcess | None:
        """The long-lived process, started when it is not there; None where there can be none."""
        if self._process is None and self._long_lived:
            try:
                self._process = await MergeProcess.start(self._path, known, self._place)
                self._refusals = 0
            except Unresponsive:
                self._refusals += 1
                self._long_lived = self._refusals < _REFUSALS
        return self._process

    async def _obey(self, attributes: Attributes) -> None:
        """See that git reads these attribute files while it merges."""
        if attributes == self._attributes:
            return
        await self._stop_process()
        self._forget_place()
        self._attributes = ()
        if attributes:
            self._place = _make_place()
            await self._finder.lay_out(attributes, self._place)
        self._attributes = attributes

    async def _commit(self, commit: Commit) -> RawCommit:
        found = self._commits.get(commit)
        if found is None:
            (read,) = await self._reader.read([commit])
            if len(self._commits) > _MEMO:
                self._commits.clear()
            found = self._commits[commit] = parse_commit(read.data)
        return found

    def _write(self, raw: RawCommit) -> Commit:
        commit = Commit(write_object(self._path, "commit", format_commit(raw)))
        self._commits[commit] = raw
        return commit

    # -- processes ---------------------------------------------------------------------------

    def _rest_later(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(_IDLE, self._begin_rest)

    def _begin_rest(self) -> None:
        task = asyncio.ensure_future(self.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _rest(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        await self._stop_process()
        await self._reader.close()
        self._forget_place()
        self._attributes = ()

    async def _stop_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.close()

    def _forget_place(self) -> None:
        place, self._place = self._place, None
        if place is not None:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(place)


def _make_place() -> Path:
    return Path(tempfile.mkdtemp(prefix="headgate-attributes-"))


def _conflict(merged: TreeMerge, before: str = "") -> MergeConflict:
    # Where two files claim one name, git tells them apart by the commit: `name~COMMIT`.
    paths = dict.fromkeys(_SIDE.sub("", path) for path in merged.paths)
    return MergeConflict(tuple(paths), before + "\n".join(merged.messages))
