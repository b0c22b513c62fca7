"""What an analysis did, unit by unit, so that the next one repeats only what a change concerns.

A unit is *dirty* when it used something that changed: the body of a function, the rest of a file,
or a cell that a dirty unit had changed before it. Everything else comes to what it came to before.
What a dirty unit reads has to be there, so units that changed a cell that it reads are analysed as
well; their outcome is the same, and so nobody is concerned by them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any

from headgate.model.record import record
from headgate.scan.flow.pieces import Pieces, Shift
from headgate.scan.flow.uses import MODULE, Cell, Key, Place, Uses

_MOST = 0.5
"""Share of the units from which on everything is analysed anew."""


class Changed(Exception):
    """What happened before says nothing of what happens now."""


@record(frozen=False)
class Book:
    """Of one analysis."""

    units: dict[Key, Uses] = field(default_factory=dict[Key, Uses])
    """In the order in which they came about."""
    pieces: dict[str, Pieces] = field(default_factory=dict[str, Pieces])
    """Of the files whose trees were read."""
    digests: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Of every file."""
    imports: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    wanted: frozenset[str] = frozenset()
    """Files whose top level is of interest by itself."""
    lists: dict[tuple[str, str], list[int]] = field(
        default_factory=dict[tuple[str, str], list[int]]
    )
    """By kind of unit and file: the functions that come into question, by where they begin."""
    rounds: list[Any] = field(default_factory=list[Any])
    """What every round of following began with."""


class Revision:
    """An older book beside the files of today: which units are to be analysed again."""

    def __init__(self, old: Book, digests: Mapping[str, bytes]) -> None:
        self.old = old
        self.files = {
            path for path in {*old.digests, *digests} if old.digests.get(path) != digests.get(path)
        }
        """Files that are not what they were."""
        self.rest: set[str] = set()
        """Files that changed outside of the bodies of functions, and those that they may mean
        something else to."""
        self.bodies: set[Place] = set()
        """Functions whose bodies changed."""
        self.again: set[Key] = set()
        """Units to be analysed."""
        self._dirty: set[Key] = set()
        self._run: set[str] = set()
        """Modules that run because something needs them."""
        self._readers: dict[Cell, list[Key]] = defaultdict(list)
        self._changers: dict[Cell, list[Key]] = defaultdict(list)
        self._users: dict[str | Place, list[Key]] = defaultdict(list)
        self._parents: dict[Key, list[Key]] = defaultdict(list)
        self._order = {key: at for at, key in enumerate(old.units)}

    def compare(self, pieces: Mapping[str, Pieces], imports: Mapping[str, tuple[str, ...]]) -> None:
        """Find what changed in the files that did. `pieces`: of the new versions, and `imports` of
        every file. Raises Changed when too much has."""
        gone = self.old.digests.keys() - imports.keys()
        new = imports.keys() - self.old.digests.keys()
        if gone or new:
            self.rest |= _importers({*gone, *new}, imports) | gone | new
        moved: dict[str, Shift] = {}
        for path in self.files - self.rest:
            before, after = self.old.pieces.get(path), pieces.get(path)
            if before is None:
                # Nobody has looked into it.
                continue
            if (
                after is None
                or before.rest != after.rest
                or (len(before.bodies) != len(after.bodies))
            ):
                self.rest.add(path)
                continue
            for mine, theirs in zip(before.bodies, after.bodies, strict=True):
                if mine[3] != theirs[3]:
                    self.bodies.add((path, theirs[0]))
            moved[path] = Shift(before, after)
        if moved:
            self.old.units = {uses.key: uses for uses in map(Moved(moved), self.old.units.values())}
            for (kind, path), starts in self.old.lists.items():
                if path in moved:
                    self.old.lists[kind, path] = [moved[path](one) for one in starts]
            self._order = {key: at for at, key in enumerate(self.old.units)}
        self._index(pieces)
        self.spread(self._seeds())

    def _index(self, pieces: Mapping[str, Pieces]) -> None:
        for key, uses in self.old.units.items():
            for cell in uses.read:
                self._readers[cell].append(key)
            for cell in uses.changed:
                self._changers[cell].append(key)
            for part in uses.parts:
                self._parents[part].append(key)
            for used in uses.touched:
                if isinstance(used, str):
                    self._users[used].append(key)
                    continue
                path, start = used
                if path in self.files or path in self.rest:
                    here = pieces.get(path) if path not in self.rest else None
                    inside = here.function_at(start) if here is not None else None
                    self._users[path if inside is None else (path, inside)].append(key)

    def _seeds(self) -> Iterator[Key]:
        for path in self.rest:
            yield from self._users.get(path, ())
        for place in self.bodies:
            yield from self._users.get(place, ())

    def spread(self, seeds: Iterable[Key]) -> None:
        """Units are dirty: so are those that depend on them. Raises Changed for too many."""
        waiting = [key for key in seeds if key in self.old.units]
        while waiting:
            key = waiting.pop()
            if key in self._dirty:
                continue
            self._dirty.add(key)
            kind, path, _ = key
            if kind == MODULE:
                waiting += self._users.get(path, ())
            waiting += self._parents.get(key, ())
            here = self._order[key]
            for cell in self.old.units[key].changed:
                waiting += (one for one in self._readers[cell] if self._order[one] > here)
        self.support(self._dirty)

    def support(self, keys: Iterable[Key]) -> None:
        """Units are analysed: so are those that they need."""
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            if key in self.again or key not in self.old.units:
                continue
            self.again.add(key)
            waiting += self._needed(key)
            waiting += self._parents.get(key, ())
            modules = [used for used in self.old.units[key].touched if isinstance(used, str)]
            while modules:
                # They run as well, though they come to what they came to.
                path = modules.pop()
                module = (MODULE, path, 0)
                if path not in self._run and module in self.old.units:
                    self._run.add(path)
                    waiting += self._needed(module)
                    uses = self.old.units[module]
                    modules += (used for used in uses.touched if isinstance(used, str))
                    if uses.within:
                        modules.append(uses.within)
        if len(self.again) > _MOST * len(self.old.units):
            raise Changed

    def _needed(self, key: Key) -> Iterator[Key]:
        """Those who changed before it what a unit reads."""
        here = self._order[key]
        for cell in self.old.units[key].read:
            yield from (one for one in self._changers[cell] if self._order[one] < here)

    def settled(self, key: Key) -> Uses | None:
        """What a unit came to, where that stands."""
        return None if key in self.again else self.old.units.get(key)

    def same(self, key: Key) -> Uses | None:
        """What a unit came to, where it comes to the same again."""
        return None if key in self._dirty else self.old.units.get(key)

    def overlooked(self, units: Mapping[Key, Uses]) -> bool:
        """Whether units that were analysed did something that others depend on, or depend on what
        was not there; those are to be analysed, too. Raises Changed."""
        before = set(self._dirty), set(self.again)
        for key, uses in units.items():
            if key in self.old.units and key not in self.again:
                # A module that was only run to have its names.
                continue
            here = self._order.get(key, len(self._order))
            mine = self.old.units.get(key)
            for cell in uses.read - (mine.read if mine is not None else set()):
                self.support(one for one in self._changers.get(cell, ()) if one not in self.again)
            for cell in uses.changed - (mine.changed if mine is not None else set()):
                readers = [one for one in self._readers.get(cell, ()) if self._order[one] > here]
                if not self._changers.get(cell):
                    readers += self._may_read(cell)
                self.spread(readers)
        return (self._dirty, self.again) != before

    def _may_read(self, cell: Cell) -> Iterable[Key]:
        """Who may read a cell that nobody had changed so far."""
        kind = cell[0]
        if kind == "variable" or kind == "class":
            return self._users.get(cell[1], ())
        if kind == "object":
            return self._users.get(cell[2], ())
        if kind == "entry":
            place = cell[1:]
            return [key for key, uses in self.old.units.items() if place in uses.touched]
        raise Changed


def _importers(paths: Iterable[str], imports: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Files to which it may matter that a file is there or is not."""
    names: set[str] = set()
    for path in paths:
        folder, _, name = path.rpartition("/")
        names.add(name.partition(".")[0])
        names.update(folder.split("/"))
    names.discard("")
    return {
        path
        for path, given in imports.items()
        if any(not names.isdisjoint(one.split(".")) or not one.strip(".") for one in given)
    }


class Moved:
    """Units whose files changed, with everything where it stands now."""

    def __init__(self, by: Mapping[str, Shift]) -> None:
        self._by = by

    def __call__(self, uses: Uses) -> Uses:
        paths = {one if isinstance(one, str) else one[0] for one in uses.touched}
        paths.add(uses.key[1])
        if paths.isdisjoint(self._by):
            return uses
        out = Uses(self._key(uses.key))
        out.touched = {one if isinstance(one, str) else self._place(one) for one in uses.touched}
        out.read = {self._cell(one) for one in uses.read}
        out.changed = {self._cell(one) for one in uses.changed}
        out.called = {self._place(one) for one in uses.called}
        out.entries = [self._place(one) for one in uses.entries]
        out.nested = [self._place(one) for one in uses.nested]
        out.shared, out.fields, out.tainting = uses.shared, uses.fields, uses.tainting
        out.done = [
            (*self._place((path, at)), names, fields) for path, at, names, fields in uses.done
        ]
        out.parts = [self._key(one) for one in uses.parts]
        out.ran, out.within = uses.ran, uses.within
        out.told = [self._told(one) for one in uses.told]
        return out

    def _place(self, place: Place) -> Place:
        path, start = place
        by = self._by.get(path)
        return place if by is None else (path, by(start))

    def _key(self, key: Key) -> Key:
        kind, path, start = key
        by = self._by.get(path)
        return key if by is None or kind == MODULE else (kind, path, by(start))

    def _cell(self, cell: Cell) -> Cell:
        kind = cell[0]
        if kind == "class" and cell[1] in self._by:
            return (kind, *self._place(cell[1:3]), cell[3])
        if kind == "entry":
            return (kind, *self._place(cell[1:3]))
        if kind == "object":
            return (kind, *self._key(cell[1:4]), cell[4])
        return cell

    def _told(self, told: tuple[Any, ...]) -> tuple[Any, ...]:
        if told[0] == "cut":
            return told
        return (told[0], moved_found(told[1], self._by))


def moved_found(plain: tuple[Any, ...], by: Mapping[str, Shift]) -> tuple[Any, ...]:
    """What was found, where it stands now."""
    kind, path, start, end, *middle, steps = plain
    mine = by.get(path)
    if mine is not None:
        start, end = mine(start), mine.end(end)
    return (
        kind, path, start, end, *middle,
        [
            (step[0], by[step[0]](step[1]), by[step[0]].end(step[2]), step[3])
            if step[0] in by
            else step
            for step in steps
        ],
    )  # fmt: skip
