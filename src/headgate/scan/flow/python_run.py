"""Analyses a project of Python files: which units there are, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from headgate.scan.flow.book import Changed
from headgate.scan.flow.core import MAX_CALLS
from headgate.scan.flow.entries import EntryInfo
from headgate.scan.flow.parameters import worth_a_look, worth_reading
from headgate.scan.flow.program import ClassRef, FunctionRef, ModuleState
from headgate.scan.flow.project import Mode
from headgate.scan.flow.run import REACH, ROUNDS
from headgate.scan.flow.selection import any_worth
from headgate.scan.flow.units import LIST, NESTED, Units
from headgate.scan.flow.uses import Place

ENTRY = "entry"
SETTING_UP = "setting up"
PARAMETER = "parameter"
OWN = "own"
FOLLOWED = "followed"
GIVEN = "given"


class PythonRun(Units):
    """One analysis of Python."""

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
