"""What names stand for, and which function a call means, without running anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, cast

from headgate.model.record import record
from headgate.scan.flow.program import ModuleState, Program
from headgate.scan.flow.rules import Rules
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.ir.walking import is_node, walk

if TYPE_CHECKING:
    from headgate.scan.absence.facts import Known

_GENERIC = frozenset(
    {"get", "set", "add", "save", "update", "delete", "create", "all", "first", "run", "close"}
)
"""Names of methods that say nothing of the class they belong to."""


@record(eq=False)
class Function:
    """A function of the project and where it stands."""

    state: ModuleState
    node: Node
    owner: Class | None = None

    @property
    def name(self) -> str:
        return self.node[3]


@record(frozen=False, eq=False)
class Class:
    """A class of the project."""

    state: ModuleState
    node: Node
    bases: tuple[str, ...] = ()
    """Canonical names; of the project's own classes too, as `path:Name`."""
    methods: dict[str, Function] = field(default_factory=dict[str, Function])

    @property
    def name(self) -> str:
        return self.node[3]


@record(eq=False)
class Imported:
    """A name that another file of the project has: looked up there when somebody asks for it."""

    state: ModuleState
    name: str


Meaning = str | Function | Class | ModuleState
"""A canonical name of a library, or something of the project."""


def last_name(node: Node) -> str:
    """The last name of `a.b.c`, `a.b.c()` or `a.b.c[…]`; empty for anything else."""
    op = node[0]
    if op == ir.NAME:
        return node[3]
    if op == ir.ATTR:
        return node[4]
    if op in (ir.CALL, ir.INDEX, ir.AWAIT):
        return last_name(node[3])
    return ""


class Names:
    """The names of every file of a project."""

    def __init__(self, program: Program, rules: Rules, known: Known | None = None) -> None:
        """`known`: what is known of files whose trees nobody has read; None: nothing."""
        self.program = program
        self.rules = rules
        self.known = known
        self._tables: dict[str, dict[str, Meaning | Imported]] = {}
        self._functions: dict[str, list[Function]] = {}
        self._open: set[str] = set()
        """Files whose tables are being made."""
        self._asked: set[tuple[str, str]] = set()
        """Imported names that are being looked up."""
        self._methods: dict[str, list[str]] | None = None

    def functions(self, state: ModuleState) -> list[Function]:
        """Every function of a file, also those in classes and in other functions."""
        self._table(state)
        return self._functions.get(state.path, [])

    def found(self, state: ModuleState, name: str) -> Meaning | None:
        """What a name of a file stands for, wherever in it it is bound."""
        table = self._table(state)
        one = table.get(name)
        if not isinstance(one, Imported):
            return one
        there, place = f"{one.state.path}:{one.name}", (state.path, name)
        if place in self._asked:
            # Files that import it from each other, and nowhere is it bound.
            return there
        self._asked.add(place)
        meaning = self.found(one.state, one.name)
        self._asked.discard(place)
        if meaning is None:
            meaning = self.program.at(f"{one.state.folder}/{one.name}".lstrip("/")) or there
        if not self._open and not self._asked:
            table[name] = meaning
        return meaning

    def _table(self, state: ModuleState) -> dict[str, Meaning | Imported]:
        found = self._tables.get(state.path)
        if found is None:
            found = self._tables[state.path] = {}
            self._functions[state.path] = []
            module = self.program.module_of(state)
            if module is not None:
                self._open.add(state.path)
                self._collect(state, module.body, found, None)
                self._open.discard(state.path)
        return found

    def _collect(
        self,
        state: ModuleState,
        body: Any,
        table: dict[str, Meaning | Imported],
        owner: Class | None,
    ) -> None:
        for node in body:
            op = node[0]
            if op == ir.IMPORT:
                self._import(state, node, table)
            elif op == ir.FUNCTION:
                function = Function(state, node, owner)
                self._functions[state.path].append(function)
                if owner is not None:
                    owner.methods.setdefault(node[3], function)
                else:
                    table.setdefault(node[3], function)
                self._collect(state, node[5], table, None)
            elif op == ir.CLASS:
                one = Class(state, node)
                table[node[3]] = one
                one.bases = tuple(self.canonical(state, base) for base in node[4])
                self._collect(state, node[7], table, one)
            elif op == ir.ASSIGN and owner is None:
                self._assign(state, node, table)
            else:
                self._collect(state, _blocks(node), table, owner)

    def _assign(self, state: ModuleState, node: Node, table: dict[str, Meaning | Imported]) -> None:
        value = node[4]
        if value is None:
            return
        for target in node[3]:
            if target[0] == ir.NAME and target[3] not in table:
                meaning = self.meaning(state, value)
                if meaning:
                    table[target[3]] = meaning

    def _import(self, state: ModuleState, node: Node, table: dict[str, Meaning | Imported]) -> None:
        for module, name, alias, level in node[3]:
            if level:
                target = self.program.relative(state, level, module)
            else:
                target = self.program.resolve(state.folder, module)
            if name == "*":
                if target is not None and target is not state:
                    for key, meaning in self._table(target).items():
                        table.setdefault(key, meaning)
                continue
            if not name:
                plain = alias == module.split(".")[0] and "." in module
                table[alias] = alias if plain else target or module
                continue
            if target is not None:
                table[alias or name] = Imported(target, name)
                continue
            folder = self.program.above(state, level) if level else None
            below = self.program.at(f"{folder}/{name}".lstrip("/")) if folder is not None else None
            below = below or self.program.resolve(state.folder, f"{module}.{name}")
            table[alias or name] = below or self.rules.canonical(f"{module}.{name}")

    def classes(self, state: ModuleState) -> list[Class]:
        """Classes of a file, one of each name."""
        found = list(self._table(state).values())
        return [one for one in found if isinstance(one, Class) and one.state is state]

    def mentions(self, state: ModuleState) -> frozenset[str]:
        """Every name in a file."""
        if self.known is not None:
            return self.known.mentions(state)
        module = self.program.module_of(state)
        return frozenset[str]() if module is None else module.mentions

    def says(self, state: ModuleState, endings: tuple[str, ...]) -> bool:
        """Whether a file has a name that so ends, as far as can be told without its tree."""
        if self.known is None:
            return True
        declares = self.known[state].declares
        return any(one in declares for one in endings)

    def meaning(self, state: ModuleState, node: Node) -> Meaning:
        """What an expression stands for; of a call, what it returns."""
        op = node[0]
        if op == ir.NAME:
            return self.found(state, node[3]) or ""
        if op == ir.ATTR:
            inner = self.meaning(state, node[3])
            if isinstance(inner, ModuleState):
                return self.found(inner, node[4]) or ""
            if isinstance(inner, Class):
                return inner.methods.get(node[4]) or f"{inner.state.path}:{inner.name}.{node[4]}"
            if isinstance(inner, Function) or not inner:
                return ""
            if self.program.is_package(state.folder, inner):
                below = self.program.resolve(state.folder, f"{inner}.{node[4]}")
                if below is not None:
                    return below
            name = self.rules.canonical(f"{inner}.{node[4]}")
            rule = self.rules.attrs.get(name)
            return rule.type if rule is not None and rule.type else name
        if op == ir.CALL:
            inner = self.meaning(state, node[3])
            if isinstance(inner, str):
                rule = self.rules.calls.get(inner)
                return rule.created if rule is not None and rule.created else inner
            return inner if isinstance(inner, Class) else ""
        if op == ir.AWAIT:
            return self.meaning(state, node[3])
        return ""

    def bound(self, state: ModuleState, name: str) -> tuple[ModuleState, str] | None:
        """The file and the name at its top where a name comes from that is imported."""
        meaning = self._table(state).get(name)
        if isinstance(meaning, Imported):
            return meaning.state, meaning.name
        if not isinstance(meaning, str) or ":" not in meaning:
            module = self.program.module_of(state)
            for node in module.body if module is not None else ():
                if node[0] == ir.IMPORT:
                    found = self._origin(state, node, name)
                    if found is not None:
                        return found
            return None
        path, _, inner = meaning.partition(":")
        target = self.program.states.get(path)
        return (target, inner) if target is not None else None

    def _origin(self, state: ModuleState, node: Node, name: str) -> tuple[ModuleState, str] | None:
        for module, wanted, alias, level in node[3]:
            if wanted and (alias or wanted) == name:
                target = (
                    self.program.relative(state, level, module)
                    if level
                    else self.program.resolve(state.folder, module)
                )
                return (target, wanted) if target is not None else None
        return None

    def assigned(
        self, state: ModuleState, node: Node, depth: int = 0
    ) -> tuple[ModuleState, Node] | None:
        """What is assigned to a name at the top of its file, and that file."""
        if node[0] == ir.ATTR:
            inner = self.meaning(state, node[3])
            if not isinstance(inner, ModuleState):
                return None
            state = inner
        name = last_name(node)
        module = self.program.module_of(state)
        for one in module.body if module is not None else ():
            if one[0] != ir.ASSIGN or one[4] is None:
                continue
            if any(target[0] == ir.NAME and target[3] == name for target in one[3]):
                return state, one[4]
        origin = self.bound(state, name) if depth < 4 else None
        if origin is None or origin[0] is state:
            return None
        return self.assigned(origin[0], (ir.NAME, node[1], node[2], origin[1]), depth + 1)

    def canonical(self, state: ModuleState, node: Node) -> str:
        """The canonical name of an expression; of something of the project `path:Name`."""
        meaning = self.meaning(state, node)
        if isinstance(meaning, (Function, Class)):
            return f"{meaning.state.path}:{meaning.name}"
        return meaning if isinstance(meaning, str) else ""

    def matches(self, name: str, wanted: frozenset[str] | tuple[str, ...]) -> str:
        """Which of the wanted names a canonical name is, also as a method of a base; or empty."""
        if name in wanted:
            return name
        kind, dot, method = name.rpartition(".")
        if dot:
            for base in self.rules.lineage(kind):
                if f"{base}.{method}" in wanted:
                    return f"{base}.{method}"
        return ""

    def derives(self, one: Class, wanted: tuple[str, ...], depth: int = 0) -> bool:
        """Whether a class derives from one of these."""
        for base in one.bases:
            if base in wanted or self.rules.is_a(base, wanted):
                return True
            path, colon, name = base.partition(":")
            state = self.program.states.get(path) if colon else None
            above = self.found(state, name) if state is not None else None
            if isinstance(above, Class) and depth < 10 and self.derives(above, wanted, depth + 1):
                return True
        return False

    def callee(self, function: Function, call: Node) -> Function | None:
        """The function of the project that a call means."""
        target = call[3]
        if target[0] == ir.ATTR and function.owner is not None:
            inner = target[3]
            if inner[0] == ir.NAME and inner[3] in ("self", "cls"):
                return function.owner.methods.get(target[4])
        meaning = self.meaning(function.state, target)
        if isinstance(meaning, Function):
            return meaning
        if isinstance(meaning, Class):
            return meaning.methods.get("__init__")
        if target[0] == ir.ATTR and not meaning and target[4] not in _GENERIC:
            return self._only_method(target[4])
        return None

    def _only_method(self, name: str) -> Function | None:
        """The method of this name, when the project's classes have one only."""
        paths = self._methods_by_name().get(name, ())
        if len(paths) != 1:
            return None
        functions = self.functions(self.program.states[paths[0]])
        return next((one for one in functions if one.owner is not None and one.name == name), None)

    def _methods_by_name(self) -> dict[str, list[str]]:
        """Which files have a method of a name in a class, once for each."""
        if self._methods is None:
            self._methods = {}
            for state in self.program.states.values():
                for name in self._methods_of(state):
                    self._methods.setdefault(name, []).append(state.path)
        return self._methods

    def _methods_of(self, state: ModuleState) -> Sequence[str]:
        if self.known is not None:
            return self.known.methods(state)
        return [one.name for one in self.functions(state) if one.owner is not None]


def functions_in(
    state: ModuleState, body: Sequence[Node], owner: Class | None = None
) -> Iterator[Function]:
    """Every function of a file by its tree alone, in the order of `Names.functions`; their owners
    have no bases."""
    for node in body:
        op = node[0]
        if op == ir.FUNCTION:
            yield Function(state, node, owner)
            yield from functions_in(state, node[5])
        elif op == ir.CLASS:
            yield from functions_in(state, node[7], Class(state, node))
        elif op != ir.IMPORT and (op != ir.ASSIGN or owner is not None):
            yield from functions_in(state, _blocks(node), owner)


def _blocks(node: Node) -> list[Node]:
    """The statements directly in a statement: of its blocks, handlers and cases."""
    out: list[Node] = []
    stack: list[Any] = list(reversed(node[3:]))
    while stack:
        one: Any = stack.pop()
        if is_node(one):
            if ir.EXPR <= one[0] < ir.P_VALUE:
                out.append(one)
        elif type(one) is tuple:
            stack.extend(reversed(cast("tuple[Any, ...]", one)))
    return out


__all__ = ["Class", "Function", "Meaning", "Names", "functions_in", "is_node", "last_name", "walk"]
