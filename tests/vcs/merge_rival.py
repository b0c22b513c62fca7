"""Merging by Headgate in one call, and by git itself in a work tree."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from vcs_history import History, build
from vcs_worktree import new_tree

from headgate.model.change import Signature
from headgate.model.ids import Commit
from headgate.model.queue import MergeMode
from headgate.vcs.merge import MergeCounts, MergeMessage, Merger, MergeResult, Ways
from headgate.vcs.repository import Repository

GATE = Signature("Headgate", "gate@example.org", 1_700_001_000)
ADA = Signature("Ada", "ada@example.org", 1_700_000_900)
MESSAGE = MergeMessage("Merge change 7", ADA, GATE)


def merge(
    path: Path, onto: str, head: str, mode: MergeMode, *, ways: Ways = Ways.SPLICE
) -> MergeResult:
    return counted(path, onto, head, mode, ways=ways)[0]


def counted(
    path: Path, onto: str, head: str, mode: MergeMode, *, ways: Ways = Ways.SPLICE
) -> tuple[MergeResult, MergeCounts]:
    """The result, and how it was reached."""

    async def once() -> tuple[MergeResult, MergeCounts]:
        merger = Merger(Repository(path), ways=ways)
        try:
            result = await merger.merge(Commit(onto), Commit(head), mode, MESSAGE)
            assert merger.long_lived is (ways is not Ways.PROCESSES)
            return result, merger.counts
        finally:
            await merger.close()

    return asyncio.run(once())


Outcome = tuple[bool, str, set[str]]
"""Whether it is clean, the tree of HEAD, and the unmerged paths."""


class Rival:
    """What git itself does in a work tree."""

    def __init__(self, history: History, place: Path) -> None:
        self.tree = new_tree(place / "tree")
        build(history, self.tree.path)
        self.ours = self.tree.git("rev-parse", "ours")
        self.theirs = self.tree.git("rev-parse", "theirs")
        self.git_dir = self.tree.path / ".git"

    def merge(self) -> Outcome:
        self.tree.git("checkout", "-q", "--detach", "ours")
        self.tree.git("merge", "-q", "--no-ff", "theirs", check=False)
        return self._state(not (self.git_dir / "MERGE_HEAD").exists())

    def rebase(self) -> Outcome:
        self.tree.git("checkout", "-q", "--detach", "theirs")
        self.tree.git("rebase", "-q", "--no-fork-point", "ours", check=False)
        return self._state(not (self.git_dir / "rebase-merge").exists())

    def cherry_pick(self) -> Outcome:
        """Commits that are empty stay; git stops at one that becomes so, and skipping it is what
        it then proposes."""
        self.tree.git("checkout", "-q", "--detach", "ours")
        picking = self.git_dir / "CHERRY_PICK_HEAD"
        self.tree.git("cherry-pick", "-x", "--allow-empty", "ours..theirs", check=False)
        while picking.exists() and not self.tree.git("status", "--porcelain", "-uno"):
            self.tree.git("cherry-pick", "--skip", check=False)
        return self._state(not picking.exists())

    def _state(self, clean: bool) -> Outcome:
        listed = subprocess.run(
            ["git", "ls-files", "-u", "-z"], cwd=self.tree.path, capture_output=True, check=True
        ).stdout.split(b"\0")
        # "a~HEAD" is what becomes of "a" where two files claim its name.
        unmerged = {os.fsdecode(e.split(b"\t", 1)[1].split(b"~")[0]) for e in listed if e}
        return clean and not unmerged, self.tree.git("rev-parse", "HEAD^{tree}"), unmerged

    def log(self, form: str = "%T %an %at %s") -> list[str]:
        """What HEAD has above ours."""
        return self.tree.git("log", f"--format={form}", "ours..HEAD").splitlines()


@contextmanager
def rival_of(history: History) -> Iterator[Rival]:
    with TemporaryDirectory(ignore_cleanup_errors=True) as place:
        yield Rival(history, Path(place))
