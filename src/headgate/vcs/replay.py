"""Commits replayed one by one onto another commit, as `git rebase` and `git cherry-pick -x` do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headgate.model.ids import Commit, Tree
from headgate.model.queue import MergeMode
from headgate.vcs.ancestry import Meeting
from headgate.vcs.commits import Commits, first_parent
from headgate.vcs.git import run_git
from headgate.vcs.merge_result import (
    MergeConflict,
    Merged,
    MergeMessage,
    MergeResult,
    NothingToMerge,
)
from headgate.vcs.mergetree import NoCommonHistory, TreeMerge
from headgate.vcs.objects import EMPTY_TREE, RawCommit, format_signature
from headgate.vcs.picked import picked_commit
from headgate.vcs.touched import Touched
from headgate.vcs.treemerger import TreeMerger

_SIDE = re.compile(r"~[0-9a-f]{40}(_[0-9]+)?\Z")


@dataclass(frozen=True, slots=True)
class Replayer:
    """Replays commits of one repository."""

    repository: Path
    commits: Commits
    trees: TreeMerger
    touched: Touched

    async def replay(
        self,
        onto: Commit,
        head: Commit,
        mode: MergeMode,
        message: MergeMessage,
        meeting: Meeting | None,
    ) -> tuple[MergeResult, tuple[Commit, ...]]:
        """Replay what `head` has and `onto` lacks; also returns the commits on top of `onto`.

        `meeting` spares a process where it is known. Raises NoCommonHistory, NotFound, GitError.
        """
        if mode is MergeMode.REBASE:
            picks = await self._rebased(onto, head, meeting)
        else:
            picks = await self._picked(onto, head, meeting)
            for pick in picks:
                if len((await self.commits.read(pick)).parents) > 1:
                    return await self._refuse(pick), ()
        return await self._replay_all(onto, head, mode, message, picks)

    async def _replay_all(
        self,
        onto: Commit,
        head: Commit,
        mode: MergeMode,
        message: MergeMessage,
        picks: Sequence[Commit],
    ) -> tuple[MergeResult, tuple[Commit, ...]]:
        tip, made = onto, list[Commit]()
        for pick in picks:
            raw = await self.commits.read(pick)
            parent = first_parent(raw)
            if mode is MergeMode.REBASE and parent == tip:
                tip = pick
                made.append(pick)
                continue
            tip_tree = await self.commits.tree(tip)
            merged = await self._one(tip_tree, parent, pick)
            if not merged.clean:
                subject = raw.message.split(b"\n", 1)[0].decode("utf-8", "replace")
                return conflict(merged, f"Replaying {pick[:10]} ({subject}): "), ()
            if merged.tree == tip_tree and not await self.commits.is_empty(pick):
                continue  # It changes nothing any more; git rebase leaves it out, too.
            again = replace(
                raw,
                tree=merged.tree,
                parents=(tip,),
                committer=format_signature(message.committer),
            )
            if mode is MergeMode.CHERRY_PICK:
                again = picked_commit(pick, again)
            tip = self.commits.write(again)
            made.append(tip)
        if not made:
            return nothing(onto, head), ()
        return Merged(tip, await self.commits.tree(tip)), tuple(made)

    async def _rebased(self, onto: Commit, head: Commit, meeting: Meeting | None) -> list[Commit]:
        """The commits that `git rebase` would replay, oldest first."""
        if meeting is None:
            await self._related(onto, head)
        elif meeting.ahead is not None and await self.touched.differ(meeting.new, meeting.ahead):
            return list(reversed(meeting.new))
        listed = await run_git(
            "rev-list",
            "--reverse",
            "--topo-order",
            "--no-merges",
            "--right-only",
            "--cherry-mark",
            f"{onto}...{head}",
            "--",
            repository=self.repository,
        )
        picks: list[Commit] = []
        for line in listed.out.decode("ascii").split():
            commit = Commit(line[1:])
            # "=": the same patch is on the other side. Two empty commits are no such thing.
            if line[0] != "=" or await self.commits.is_empty(commit):
                picks.append(commit)
        return picks

    async def _picked(self, onto: Commit, head: Commit, meeting: Meeting | None) -> list[Commit]:
        """The commits that `git cherry-pick ONTO..HEAD` would replay, oldest first."""
        if meeting is not None:
            return list(reversed(meeting.new))
        await self._related(onto, head)
        listed = await run_git(
            "rev-list",
            "--reverse",
            "--topo-order",
            f"{onto}..{head}",
            "--",
            repository=self.repository,
        )
        return [Commit(word) for word in listed.out.decode("ascii").split()]

    async def _related(self, onto: Commit, head: Commit) -> None:
        found = await run_git("merge-base", onto, head, repository=self.repository, accept=(0, 1))
        if not found.out:
            raise NoCommonHistory

    async def _refuse(self, pick: Commit) -> MergeConflict:
        raw = await self.commits.read(pick)
        subject = raw.message.split(b"\n", 1)[0].decode("utf-8", "replace")
        return MergeConflict(
            (),
            f"{pick[:10]} ({subject}) is a merge, and a merge cannot be cherry-picked: "
            "rebase the change so that it is one line of commits.",
        )

    async def _one(self, tip_tree: Tree, parent: Commit | None, pick: Commit) -> TreeMerge:
        if parent is not None:
            found = await self.trees.splice(
                await self.commits.tree(parent), tip_tree, await self.commits.tree(pick)
            )
            if found is not None:
                return found
        # merge-tree finds the base itself, so the tip is dressed up as a sibling of the commit:
        # their only common ancestor is then its parent, which is what a cherry-pick wants.
        nobody = b"headgate <headgate> 0 +0000"
        parents = (parent,) if parent is not None else ()
        sibling = RawCommit(tip_tree, parents, nobody, nobody, b"", b"a base for replaying\n")
        if parent is None:
            root = self.commits.write(replace(sibling, tree=EMPTY_TREE))
            raw = await self.commits.read(pick)
            pick = self.commits.write(replace(raw, parents=(root,)))
            sibling = replace(sibling, parents=(root,))
        return await self.trees.ask(self.commits.write(sibling), pick, tip_tree)


def conflict(merged: TreeMerge, before: str = "") -> MergeConflict:
    """A merge that git found not to be clean, in words."""
    # Where two files claim one name, git tells them apart by the commit: `name~COMMIT`.
    paths = dict.fromkeys(_SIDE.sub("", path) for path in merged.paths)
    return MergeConflict(tuple(paths), before + "\n".join(merged.messages))


def nothing(onto: Commit, head: Commit) -> NothingToMerge:
    """The branch has all that the change brings."""
    return NothingToMerge(f"Everything in {head[:10]} is in {onto[:10]} already.")
