"""What each file of a program is known for without its tree, so that most trees need not be read.

It says which files may have routes at all; only those, and what they lead to, are looked into.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, cast

from headgate.scan.absence.names import Class, Function, functions_in, last_name, walk
from headgate.scan.bundle import FEW, Bundle
from headgate.scan.flow.program import ModuleState, Program
from headgate.scan.flow.project import Source
from headgate.scan.flow.rules import Rules
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.kept import program as program_of
from headgate.scan.kept import tidy

_PROGRAM = ("absence", "flow", "front", "ir", "packs")
"""Rooms whose code facts come from."""
Place = tuple[str, int, int, str, str, int]
"""A lack of the file by itself: kind, start, end, subject, question and confidence."""


class Facts(NamedTuple):
    """What is known of one file."""

    functions: tuple[str, ...]
    """Names of all functions in it, once each."""
    methods: tuple[str, ...]
    """Of those in classes, in their order."""
    decorators: tuple[str, ...]
    """Last names of what decorates them."""
    marked: bool
    """Whether one of these stands for a mark of routes, or for what one gave back, as far as the
    file itself tells."""
    registers: bool
    """Whether it calls something of a name that registers routes."""
    heirs: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    """Of every class with bases and methods, the last names of the bases and the methods."""
    aliases: tuple[str, ...]
    """Names that stand for a mark of routes."""
    renames: tuple[tuple[str, str], ...]
    """What else may stand for something of another name: new names that imports give, with the old
    ones, and classes with the last names of their bases."""
    answers: tuple[Place, ...]
    """What methods that make answers give away."""
    settings: tuple[Place, ...]
    """What a file of settings lacks."""


Own = Callable[[Function], Iterable[Place]]
"""What a method that makes answers gives away, whoever calls it."""
OfSettings = Callable[[tuple[Node, ...]], Iterable[Place]]
"""What the statements of a file of settings lack."""


class Known:
    """The facts of every file of a program."""

    def __init__(
        self,
        program: Program,
        rules: Rules,
        own: Own,
        of_settings: OfSettings,
        files: Mapping[str, Source] | None = None,
        cache: Path | None = None,
    ) -> None:
        """`files`: those of the program, when their names are known without their trees; `cache`:
        a private directory to keep facts in."""
        self._program = program
        self._files = files
        self._own, self._of_settings = own, of_settings
        self.marks = marks_of(rules)
        self._registering = registering(rules)
        names = sorted(self.marks), sorted(self._registering)
        self.settings = hashlib.sha256(f"{program_of(*_PROGRAM)}{names}".encode()).hexdigest()
        """What facts depend on besides the files."""
        bundle = None
        if files is not None and cache is not None and len(files) >= FEW:
            bundle = Bundle(cache / self.settings[:32], files)
        entries = [
            one.selector for one in rules.entries if one.kind == "route" and one.selector.base
        ]
        self._handling = {name for one in entries for name in one.method}
        self.names_asked = self.methods_asked = False
        """Whether somebody wanted to know the names in files, or their methods."""
        self._facts = {path: self._of(state, bundle) for path, state in program.states.items()}
        if bundle is not None and cache is not None and bundle.keep():
            tidy(cache)

    def __getitem__(self, state: ModuleState) -> Facts:
        return self._facts[state.path]

    def may_define(self, state: ModuleState) -> bool:
        """Whether a function of the file may be a route by its decorators or its class."""
        facts = self._facts[state.path]
        return (
            facts.marked
            or not self._marking.isdisjoint(facts.decorators)
            or any(
                not self._marking.isdisjoint(bases) and not self._handling.isdisjoint(methods)
                for bases, methods in facts.heirs
            )
        )

    def selected(self) -> list[tuple[int, bool, bool, tuple[Place, ...], tuple[Place, ...]]]:
        """What makes anybody look into files, or is told of them by itself, by their numbers."""
        found: list[tuple[int, bool, bool, tuple[Place, ...], tuple[Place, ...]]] = []
        for number, state in enumerate(self._program.states.values()):
            facts = self._facts[state.path]
            one = self.may_define(state), facts.registers, facts.answers, facts.settings
            if any(one):
                found.append((number, *one))
        return found

    def methods(self, state: ModuleState) -> tuple[str, ...]:
        """Of the classes in a file."""
        self.methods_asked = True
        return self._facts[state.path].methods

    def every_method(self) -> list[tuple[str, ...]]:
        """In the order of the files."""
        return [one.methods for one in self._facts.values()]

    def mentions(self, state: ModuleState) -> frozenset[str]:
        """Every name in a file."""
        self.names_asked = True
        if self._files is not None:
            return self._files[state.path].mentions
        module = self._program.module_of(state)
        return frozenset[str]() if module is None else module.mentions

    @cached_property
    def _marking(self) -> frozenset[str]:
        """Last names that a decorator of a route, or a base of a class that handles requests, may
        have anywhere in the program."""
        found = self.marks.union(*(one.aliases for one in self._facts.values()))
        renames = [pair for one in self._facts.values() for pair in one.renames]
        while True:
            more = {new for new, old in renames if old in found} - found
            if not more:
                return found
            found |= more

    def _of(self, state: ModuleState, bundle: Bundle | None) -> Facts:
        if bundle is None or self._files is None:
            return self._made(state)
        key = self._files[state.path].digest
        kept = bundle.get(key)
        if kept is not None:
            return Facts(*kept)
        found = self._made(state)
        bundle.put(key, tuple(found))
        return found

    def _made(self, state: ModuleState) -> Facts:
        # Of all files, and most trees are not wanted again: none is held.
        files = self._files
        module = self._program.module_of(state) if files is None else files[state.path].module()
        if module is None:
            return Facts((), (), (), False, False, (), (), (), (), ())
        functions = list(functions_in(state, module.body))
        assigned, given_back, renames = _bound(module.body)
        decorators = dict.fromkeys(last_name(one) for each in functions for one in each.node[6])
        marked = _aliases((*assigned, *given_back, *renames), self.marks) | self.marks
        return Facts(
            tuple(dict.fromkeys(one.name for one in functions)),
            tuple(one.name for one in functions if one.owner is not None),
            tuple(decorators),
            not marked.isdisjoint(decorators),
            not self._registering.isdisjoint(module.mentions)
            and any(
                one[0] == ir.CALL and last_name(one[3]) in self._registering
                for one in walk(module.body)
            ),
            _heirs(functions),
            tuple(sorted(_aliases((*assigned, *renames), self.marks))),
            renames,
            tuple(place for one in functions for place in self._own(one)),
            tuple(self._of_settings(module.body)),
        )


def marks_of(rules: Rules) -> frozenset[str]:
    """Last names of the decorators that make a route, and of the bases that make classes of
    them."""
    entries = [one.selector for one in rules.entries if one.kind == "route"]
    wanted = {name for one in entries for name in one.decorator}
    bases = tuple(name for one in entries for name in one.base)
    wanted.update(bases)
    wanted.update(name for name in rules.types if rules.is_a(name, bases))
    others = (name for name, target in rules.aliases.items() if target in wanted)
    return frozenset(name.rpartition(".")[2] for name in (*wanted, *others))


def registering(rules: Rules) -> frozenset[str]:
    """Last names of what is called to register a route."""
    entries = [one.selector for one in rules.entries if one.kind == "route"]
    called = {name for one in entries for name in one.call}
    others = (name for name, target in rules.aliases.items() if target in called)
    return frozenset(name.rpartition(".")[2] for name in (*called, *others))


def _heirs(functions: list[Function]) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    methods: dict[int, tuple[Class, list[str]]] = {}
    for one in functions:
        if one.owner is not None and one.owner.node[4]:
            methods.setdefault(id(one.owner), (one.owner, []))[1].append(one.name)
    return tuple(
        (tuple(last_name(base) for base in owner.node[4]), tuple(names))
        for owner, names in methods.values()
    )


_Pairs = tuple[tuple[str, str], ...]
"""New names with old ones."""


def _bound(body: tuple[Node, ...]) -> tuple[_Pairs, _Pairs, _Pairs]:
    """Names that are assigned, those of what calls give back, and `Facts.renames`."""
    assigned: dict[tuple[str, str], None] = {}
    given_back: dict[tuple[str, str], None] = {}
    renames: dict[tuple[str, str], None] = {}
    for node in walk(body):
        if node[0] == ir.ASSIGN and node[4] is not None:
            name = last_name(node[4])
            pairs = assigned if node[4][0] in (ir.NAME, ir.ATTR) else given_back
            for target in cast("tuple[Node, ...]", node[3]):
                if name and target[0] == ir.NAME and target[3] != name:
                    pairs[target[3], name] = None
        elif node[0] == ir.IMPORT:
            for _, name, alias, _ in cast("tuple[Any, ...]", node[3]):
                if name and alias and alias != name:
                    renames[alias, name] = None
        elif node[0] == ir.CLASS:
            for base in cast("tuple[Node, ...]", node[4]):
                if (name := last_name(base)) and name != node[3]:
                    renames[node[3], name] = None
    return tuple(assigned), tuple(given_back), tuple(renames)


def _aliases(assigned: Iterable[tuple[str, str]], marks: frozenset[str]) -> set[str]:
    found: set[str] = set()
    while True:
        more = {new for new, old in assigned if old in marks or old in found} - found - marks
        if not more:
            return found
        found |= more
