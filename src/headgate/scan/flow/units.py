"""Units of an analysis: analysed, or taken over from an older one that still holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headgate.scan.flow.book import Book, Changed, Revision
from headgate.scan.flow.pieces import pieces_of
from headgate.scan.flow.program import ClassRef, FunctionRef, ModuleState
from headgate.scan.flow.project import Mode, Outcome, Source
from headgate.scan.flow.rules import Rules
from headgate.scan.flow.run import Run
from headgate.scan.flow.telling import Telling, put_together
from headgate.scan.flow.uses import MODULE, Key, Place, Uses
from headgate.scan.ir.nodes import Module

LIST = "list"
CONSTRUCTOR = "constructor"
NESTED = "nested"


class Units(Run):
    """An analysis by units. With a `revision` of an older one, those that it leaves alone are taken
    over: the outcome is the same."""

    def __init__(
        self,
        files: Mapping[str, Source],
        rules: Rules,
        mode: Mode,
        scope: frozenset[str] | None = None,
        revision: Revision | None = None,
    ) -> None:
        super().__init__(files, rules, mode, scope)
        self.tracker = self.program.tracker
        self._first = self.tracker.now
        judge = self.recorder.judge
        self.recorder = Telling(rules.kinds, self.tracker)
        self.recorder.judge = judge
        self.calls.recorder = self.recorder
        self._revision = revision
        self.book = Book()
        self._absorbed: set[Key] = set()
        self._names: dict[str, None] = {}
        """Names of libraries under which something tainted is stored."""
        self._entry_places: dict[Place, None] = {}
        self._listed: dict[str, dict[int, tuple[FunctionRef, ClassRef | None]]] = {}
        self.program.loaded = self._loaded
        self.calls.first = self._first_of

    def _loaded(self, path: str, module: Module) -> None:
        if path not in self.book.pieces:
            self.book.pieces[path] = pieces_of(module, self.files[path].data)

    def _first_of(self, path: str) -> ModuleState | None:
        old = self._revision
        same = old.same((MODULE, path, 0)) if old is not None else None
        if same is None or not same.within:
            return None
        state = self.program.states.get(same.within)
        return None if state is None or state.done else state

    def outcome(self) -> Outcome:
        """What the analysis came to."""
        told = put_together(self.rules.kinds, self.tracker.units, self._first)
        return Outcome(told.all(), told.cut)

    def finished(self, digests: Mapping[str, bytes]) -> Book:
        """What the analysis did, for the next one."""
        book = self.book
        used = set(book.wanted)
        for key, uses in self.tracker.units.items():
            if key[0] != MODULE:
                used.update(one for one in uses.touched if isinstance(one, str))
        waiting = list(used)
        while waiting:
            uses = self.tracker.units.get((MODULE, waiting.pop(), 0))
            for one in uses.touched if uses is not None else ():
                if isinstance(one, str) and one not in used:
                    used.add(one)
                    waiting.append(one)
        book.units = {
            key: uses
            for key, uses in self.tracker.units.items()
            if key[0] != MODULE or key[1] in used
        }
        book.digests = dict(digests)
        book.imports = {path: file.imports for path, file in self.files.items()}
        if self._revision is not None:
            for path, pieces in self._revision.old.pieces.items():
                if path not in self._revision.files:
                    book.pieces.setdefault(path, pieces)
        return book

    # Units

    def _unit(self, key: Key, run: Callable[[], None]) -> None:
        """Analyse a unit, unless what it came to before stands."""
        self.tracker.now.parts.append(key)
        settled = self._revision.settled(key) if self._revision is not None else None
        if settled is not None:
            self._take_over(settled)
            return
        with self.tracker.unit(key):
            run()
        self._absorb()

    def _absorb(self) -> None:
        """Heed what units left behind that have ended since."""
        for key in self.tracker.ended:
            self._heed(self.tracker.units[key])
        self.tracker.ended.clear()

    def _heed(self, uses: Uses) -> None:
        if uses.key in self._absorbed:
            return
        self._absorbed.add(uses.key)
        self._names.update(dict.fromkeys(name for name, tainted in uses.shared.items() if tainted))
        self._entry_places.update(dict.fromkeys(uses.entries))

    def _take_over(self, uses: Uses) -> None:
        """What a unit came to before, it comes to again."""
        key = uses.key
        if key in self.tracker.units:
            return
        assert self._revision is not None
        self.tracker.units[key] = uses
        for path in (*uses.ran, *sorted(one for one in uses.touched if isinstance(one, str))):
            module = self._revision.settled((MODULE, path, 0))
            if module is not None:
                self._take_over(module)
        for part in uses.parts:
            settled = self._revision.settled(part)
            if settled is None:
                raise Changed
            self._take_over(settled)
        self.tracker.known.add(key)
        # In the order in which they end.
        del self.tracker.units[key]
        self.tracker.units[key] = uses
        for cell in uses.changed:
            self.tracker.know(cell)
        self.calls.called |= uses.called
        self._tainting |= uses.tainting
        self._fields.update(dict.fromkeys(uses.fields))
        for path, start, names, fields in uses.done:
            self._done[path, start] = names, fields
        self._heed(uses)

    def _begin(self, place: Place) -> None:
        since = len(self._names), len(self._fields)
        self._done[place] = since
        self.tracker.now.done.append((*place, *since))

    def _construct(self, ref: FunctionRef) -> None:
        place = (ref.module.path, ref.node[1])
        if place not in self._done:
            self._unit((CONSTRUCTOR, *place), lambda: self._root(ref, ref.cls))

    def _untouched(self, path: str) -> bool:
        """Whether an older analysis says what there is in a file."""
        old = self._revision
        if old is None or path in old.files or path in old.rest:
            return False
        return old.settled((MODULE, path, 0)) is not None or (MODULE, path, 0) not in old.old.units

    def _module(self, state: ModuleState) -> None:
        key = (MODULE, state.path, 0)
        if key in self.tracker.units:
            return
        settled = self._revision.settled(key) if self._revision is not None else None
        if settled is not None:
            self._take_over(settled)
            return
        self._guarded(state, "the module", lambda: self.calls.run_module(state))
        self._absorb()

    # What there is

    def _wanted(self, state: ModuleState) -> bool:
        if self._untouched(state.path):
            assert self._revision is not None
            return state.path in self._revision.old.wanted
        return self._interesting(state)

    def _list(self, state: ModuleState) -> None:
        self.calls.run_module(state)
        self._listed[state.path] = {ref.node[1]: (ref, cls) for ref, cls in self._functions(state)}

    def _take_list(self, path: str) -> None:
        """What was found when the functions of a file were listed stands."""
        assert self._revision is not None
        settled = self._revision.settled((LIST, path, 0))
        if settled is not None:
            self._take_over(settled)

    def _all_of(self, state: ModuleState) -> Mapping[int, tuple[FunctionRef, ClassRef | None]]:
        """The functions of a file, by where they begin."""
        if state.path not in self._listed:
            self._module_here(state)
            with self.tracker.unit((LIST, state.path, 0)):
                self._list(state)
            self._absorb()
        return self._listed[state.path]

    def _module_here(self, state: ModuleState) -> None:
        """Run a module for what it holds, whatever is known of what it came to."""
        if not state.done:
            self._guarded(state, "the module", lambda: self.calls.run_module(state))
            self._absorb()

    def _function(self, kind: str, state: ModuleState, start: int) -> Any:
        if kind == NESTED:
            self._module_here(state)
            return next((one for one in state.nested if one[0].node[1] == start), None)
        return self._all_of(state).get(start)
