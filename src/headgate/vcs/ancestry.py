"""The merge base of a change and a future state, found without asking git about each.

A future is a chain of commits on a branch head, the *root*. What the chain added to the root is
remembered as a set, so the question for the two-hundredth state is the question for the first:
where does the history of the change meet that of the root?
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from headgate.model.errors import NotFound
from headgate.model.ids import Commit
from headgate.vcs.objects import RawCommit

_SHORT = 16
_LONGEST = 256
"""Commits of a change that are followed, before and after its base was sought."""

_FAR = 2000
"""Commits between the root and the merge base, above which git is asked."""

_LINES = 1024
_GROWN = 4000
"""Commits on a root, above which a state counts as a root of its own."""

_ROOTS = 4
_BASES = 32
"""Roots, and bases below each, of which it is remembered what lies between the two."""

_ROOT, _HEAD, _BOTH = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where a change begins. `new` are its commits that the branch lacks, newest first."""

    base: Commit
    new: tuple[Commit, ...]
    ahead: tuple[frozenset[Commit], ...] | None
    """Sets with all commits of the branch that the change lacks, and maybe others of the branch;
    None where they are not known."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A state's history: that of the root, and what was added to it. They have none in common."""

    root: Commit
    added: frozenset[Commit]


class Ancestry:
    """Finds merge bases in one repository, as far as that is simple; the answers are exact."""

    def __init__(self, read: Callable[[Commit], Awaitable[RawCommit]]) -> None:
        self._read = read
        self._lines: OrderedDict[Commit, _Line] = OrderedDict()
        self._behind: OrderedDict[Commit, dict[Commit, frozenset[Commit]]] = OrderedDict()

    async def meeting(self, onto: Commit, head: Commit) -> Meeting | None:
        """Where the commits of `head` that `onto` lacks begin, when they are one unbranched line.

        None when they are not, when `onto` has `head` already, when the two have no history in
        common, or when finding out would take longer than asking git.
        """
        line = self._lines.get(onto) or _Line(onto, frozenset())
        try:
            found = await self._follow(line, head, _SHORT)
            if found is None and head not in line.added:
                await self._explore(line.root, head)
                found = await self._follow(line, head, _LONGEST)
        except NotFound:
            return None  # A shallow or broken history: git knows what it makes of that.
        return found if found is not None and found.new else None

    def grow(self, onto: Commit, new: Iterable[Commit]) -> None:
        """Remember that a state was made: `new` are all the commits that `onto` lacks, and the
        last of them is the state."""
        commits = list(new)
        line = self._lines.get(onto) or _Line(onto, frozenset())
        added = line.added.union(commits)
        if len(added) > _GROWN or not commits:
            return
        self._lines[commits[-1]] = _Line(line.root, added)
        if len(self._lines) > _LINES:
            self._lines.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._lines.clear()
        self._behind.clear()

    async def _follow(self, line: _Line, head: Commit, limit: int) -> Meeting | None:
        """Go down from the head until something known to be part of the line is met."""
        behind = self._behind.get(line.root, {})
        new: list[Commit] = []
        at = head
        while len(new) <= limit:
            # The first part of the line that is met is the base, unless it lies in the root: then
            # one of those above could be a part of the root, too, for all that is known yet.
            if at in line.added:
                return Meeting(at, tuple(new), None)
            if at == line.root:
                return Meeting(at, tuple(new), (line.added,))
            if at in behind:
                ahead = (line.added, behind[at])
                return Meeting(at, tuple(new), ahead) if behind[at].isdisjoint(new) else None
            parents = (await self._read(at)).parents
            if len(parents) != 1:
                return None
            new.append(at)
            at = parents[0]
        return None

    async def _explore(self, root: Commit, head: Commit) -> None:
        """Learn the merge base of a root and a head, if there is just one, and what of the root
        lies outside its history.

        Walks both histories at once, newest first, until all that is left is common to both. Dates
        decide how far it walks, not what comes out.
        """
        if root == head:
            return
        colours = {root: _ROOT, head: _HEAD}
        waiting = [await self._entry(root), await self._entry(head)]
        heapq.heapify(waiting)
        single = {root, head}  # Those waiting that are not known to be common.
        common: dict[Commit, None] = {}
        below: set[Commit] = set()
        # Where a commit is as old as its parent, the walk may have met both before it knows that
        # one lies below the other: it goes on until just one is left, or there is nothing more.
        while single or (waiting and len(common.keys() - below) > 1):
            _, at = heapq.heappop(waiting)
            colour = colours[at]
            single.discard(at)
            for parent in (await self._read(at)).parents:
                if colour == _BOTH:
                    below.add(parent)
                before = colours.get(parent, 0)
                after = before | colour
                if after == before:
                    continue
                colours[parent] = after
                if after == _BOTH:
                    common[parent] = None
                    single.discard(parent)
                else:
                    single.add(parent)
                heapq.heappush(waiting, await self._entry(parent))
            if len(colours) > _FAR:
                return
        bases = common.keys() - below
        if len(bases) == 1:
            behind = frozenset(commit for commit, colour in colours.items() if colour == _ROOT)
            known = self._behind.setdefault(root, {})
            if len(known) >= _BASES:
                known.clear()
            known[bases.pop()] = behind
            while len(self._behind) > _ROOTS:
                self._behind.popitem(last=False)

    async def _entry(self, commit: Commit) -> tuple[int, Commit]:
        words = (await self._read(commit)).committer.split()
        when = words[-2] if len(words) > 1 else b""
        return (-int(when) if when.isdigit() else 0, commit)
