"""What names in JavaScript files stand for: functions, routers, other files. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from headgate.model.record import record
from headgate.scan.absence.names import is_node, last_name, walk
from headgate.scan.flow.javascript_modules import JavaScriptProgram
from headgate.scan.flow.program import ModuleState
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

_DEPTH = 6
_CAMEL = late(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake(name: str) -> str:
    """`requireLogin` as `require_login`, so that one set of words does for both ways."""
    return _CAMEL.sub("_", name).replace("-", "_").lower()


@record(eq=False)
class Fn:
    """A function of the project and where it stands."""

    state: ModuleState
    node: Node

    @property
    def parameters(self) -> list[str]:
        """Names of its plain parameters; empty for what is taken apart at once."""
        return [one[3][3] if one[3][0] == ir.NAME else "" for one in self.node[4]]


@record(frozen=False)
class Table:
    """The names of a file."""

    values: dict[str, Node] = field(default_factory=dict[str, Node])
    """What variables are assigned, wherever in the file, and functions and classes by name."""
    imports: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Alias → module and name in it; the name is empty for the module itself."""
    exports: dict[str, Node] = field(default_factory=dict[str, Node])


Found = tuple[ModuleState, Node]
"""An expression, and the file that it stands in."""


class Scripts:
    """The names of every file of a project."""

    def __init__(self, program: JavaScriptProgram) -> None:
        self.program = program
        self._tables: dict[str, Table] = {}
        self._methods: dict[str, list[Fn]] | None = None

    def body(self, state: ModuleState) -> tuple[Node, ...]:
        module = self.program.module_of(state)
        return module.body if module is not None else ()

    def table(self, state: ModuleState) -> Table:
        found = self._tables.get(state.path)
        if found is None:
            found = self._tables[state.path] = Table()
            for node in walk(self.body(state)):
                _collect(node, found)
        return found

    def module(self, state: ModuleState, alias: str) -> str:
        """The library that a name is imported from, with the name in it; empty for others."""
        found = self.table(state).imports.get(alias)
        if found is None or self.program.resolve(state.folder, found[0]) is not None:
            return ""
        return found[0] if found[1] in ("", "default") else f"{found[0]}.{found[1]}"

    def meaning(self, state: ModuleState, node: Node, depth: int = 0) -> Found:
        """The expression that a name stands for, followed through imports; itself when unknown."""
        if depth > _DEPTH:
            return state, node
        if node[0] == ir.NAME:
            table = self.table(state)
            given = table.imports.get(node[3])
            if given is not None:
                target = self.program.resolve(state.folder, given[0])
                if target is None:
                    return state, node
                found = self._exported(target, given[1], depth)
                return found if found is not None else (state, node)
            value = table.values.get(node[3])
            if value is None or value is node:
                return state, node
            if value[0] in (ir.NAME, ir.ATTR):
                return self.meaning(state, value, depth + 1)
            return state, value
        if node[0] == ir.ATTR:
            found = self._member(state, node, depth)
            return found if found is not None else (state, node)
        return state, node

    def _exported(self, state: ModuleState, name: str, depth: int) -> Found | None:
        exports = self.table(state).exports
        node = exports.get(name or "default") or exports.get("default")
        if node is None:
            return None
        if name and name not in exports and name != "default":
            # `module.exports = {name}`
            item = _item(node, name)
            if item is None:
                return None
            node = item
        return self.meaning(state, node, depth + 1)

    def _member(self, state: ModuleState, node: Node, depth: int) -> Found | None:
        inner, name = node[3], node[4]
        if inner[0] == ir.NAME:
            given = self.table(state).imports.get(inner[3])
            target = self.program.resolve(state.folder, given[0]) if given is not None else None
            if target is not None and name in self.table(target).exports:
                return self.meaning(target, self.table(target).exports[name], depth + 1)
        where, holder = self.meaning(state, inner, depth + 1)
        item = _item(holder, name)
        if item is not None:
            return self.meaning(where, item, depth + 1)
        named = self.methods().get(name, [])
        field = inner[0] == ir.ATTR and _is_this(inner[3])
        made = holder[0] in (ir.CALL, ir.CLASS) or _is_this(inner) or field
        if made and len(named) == 1:
            return named[0].state, named[0].node
        return None

    def methods(self) -> dict[str, list[Fn]]:
        """Methods of the project's classes, by name."""
        if self._methods is None:
            self._methods = {}
            for state in self.program.states.values():
                for node in walk(self.body(state)):
                    if node[0] == ir.ASSIGN and node[4] is not None and node[4][0] == ir.LAMBDA:
                        # `this.show = (req, res) => …` in a function that is called with `new`
                        for target in node[3]:
                            if target[0] == ir.ATTR and _is_this(target[3]):
                                one = Fn(state, node[4][3])
                                self._methods.setdefault(target[4], []).append(one)
                    if node[0] != ir.CLASS:
                        continue
                    for one in node[7]:
                        if one[0] == ir.FUNCTION:
                            self._methods.setdefault(one[3], []).append(Fn(state, one))
                        elif one[0] == ir.ASSIGN and one[4] is not None and one[4][0] == ir.LAMBDA:
                            name = one[3][0][3] if one[3][0][0] == ir.NAME else ""
                            self._methods.setdefault(name, []).append(Fn(state, one[4][3]))
        return self._methods

    def functions(self, state: ModuleState, node: Node, depth: int = 0) -> Iterator[Fn]:
        """The functions of the project that an expression stands for: those given to a call that
        wraps them as well, and every one of a list."""
        if depth > _DEPTH:
            return
        where, value = self.meaning(state, node)
        op = value[0]
        if op == ir.FUNCTION:
            yield Fn(where, value)
        elif op == ir.LAMBDA:
            yield Fn(where, value[3])
        elif op == ir.SEQ:
            for one in value[4]:
                yield from self.functions(where, one[3] if one[0] == ir.STAR else one, depth + 1)
        elif op == ir.CALL:
            if value[3][0] == ir.ATTR and value[3][4] == "bind":
                yield from self.functions(where, value[3][3], depth + 1)
                return
            for one in value[4]:
                if one[0] in (ir.NAME, ir.ATTR, ir.LAMBDA, ir.CALL, ir.SEQ):
                    yield from self.functions(where, one, depth + 1)

    def callee(self, state: ModuleState, call: Node) -> Fn | None:
        """The function of the project that a call means."""
        where, value = self.meaning(state, call[3])
        if value[0] == ir.LAMBDA:
            value = value[3]
        return Fn(where, value) if value[0] == ir.FUNCTION else None


def _is_this(node: Node) -> bool:
    return node[0] == ir.NAME and node[3] == "this"


def _collect(node: Node, table: Table) -> None:
    op = node[0]
    if op == ir.IMPORT:
        for module, name, alias, _ in node[3]:
            table.imports.setdefault(alias, (module, name))
    elif op == ir.EXPORT:
        for name, value in node[3]:
            table.exports[name] = value
    elif op in (ir.FUNCTION, ir.CLASS):
        if node[3]:
            table.values.setdefault(node[3], node)
    elif op == ir.ASSIGN and node[4] is not None:
        for target in node[3]:
            if target[0] == ir.NAME:
                table.values.setdefault(target[3], node[4])


def _item(node: Node, name: str) -> Node | None:
    """What is under a key of an object literal."""
    if node[0] != ir.MAP:
        return None
    for key, value in node[3]:
        if key is not None and key[0] == ir.CONST and key[3] == name:
            return value
    return None


def option(call: Node, name: str) -> Node | None:
    """What a call is given under a name, in an object literal among its arguments."""
    for one in call[4]:
        found = _item(one, name)
        if found is not None:
            return found
    return None


def words_in(node: object) -> Iterator[str]:
    """Every name in an expression, in the way of `snake`."""
    for one in walk(node):
        if one[0] == ir.NAME:
            yield snake(one[3].removeprefix("require:"))
        elif one[0] == ir.ATTR:
            yield snake(one[4])


def text_of(node: object) -> str | None:
    """The text that a literal is."""
    if is_node(node) and node[0] == ir.CONST and type(node[3]) is str:
        return node[3]
    return None


__all__ = ["Fn", "Found", "Scripts", "last_name", "option", "snake", "text_of", "words_in"]
