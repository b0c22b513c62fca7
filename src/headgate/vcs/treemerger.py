"""Three ways to merge two trees: in process where that is plain, else by a `git merge-tree` that
lives long, else by one for each merge."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from headgate.model.ids import Commit, Tree
from headgate.vcs.attributes import AttributeFinder, Attributes
from headgate.vcs.batch import ObjectReader
from headgate.vcs.forest import Forest
from headgate.vcs.mergetree import MergeProcess, TreeMerge, Unresponsive, merge_once
from headgate.vcs.splice import Splicer
from headgate.vcs.writing import ObjectWriter

_RENEW = 5000
"""Answers after which the long-lived process is renewed: git keeps every commit it has seen."""

_REFUSALS = 2
"""Processes in a row that did not answer, after which every merge gets its own."""


class Ways(StrEnum):
    """Which ways a merger may take. All lead to the same trees; the first is the fastest."""

    SPLICE = "splice"
    LONG_LIVED = "long-lived"
    PROCESSES = "processes"


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """How many merges of trees were made in process, and how many git was asked for."""

    spliced: int = 0
    asked: int = 0


class TreeMerger:
    """Merges trees of one repository. Not for two at once."""

    def __init__(
        self, repository: Path, reader: ObjectReader, writer: ObjectWriter, ways: Ways
    ) -> None:
        self._path = repository
        self.forest = Forest(reader, writer)
        """The trees that are kept in memory."""
        self._splicer = Splicer(self.forest)
        self._writer = writer
        self._finder = AttributeFinder(reader)
        self._splices = ways is Ways.SPLICE
        self.long_lived = ways is not Ways.PROCESSES
        """Whether one process answers all questions; False after it proved not to."""
        self.counts = MergeCounts()
        self._process: MergeProcess | None = None
        self._refusals = 0
        self._attributes: Attributes = ()
        self._place: Path | None = None

    async def splice(self, base: Tree, ours: Tree, theirs: Tree) -> TreeMerge | None:
        """The merge of three trees, when git does not have to be asked; else None.

        Raises NotFound when a tree is missing.
        """
        if not self._splices:
            return None
        tree = await self._splicer.splice(base, ours, theirs)
        if tree is None:
            return None
        self.counts = MergeCounts(self.counts.spliced + 1, self.counts.asked)
        return TreeMerge(True, tree)

    async def ask(self, ours: Commit, theirs: Commit, ours_tree: Tree) -> TreeMerge:
        """What git makes of two commits. Raises NoCommonHistory, GitError."""
        self.counts = MergeCounts(self.counts.spliced, self.counts.asked + 1)
        self._writer.flush()  # The question may be about commits that were just made.
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

    async def rest(self) -> None:
        """End what is running and forget what is large; the next merge begins anew."""
        await self._stop_process()
        self._forget_place()
        self._attributes = ()
        self.forget()

    def forget(self) -> None:
        """Give up what is known of trees."""
        self.forest.clear()
        self._splicer.clear()

    async def _running(self, known: Commit) -> MergeProcess | None:
        """The long-lived process, started when it is not there; None where there can be none."""
        if self._process is None and self.long_lived:
            try:
                self._process = await MergeProcess.start(self._path, known, self._place)
                self._refusals = 0
            except Unresponsive:
                self._refusals += 1
                self.long_lived = self._refusals < _REFUSALS
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
