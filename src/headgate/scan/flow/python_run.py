"""Analyses a project of Python files, unit by unit, and what an older analysis says only again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from headgate.scan.flow.book import Book, Changed, Revision
from headgate.scan.flow.core import MAX_CALLS
from headgate.scan.flow.entries import EntryInfo
from headgate.scan.flow.parameters import worth_a_look, worth_reading
from headgate.scan.flow.pieces import pieces_of
from headgate.scan.flow.program import ClassRef, FunctionRef, ModuleState
from headgate.scan.flow.project import Mode, Outcome, Source
from headgate.scan.flow.rules import Rules
from headgate.scan.flow.run import REACH, ROUNDS, Run
from headgate.scan.flow.selection import any_worth
from headgate.scan.flow.telling import Telling, put_together
from headgate.scan.flow.uses import MODULE, Key, Place, Uses
from headgate.scan.ir.nodes import Module

LIST = "list"
ENTRY = "entry"
CONSTRUCTOR = "constructor"
SETTING_UP = "setting up"
PARAMETER = "parameter"
OWN = "own"
NESTED = "nested"
FOLLOWED = "followed"
GIVEN = "given"


class PythonRun(Run):
    """One analysis. With a `revision` of an older one, units that it leaves alone are taken over:
    the outcome is the same."""

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

    def all(self) -> None:
        states = [
            state
            for path, state in self.program.states.items()
            if self.scope is None or path in self.scope
        ]
        wanted = [state for state in states if self._wanted(state)]
        self.book.wanted = frozenset(state.path for state in wanted)
        for state in wanted:
            self._module(state)
        for state in wanted:
            self._unit((LIST, state.path, 0), lambda state=state: self._list(state))
        self._described(states)
        self._absorb()
        self._entry_places.update(dict.fromkeys(self._first.entries))
        for state in wanted:
            self._each(SETTING_UP, state, self._sets_up, unless=self._entry_places)
        self._entries([])
        if self.rules.params:
            for state in wanted:
                self._each(PARAMETER, state, self._has_param_source, follow=True)
        for state in wanted:
            self._each(OWN, state, lambda ref: self._mentions(ref.node))
        for state in states:
            self._each(NESTED, state, lambda ref: self._mentions(ref.node))
        for number in range(ROUNDS):
            if not self._follow_round(number, states):
                break
        if self.mode is not Mode.APPLICATION:
            self._parameters(states)

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

    # What is analysed

    def _each(
        self,
        kind: str,
        state: ModuleState,
        chosen: Callable[[FunctionRef], bool],
        *,
        follow: bool = False,
        unless: Collection[Place] = (),
    ) -> None:
        """Analyse those functions of a file that are chosen by what stands in the file, `unless`
        something else is known of them by now."""
        path = state.path
        if self._untouched(path):
            assert self._revision is not None
            starts = self._revision.old.lists.get((kind, path), [])
        elif kind == NESTED:
            starts = [ref.node[1] for ref, _ in state.nested if chosen(ref)]
        else:
            starts = [at for at, (ref, _) in self._all_of(state).items() if chosen(ref)]
        if starts:
            self.book.lists[kind, path] = starts
        for start in starts:
            if (path, start) in self._done or (path, start) in unless:
                continue

            def run(start: int = start) -> None:
                ref, cls = self._found(kind, state, start)
                self._root(ref, cls, follow=follow)

            self._unit((kind, path, start), run)

    def _found(
        self, kind: str, state: ModuleState, start: int
    ) -> tuple[FunctionRef, ClassRef | None]:
        found = self._function(kind, state, start)
        if found is None:
            raise Changed
        return found

    def _entries(self, functions: list[tuple[FunctionRef, ClassRef | None]]) -> None:
        seen: set[Place] = set()
        while waiting := sorted(self._entry_places.keys() - seen - self._done.keys()):
            for place in waiting:
                seen.add(place)
                if place not in self._done:
                    self._unit((ENTRY, *place), lambda place=place: self._entry(place))

    def _entry(self, place: Place) -> None:
        info = self._info(place)
        if info is None:
            raise Changed
        self._root(info.ref, info.cls, info)

    def _info(self, place: Place) -> EntryInfo | None:
        """What is known of an entry first."""
        for info in self.calls.entries:
            if (info.ref.module.path, info.ref.node[1]) == place:
                return info
        return None

    def _follow_round(self, number: int, states: Sequence[ModuleState]) -> bool:
        names, self._tainting = self._tainting, set()
        names |= {name.rpartition(".")[2] for name in self._names}
        shared = list(self._names)
        begins = [sorted(names), shared, list(self._fields)]
        self.book.rounds.append(begins)
        if self._revision is not None and self._revision.old.rounds[number:][:1] != [begins]:
            raise Changed
        if not names:
            return False
        again = False
        kind = f"{FOLLOWED}{number}"
        for state in states:
            if self.files[state.path].mentions.isdisjoint(names):
                continue
            self._module(state)
            if self._untouched(state.path):
                assert self._revision is not None
                self._take_list(state.path)
                starts = self._revision.old.lists.get((kind, state.path), [])
                for start in starts:
                    self._followed(kind, state, start)
            else:
                starts = list[int]()
                for start, (ref, cls) in self._all_of(state).items():
                    if self._to_follow(ref, cls, names, shared):
                        starts.append(start)
                        self._followed(kind, state, start)
            if starts:
                self.book.lists[kind, state.path] = starts
                again = True
        return again

    def _followed(self, kind: str, state: ModuleState, start: int) -> None:
        place = (state.path, start)
        self._done.pop(place, None)

        def run() -> None:
            ref, cls = self._found(kind, state, start)
            self._root(ref, cls, self.calls.entry_of.get(place), follow=True)

        self._unit((kind, *place), run)

    def _to_follow(
        self,
        ref: FunctionRef,
        cls: ClassRef | None,
        names: set[str],
        shared: Sequence[str],
    ) -> bool:
        """Whether a function uses what was found to give what comes in."""
        mentions: frozenset[str] = ref.node[11]
        if mentions.isdisjoint(names):
            return False
        since = self._done.get((ref.module.path, ref.node[1]))
        return since is None or self._stored_since(mentions, cls, since, shared)

    def _parameters(self, states: Sequence[ModuleState]) -> None:
        every = self.mode is Mode.LIBRARY
        self.calls.reach = MAX_CALLS if every else REACH
        for state in states:
            starts = self._without_callers(state, every=every)
            if starts is None:
                continue
            path = state.path
            self.book.lists[GIVEN, path] = starts
            self._module(state)
            for start in starts:
                place = (path, start)
                if place in self.calls.called or place in self._entry_places:
                    continue

                def run(state: ModuleState = state, start: int = start) -> None:
                    ref, cls = self._found(GIVEN, state, start)
                    name = f"{cls.name}.{ref.node[3]}" if cls is not None else ref.node[3]
                    self._guarded(state, name, lambda: self._analyse(ref, cls, None, True))
                    self.calls.nested = []

                self._unit((GIVEN, *place), run)

    def _without_callers(self, state: ModuleState, *, every: bool) -> list[int] | None:
        """Functions of which it may be asked what a caller can do with them; None: the file is of
        no interest."""
        if self._untouched(state.path):
            assert self._revision is not None
            starts = self._revision.old.lists.get((GIVEN, state.path))
            if starts is not None:
                self._take_list(state.path)
            return starts
        file = self.files[state.path]
        if not every and not worth_reading(file.mentions, file.data, 0, len(file.data)):
            return None
        module = self.program.module_of(state)
        if module is None or not (every or any_worth(module.body, file.data)):
            if not state.done:
                state.ir = None
            return None
        self._module(state)
        return [
            start
            for start, (ref, _) in self._all_of(state).items()
            if (every and not ref.node[3].startswith("_")) or worth_a_look(ref.node, file.data)
        ]
