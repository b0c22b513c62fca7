"""Which paths commits touch, so as to know cheaply that none repeats the patch of another."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.model.ids import Commit, Tree
from headgate.vcs.commits import Commits, first_parent
from headgate.vcs.forest import Entries, Forest, OddTree, is_tree, subtree

_FRESH = 200
"""Commits that are looked at for one question, above which git answers it faster."""

_MEMO = 20_000

Paths = frozenset[bytes]

_NOTHING: Entries = {}


class Touched:
    """Remembers the paths that commits of one repository touch."""

    def __init__(self, commits: Commits, forest: Forest) -> None:
        self._commits = commits
        self._forest = forest
        self._paths: dict[Commit, Paths] = {}

    async def differ(self, some: Sequence[Commit], others: Sequence[frozenset[Commit]]) -> bool:
        """Whether it is certain that no commit among `others` makes the same change as one of
        `some`: then it would touch the same paths. Raises NotFound."""
        fresh = [commit for each in others for commit in each if commit not in self._paths]
        if len(fresh) > _FRESH:
            return False
        if len(self._paths) > _MEMO:
            self._paths.clear()
        try:
            for commit in (*some, *fresh):
                if commit not in self._paths:
                    self._paths[commit] = await self._touched(commit)
        except OddTree:
            return False
        wanted = {self._paths[commit] for commit in some} - {frozenset()}
        return not any(self._paths[commit] in wanted for each in others for commit in each)

    async def _touched(self, commit: Commit) -> Paths:
        raw = await self._commits.read(commit)
        if len(raw.parents) > 1:
            return frozenset()  # Git compares no merges.
        parent = first_parent(raw)
        before = await self._commits.tree(parent) if parent is not None else None
        found: set[bytes] = set()
        level: list[tuple[bytes, Tree | None, Tree | None]] = [(b"", before, raw.tree)]
        while level:
            await self._forest.load(t for _, *pair in level for t in pair if t is not None)
            below: list[tuple[bytes, Tree | None, Tree | None]] = []
            for folder, *pair in level:
                was, is_ = (self._forest.entries(t) if t else _NOTHING for t in pair)
                for name in {name for name, _ in was.items() ^ is_.items()}:
                    values = was.get(name), is_.get(name)
                    trees = [subtree(v) if v is not None and is_tree(v) else None for v in values]
                    if any(trees):
                        below.append((folder + name + b"/", trees[0], trees[1]))
                    if any(v is not None and not is_tree(v) for v in values):
                        found.add(folder + name)
            level = below
        return frozenset(found)
