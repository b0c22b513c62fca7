"""What the analysis of one unit uses, and what it leaves behind for others.

A unit is what is analysed at once and by itself: the top level of a file, or a function that is a
beginning. Between units only cells carry something: variables of modules, members and fields of
classes, objects that outlive the unit that made them, names of libraries under which something is
stored, and what makes a function an entry. Whatever a unit changes in a cell, those that read it
later depend on it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from headgate.scan.flow.values import Obj

Place = tuple[str, int]
"""Path of a file, and where a function begins in it."""
Key = tuple[str, str, int]
"""What kind of unit, and its place."""
Cell = tuple[Any, ...]
"""Its kind, and what tells it from others of the kind."""
MODULE = "module"


class Uses:
    """Of one unit."""

    __slots__ = (
        "called", "changed", "done", "entries", "fields", "key", "made", "nested", "parts", "ran",
        "read", "shared", "tainting", "told", "touched",
        "within",
    )  # fmt: skip

    def __init__(self, key: Key) -> None:
        self.key = key
        self.touched: set[str | Place] = set()
        """Files whose top level it relies on, and functions that it calls."""
        self.read: set[Cell] = set()
        """Cells that it read after others had changed them."""
        self.changed: set[Cell] = set()
        self.called: set[Place] = set()
        self.entries: list[Place] = []
        """Functions that it found to be entries."""
        self.nested: list[Place] = []
        """Of a module: functions that were defined in what it called."""
        self.shared: dict[str, bool] = {}
        """Names of libraries under which it stored something; whether that is tainted."""
        self.fields: list[str] = []
        self.tainting: set[str] = set()
        self.done: list[tuple[str, int, int, int]] = []
        """Functions that it has dealt with, and how many names were shared and fields held then."""
        self.parts: list[Key] = []
        """Units that were analysed on its behalf."""
        self.ran: list[str] = []
        """Modules that ran because it needed them first, in the order in which they ended."""
        self.told: list[tuple[Any, ...]] = []
        """What it has to tell: `("found", Found)`, `("parameter", Found)`, `("cut", path, name)`,
        in that order of time."""
        self.within = ""
        """Of a module: the one that was still running, and that it or what it needed found so."""
        self.made = 0
        """Objects of its own that outlive it."""


class Tracker:
    """Keeps the uses of the unit that is being analysed."""

    def __init__(self) -> None:
        self.now = Uses(("", "", 0))
        self.ever: set[Cell] = set()
        """Every cell that was changed after it was made."""
        self.paths: set[str] = set()
        """Of modules with variables that were changed."""
        self.classes: set[Place] = set()
        """Classes of which something was changed."""
        self.units: dict[Key, Uses] = {}
        """What was analysed, in the order in which it ended."""
        self._running: list[Uses] = []
        """Modules, each of which needed the next one."""
        self.ended: list[Key] = []
        """Units that ended and that nobody has taken notice of."""

    @contextmanager
    def unit(self, key: Key) -> Generator[Uses]:
        """What happens within belongs to the unit."""
        around, uses = self.now, Uses(key)
        self.now = uses
        try:
            yield uses
        finally:
            self.now = around
            self.units.pop(key, None)
            self.units[key] = uses
            self.ended.append(key)
            if key[0] == MODULE:
                around.ran.append(key[1])

    @contextmanager
    def module(self, path: str) -> Generator[Uses]:
        """What happens within is the top level of a module."""
        with self.unit((MODULE, path, 0)) as uses:
            self._running.append(uses)
            try:
                yield uses
            finally:
                self._running.pop()

    def met(self, path: str) -> None:
        """A module was found running: what ran because of it saw only a part of it, and that
        depends on who needed whom."""
        running = self._running
        at = next((i for i, uses in enumerate(running) if uses.key[1] == path), len(running))
        circle = [uses.key[1] for uses in running[at:]]
        for uses in running[at + 1 :]:
            uses.touched.update(circle)
            outer = next((one.key[1] for one in running if one.key[1] in (path, uses.within)), path)
            uses.within = outer

    def change(self, cell: Cell) -> None:
        """A cell has another content from now on."""
        self.now.changed.add(cell)
        self.know(cell)

    def know(self, cell: Cell) -> None:
        """Heed reads of a cell from now on."""
        if cell not in self.ever:
            self.ever.add(cell)
            if cell[0] == "variable":
                self.paths.add(cell[1])
            elif cell[0] == "class":
                self.classes.add((cell[1], cell[2]))

    def read(self, cell: Cell) -> None:
        if cell in self.ever:
            self.now.read.add(cell)

    def read_variable(self, path: str, name: str) -> None:
        """A variable of a module is read."""
        if path in self.paths:
            self.read(("variable", path, name))

    def change_variable(self, path: str, name: str) -> None:
        """A variable of a module is assigned from elsewhere than its top level."""
        if self.now.key[:2] != (MODULE, path):
            self.change(("variable", path, name))


class SharedHeap(dict[Any, Obj]):
    """Objects that outlive the unit that made them, each of them a cell."""

    def __init__(self, tracker: Tracker) -> None:
        super().__init__()
        self._tracker = tracker
        self._cells: dict[Any, Cell] = {}

    def get(self, key: Any, default: Any = None) -> Any:
        found = super().get(key)
        if found is None:
            return default
        cell = self._cells[key]
        if cell in self._tracker.ever:
            self._tracker.now.read.add(cell)
        return found

    def __setitem__(self, key: Any, value: Obj) -> None:
        now = self._tracker.now
        cell = self._cells.get(key)
        if cell is None:
            self._cells[key] = ("object", *now.key, now.made)
            now.made += 1
        elif cell[1:4] != now.key:
            self._tracker.change(cell)
        super().__setitem__(key, value)

    def update(self, other: Mapping[Any, Obj]) -> None:  # type: ignore[override]
        for key, value in other.items():
            if super().get(key) is not value:
                self[key] = value
