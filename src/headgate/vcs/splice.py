"""Merging trees without git, where it is plain what git would make of them.

A path that only one side touched is taken from that side, whatever the rest looks like, as long
as git has no occasion to look for renames. It has none where neither side took a path away: then
there is nothing that could have been renamed. Everything else is left to git: paths that vanish or
change their kind, contents that both sides changed, and names that both sides added differently.
"""

from __future__ import annotations

from collections.abc import Iterable

from headgate.model.ids import Tree
from headgate.vcs.forest import Forest, OddTree, is_tree, kind, subtree

_MEMO = 100_000

_Pair = tuple[Tree, Tree]
_Three = tuple[Tree, Tree, Tree]


class _Unclear(Exception):
    """Only git should decide."""


class Splicer:
    """Merges trees of one repository in process. Remembers which pairs of trees were compared, so
    that the cost is that of what one change touches, however many were merged before it."""

    def __init__(self, forest: Forest) -> None:
        self._forest = forest
        self._kept: dict[_Pair, bool] = {}
        self._sound: set[Tree] = set()

    async def splice(self, base: Tree, ours: Tree, theirs: Tree) -> Tree | None:
        """The tree that git's `ort` makes of the three; None when git has to be asked.

        Raises NotFound when a tree is missing.
        """
        if len(self._kept) > _MEMO or len(self._sound) > _MEMO:
            self.clear()
        self._forest.trim()
        try:
            # What comes is small, so it is looked at first.
            if not (await self._keeps(base, theirs) and await self._keeps(base, ours)):
                return None
            await self._load(base, ours, theirs)
            self._check(base, ours, theirs)
            return self._merge(base, ours, theirs)
        except (OddTree, _Unclear):
            return None

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._sound.clear()

    async def _keeps(self, base: Tree, side: Tree) -> bool:
        """Whether a side still has every path of the base, each of the same kind."""
        if base == side:
            return True
        found = self._kept.get((base, side))
        if found is None:
            found = self._kept[base, side] = await self._compare(base, side)
        return found

    async def _compare(self, base: Tree, side: Tree) -> bool:
        level: dict[_Pair, None] = {(base, side): None}
        new: dict[Tree, None] = {}
        done: list[_Pair] = []
        while level or new:
            trees = [tree for pair in level for tree in pair]
            await self._forest.load([*trees, *new])
            below: dict[_Pair, None] = {}
            added: dict[Tree, None] = {}
            for pair in level:
                before, after = (self._forest.entries(tree) for tree in pair)
                if not before.keys() <= after.keys():
                    return False
                for name, value in after.items() - before.items():
                    was = before.get(name)
                    if was is not None and kind(was) != kind(value):
                        return False
                    if not is_tree(value):
                        continue
                    if was is None:
                        added[subtree(value)] = None
                        continue
                    inner = (subtree(was), subtree(value))
                    known = self._kept.get(inner)
                    if known is False:
                        return False
                    if known is None:
                        below[inner] = None
                done.append(pair)
            for tree in new:
                inside = self._forest.entries(tree).values()
                added |= dict.fromkeys(subtree(value) for value in inside if is_tree(value))
            self._sound.update(new)
            level, new = below, {tree: None for tree in added if tree not in self._sound}
        self._kept.update(dict.fromkeys(done, True))
        return True

    async def _load(self, base: Tree, ours: Tree, theirs: Tree) -> None:
        """Bring back what was compared earlier and is no longer in memory."""
        level: list[_Three] = [(base, ours, theirs)]
        while level:
            await self._forest.load(tree for three in level for tree in three)
            level = [inner for three in level for inner in self._inner(*three)]

    def _inner(self, base: Tree, ours: Tree, theirs: Tree) -> Iterable[_Three]:
        """The directories that both sides changed, each in its own way."""
        before, mine = self._forest.entries(base), self._forest.entries(ours)
        for name, value in self._forest.entries(theirs).items() - before.items():
            was, is_ = before.get(name), mine.get(name)
            if was is None or is_ is None or not is_tree(value):
                continue
            if is_ not in (was, value):
                yield subtree(was), subtree(is_), subtree(value)

    def _check(self, base: Tree, ours: Tree, theirs: Tree) -> None:
        """Raises _Unclear before anything is written."""
        before, mine = self._forest.entries(base), self._forest.entries(ours)
        for name, value in self._forest.entries(theirs).items() - before.items():
            is_ = mine.get(name)
            if is_ not in (before.get(name), value) and not is_tree(value):
                raise _Unclear
            if is_ is not None and name not in before and is_ != value:
                raise _Unclear
        for inner in self._inner(base, ours, theirs):
            self._check(*inner)

    def _merge(self, base: Tree, ours: Tree, theirs: Tree) -> Tree:
        before, mine = self._forest.entries(base), self._forest.entries(ours)
        merged = dict(mine)
        for name, value in self._forest.entries(theirs).items() - before.items():
            was, is_ = before.get(name), mine.get(name)
            if is_ is None or was is None or not is_tree(value) or is_ in (was, value):
                merged[name] = value
            else:
                inner = self._merge(subtree(was), subtree(is_), subtree(value))
                merged[name] = b"40000" + bytes.fromhex(inner)
        if merged == mine:
            return ours
        tree = self._forest.write(merged, sort=len(merged) > len(mine))
        # It has all that ours has, which has all that the base has: no need to look again.
        self._kept[base, tree] = self._kept[ours, tree] = True
        return tree
