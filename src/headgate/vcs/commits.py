"""The commits of one repository that merging reads and makes."""

from __future__ import annotations

from headgate.model.ids import Commit, Tree
from headgate.vcs.batch import ObjectReader
from headgate.vcs.objects import (
    EMPTY_TREE,
    RawCommit,
    format_commit,
    parse_commit,
)
from headgate.vcs.writing import ObjectWriter

_MEMO = 8192


class Commits:
    """Reads and writes raw commits, and keeps them in memory."""

    def __init__(self, reader: ObjectReader, writer: ObjectWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._known: dict[Commit, RawCommit] = {}

    async def read(self, commit: Commit) -> RawCommit:
        """Raises NotFound when there is none."""
        found = self._known.get(commit)
        if found is None:
            self._writer.settle([commit])
            (object_,) = await self._reader.read([commit])
            found = self._keep(commit, parse_commit(object_.data))
        return found

    async def tree(self, commit: Commit | None) -> Tree:
        """The tree of a commit; the empty tree before the first. Raises NotFound."""
        return EMPTY_TREE if commit is None else (await self.read(commit)).tree

    async def is_empty(self, commit: Commit) -> bool:
        """Whether a commit changes nothing against its first parent. Raises NotFound."""
        raw = await self.read(commit)
        return raw.tree == await self.tree(first_parent(raw))

    def write(self, raw: RawCommit) -> Commit:
        """Add a commit to what is written."""
        commit = Commit(self._writer.add("commit", format_commit(raw)))
        self._keep(commit, raw)
        return commit

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()

    def _keep(self, commit: Commit, raw: RawCommit) -> RawCommit:
        if len(self._known) > _MEMO:
            self._known.clear()
        self._known[commit] = raw
        return raw


def first_parent(raw: RawCommit) -> Commit | None:
    """None for a commit without parents."""
    return raw.parents[0] if raw.parents else None
