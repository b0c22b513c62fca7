"""The routes of a program: which functions are called from outside, by which paths and methods."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any, cast

from headgate.model.record import record
from headgate.scan.absence.facts import registering
from headgate.scan.absence.names import Class, Function, Names, last_name, walk
from headgate.scan.absence.openapi import operations
from headgate.scan.absence.words import Words
from headgate.scan.flow.program import ModuleState
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late
from headgate.scan.packs.schema import Entry

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PARAMETERS = late(r"<(?:[^<>:]*:)?(\w+)>|\{(\w+)[^{}]*\}|\(\?P<(\w+)>")
_BY_NAME = ("fastapi.",)
_MAX_DEPTH = 3
_MAX_FUNCTIONS = 40
_TEXT = 400


@record(frozen=False, eq=False)
class Route:
    """One way into the program."""

    function: Function
    patterns: tuple[str, ...]
    methods: frozenset[str]
    decorators: tuple[str, ...]
    """Last names of everything that decorates the function and its class."""
    facts: Facts
    named: bool = False
    """Whether the framework fills its parameters by their names."""

    @property
    def name(self) -> str:
        return self.function.name

    @property
    def path(self) -> str:
        """The file."""
        return self.function.state.path

    @property
    def where(self) -> str:
        """Everything that says what the route is for."""
        return " ".join((*self.patterns, self.name))

    @property
    def changes(self) -> bool:
        """Whether it can be called by a method that is meant to change something."""
        return not self.methods.isdisjoint(CHANGING)

    @property
    def parameters(self) -> frozenset[str]:
        """Names in the pattern that the caller fills."""
        found = {
            name
            for pattern in self.patterns
            for groups in _PARAMETERS.findall(pattern)
            for name in groups
            if name
        }
        return frozenset(found)


@record(frozen=False, eq=False)
class Facts:
    """What a function and the functions of the project that it calls are made of."""

    functions: list[Function] = field(default_factory=list[Function])
    mentions: set[str] = field(default_factory=set[str])
    """Names, attributes, keywords."""
    texts: list[str] = field(default_factory=list[str])
    """Constant texts, lower case."""
    calls: set[str] = field(default_factory=set[str])
    """Last names of what is called."""

    def has(self, pattern: Words | re.Pattern[str]) -> bool:
        """Whether any name in it matches wholly."""
        return any(pattern.fullmatch(one) for one in self.mentions)

    def says(self, pattern: Words | re.Pattern[str]) -> bool:
        """Whether the pattern is found in any text."""
        return any(pattern.search(one) for one in self.texts)


def facts_of(names: Names, function: Function, depth: int = _MAX_DEPTH) -> Facts:
    """The facts of a function, callees included down to a depth."""
    facts = Facts()
    pending = [(function, 0)]
    while pending and len(facts.functions) < _MAX_FUNCTIONS:
        one, level = pending.pop(0)
        if any(one.node is known.node for known in facts.functions):
            continue
        facts.functions.append(one)
        for node in walk(one.node[5]):
            op: int = node[0]
            fields: tuple[Any, ...] = node[3:]
            if op == ir.NAME:
                facts.mentions.add(fields[0])
            elif op == ir.ATTR:
                facts.mentions.add(fields[1])
            elif op == ir.CONST and type(fields[0]) is str and len(fields[0]) < _TEXT:
                facts.texts.append(fields[0].lower())
            elif op == ir.CALL:
                called = cast("Node", fields[0])
                facts.calls.add(last_name(called))
                facts.mentions.update(key for key, _ in fields[2] if key)
                callee = names.callee(one, node) if level < depth else None
                if callee is not None:
                    pending.append((callee, level + 1))
    return facts


class _Finder:
    def __init__(self, names: Names, documents: Mapping[str, bytes]) -> None:
        self.names = names
        self.documents = documents
        entries = [one for one in names.rules.entries if one.kind == "route"]
        self.decorated = [one for one in entries if one.selector.decorator]
        self.called = [one for one in entries if one.selector.call]
        self.based = [one for one in entries if one.selector.base]
        self.tails = registering(names.rules)
        self.known = names.known

    def routes(self) -> Iterator[Route]:
        given: dict[int, tuple[Function, list[str], set[str], list[str]]] = {}
        named: set[int] = set()

        def add(function: Function, pattern: str, methods: Iterable[str]) -> None:
            decorators: list[str] = [last_name(one) for one in function.node[6]]
            if function.owner is not None:
                decorators += [last_name(one) for one in function.owner.node[6]]
            entry = given.setdefault(id(function.node), (function, [], set(), decorators))
            if pattern and pattern not in entry[1]:
                entry[1].append(pattern)
            entry[2].update(methods)

        for state in self.names.program.states.values():
            within = self.known is None or self.known.may_define(state)
            for function in self.names.functions(state) if within else ():
                for pattern, methods, entry in self._of_function(state, function):
                    add(function, pattern, methods)
                    if entry.startswith(_BY_NAME):
                        named.add(id(function.node))
            for function, pattern, methods in self._registered(state):
                add(function, pattern, methods)
        for name, pattern, method in operations(self.documents):
            function = self._named(name)
            if function is not None:
                add(function, pattern, {method})
        for function, patterns, methods, decorators in given.values():
            yield Route(
                function,
                tuple(patterns),
                frozenset(methods) or frozenset({"GET"}),
                tuple(decorators),
                facts_of(self.names, function),
                id(function.node) in named,
            )

    def _named(self, dotted: str) -> Function | None:
        module, _, name = dotted.rpartition(".")
        for state in self.names.program.states.values():
            stem = state.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            if module and (stem == module or stem.endswith("." + module)):
                found = self.names.found(state, name)
                return found if isinstance(found, Function) else None
        return None

    def _of_function(
        self, state: ModuleState, function: Function
    ) -> Iterator[tuple[str, frozenset[str], str]]:
        for decorator in function.node[6]:
            called = decorator[3] if decorator[0] == ir.CALL else decorator
            name = self.names.canonical(state, called)
            if not name or ":" in name:
                continue
            for entry in self.decorated:
                found = self.names.matches(name, entry.selector.decorator)
                if found:
                    yield _pattern(entry, decorator), _methods(entry, found, decorator), found
        owner = function.owner
        if owner is None:
            return
        for entry in self.based:
            if function.name in entry.selector.method and self.names.derives(
                owner, entry.selector.base
            ):
                method = entry.method_names.get(function.name, function.name.upper())
                yield owner.name, frozenset({method}), ""

    def _registered(self, state: ModuleState) -> Iterator[tuple[Function, str, frozenset[str]]]:
        if self.known is not None and not self.known[state].registers:
            return
        module = self.names.program.module_of(state)
        if module is None:
            return
        for node in walk(module.body):
            if node[0] != ir.CALL or last_name(node[3]) not in self.tails:
                continue
            name = self.names.canonical(state, node[3])
            for entry in self.called:
                found = self.names.matches(name, entry.selector.call) if name else ""
                # `app.router.add_get` where the type of `app` is an argument's annotation only.
                if not found and not name and last_name(node[3]).startswith("add_"):
                    found = next(
                        (o for o in entry.selector.call if o.endswith("." + last_name(node[3]))), ""
                    )
                if not found:
                    continue
                for place in entry.selector.handler:
                    value = argument(node, place)
                    for function in self._handlers(state, value) if value is not None else ():
                        yield function, _pattern(entry, node), _methods(entry, found, node)

    def _handlers(self, state: ModuleState, value: Node) -> Iterator[Function]:
        if value[0] == ir.CALL:
            if last_name(value[3]) != "as_view":
                for inner in value[4]:
                    yield from self._handlers(state, inner)
                return
            value = value[3][3]
        meaning = self.names.meaning(state, value)
        if isinstance(meaning, Function):
            yield meaning
        elif isinstance(meaning, Class):
            for name, function in meaning.methods.items():
                if name in ("get", "post", "put", "patch", "delete", "form_valid", "dispatch"):
                    yield function


def routes_of(names: Names, documents: Mapping[str, bytes] | None = None) -> list[Route]:
    """Every route that the packs' entries, or OpenAPI descriptions among the documents, tell of,
    in the order of the files."""
    return list(_Finder(names, documents or {}).routes())


def argument(call: Node, place: int | str) -> Node | None:
    """The argument at a position or with a name."""
    if isinstance(place, int):
        return call[4][place] if place < len(call[4]) else None
    return next((value for key, value in call[5] if key == place), None)


def _pattern(entry: Entry, node: Node) -> str:
    if entry.path is None or node[0] != ir.CALL:
        return ""
    value = argument(node, entry.path)
    return value[3] if value is not None and value[0] == ir.CONST and type(value[3]) is str else ""


def _methods(entry: Entry, found: str, node: Node) -> frozenset[str]:
    fixed = entry.method_names.get(found)
    if fixed:
        return frozenset({fixed})
    if not entry.methods or node[0] != ir.CALL:
        return frozenset()
    place = int(entry.methods) if entry.methods.isdigit() else entry.methods
    value = argument(node, place)
    if value is None:
        return frozenset({"GET"})
    items = value[4] if value[0] == ir.SEQ else (value,)
    return frozenset(one[3].upper() for one in items if one[0] == ir.CONST and type(one[3]) is str)
