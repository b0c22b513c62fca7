"""A lowered file, made ready to be searched: its blocks, and what the names in it mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Module, Node
from headgate.scan.patterns.code import is_node, nodes_below

_WHOLE = frozenset({"", "*", "default"})
"""What is imported when it is the module itself."""


class File:
    """One file."""

    def __init__(self, module: Module, data: bytes) -> None:
        self.data = data
        self.module = module
        self.nodes: list[Node] = []
        """Every node but parameters' kinds and patterns of `match`."""
        self.blocks: list[tuple[Node, ...]] = []
        """Every sequence of statements."""
        self._meaning: dict[tuple[int, int], str] = {}
        """Names, by place, that are imported: what they are called where they come from."""
        self._constants: dict[tuple[int, int], Any] = {}
        """Names, by place, that are assigned once, to a constant."""
        self._visit_scope(module.body, {}, {})

    def text(self, node: Node) -> str:
        """How a node is written."""
        return self.data[node[1] : node[2]].decode("utf-8", "replace")

    def constant(self, node: Node) -> tuple[Any] | None:
        """The constant that an expression is, or that its name holds."""
        if node[0] == ir.CONST:
            return (node[3],)
        if node[0] == ir.NAME and (node[1], node[2]) in self._constants:
            return (self._constants[node[1], node[2]],)
        return None

    def names(self, node: Node) -> tuple[str, ...]:
        """A dotted name as it is written and as it is called where it is imported from; empty for
        what is no name."""
        if node[0] == ir.NAME:
            meaning = self._meaning.get((node[1], node[2]))
            return (node[3],) if meaning is None else (node[3], meaning)
        if node[0] == ir.ATTR:
            return tuple(f"{one}.{node[4]}" for one in self.names(node[3]))
        return ()

    def _visit_scope(
        self, body: Any, imported: dict[str, str], constants: dict[str, Any], own: Any = ()
    ) -> None:
        """The body of the module or of a function; `own`: its parameters."""
        here = dict(_imports(body))
        bound = _bound(body)
        taken = {*bound, *_parameters(own)} - here.keys()
        imported = {**{k: v for k, v in imported.items() if k not in taken}, **here}
        fixed = {
            name: value
            for name, value in _constants(body)
            if bound[name] == 1 and name not in _parameters(own)
        }
        gone = {*bound, *_parameters(own)}
        constants = {**{k: v for k, v in constants.items() if k not in gone}, **fixed}
        self._visit(body, imported, constants)

    def _visit(self, field: Any, imported: dict[str, str], constants: dict[str, Any]) -> None:
        if not isinstance(field, tuple):
            return
        if not is_node(field):
            items = cast("tuple[Any, ...]", field)
            if items and all(is_node(one) and ir.EXPR <= one[0] < ir.P_VALUE for one in items):
                self.blocks.append(items)
            for one in items:
                self._visit(one, imported, constants)
            return
        node = field
        op = node[0]
        self.nodes.append(node)
        if op == ir.NAME:
            place = (node[1], node[2])
            if node[3] in imported:
                self._meaning[place] = imported[node[3]]
            if node[3] in constants:
                self._constants[place] = constants[node[3]]
        elif op == ir.FUNCTION:
            for one in (node[6], node[7]):
                self._visit(one, imported, constants)
            for one in node[4]:
                self._visit(one[4:6], imported, constants)
                self.nodes.append(one)
                self._visit(one[3], {}, {})
            self._visit_scope(node[5], imported, constants, node[4])
        else:
            for one in node[3:]:
                self._visit(one, imported, constants)


def _own(body: Any) -> Iterator[Node]:
    """The nodes of a body that are not in functions in it."""
    stack = [body]
    while stack:
        one = stack.pop()
        if not isinstance(one, tuple):
            continue
        if is_node(one):
            yield one
            if one[0] != ir.FUNCTION:
                stack.extend(one[3:])
        else:
            stack.extend(cast("Node", one))


def _imports(body: Any) -> Iterator[tuple[str, str]]:
    for node in _own(body):
        if node[0] != ir.IMPORT:
            continue
        for module, name, alias, _ in node[3]:
            module = module.lstrip(".") if module else ""
            if name == "" and alias == module.partition(".")[0]:
                yield alias, alias
            elif name in _WHOLE:
                yield alias, module
            else:
                yield alias, f"{module}.{name}" if module else name


def _targets(node: Node) -> Iterator[Node]:
    op = node[0]
    if op == ir.ASSIGN:
        yield from node[3]
    elif op in (ir.AUGMENT, ir.FOR, ir.ASSIGNING):
        yield node[3]
    elif op == ir.WITH:
        yield from (target for _, target in node[3] if target is not None)
    elif op == ir.COMPREHENSION:
        yield from (clause[0] for clause in node[6])


def _bound(body: Any) -> Counter[str]:
    """How often each name is bound in a scope."""
    out: Counter[str] = Counter()
    for node in _own(body):
        for target in _targets(node):
            out.update(one[3] for one in nodes_below(target) if one[0] == ir.NAME)
        if node[0] in (ir.FUNCTION, ir.CLASS):
            out[node[3]] += 1
        elif node[0] in (ir.GLOBAL, ir.NONLOCAL):
            out.update(dict.fromkeys(node[3], 2))
    return out


def _constants(body: Any) -> Iterator[tuple[str, Any]]:
    for node in _own(body):
        if node[0] == ir.ASSIGN and node[4] is not None and node[4][0] == ir.CONST:
            for target in node[3]:
                if target[0] == ir.NAME:
                    yield target[3], node[4][3]


def _parameters(own: Any) -> set[str]:
    return {one[3] for one in nodes_below(tuple(p[3] for p in own)) if one[0] == ir.NAME}
