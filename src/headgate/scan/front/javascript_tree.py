"""What the lowering of JavaScript shares: scopes, places, and the way into an expression."""

from __future__ import annotations

from tree_sitter import Node as Tree

from headgate.scan.front.javascript_text import (
    kept,
    nothing,
)
from headgate.scan.front.tree import FunctionScope, Lowering
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node


class Scope(FunctionScope):
    """What is known of a function while it is lowered."""

    __slots__ = ("assigned",)

    def __init__(self) -> None:
        super().__init__()
        self.assigned: dict[str, None] = {}
        """Names that are assigned, whether declared here or further out."""


class Trees(Lowering[Scope]):
    """Lowers trees; what they are, later parts tell."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data, Scope())
        self.around: list[Scope] = []
        """The scopes of the functions around, the module's first."""
        self.required: dict[str, tuple[int, int]] = {}
        self.has_markup = False

    def field(self, tree: Tree, name: str) -> Node:
        child = tree.child_by_field_name(name)
        return nothing(tree) if child is None else self.expr(child)

    def target(self, tree: Tree, declared: bool) -> Node:
        """A target of an assignment; its names are bound when it is a declaration."""
        node = self.expr(tree)
        self.bind(node, self.scope.bound if declared else self.scope.assigned)
        return node

    def bind(self, node: Node, names: dict[str, None]) -> None:
        op = node[0]
        if op == ir.NAME:
            names[node[3]] = None
        elif op == ir.SEQ:
            for item in node[4]:
                self.bind(item, names)
        elif op == ir.MAP:
            for _, value in node[3]:
                self.bind(value, names)
        elif op in (ir.STAR, ir.DEFAULT):
            self.bind(node[3], names)

    def _opaque(self, tree: Tree) -> Node:
        if tree.type == "ERROR":
            self.lost(tree)
        operands = tuple(self.expr(child) for child in kept(tree.named_children))
        return (ir.OPAQUE, tree.start_byte, tree.end_byte, operands)

    def _inner(self, tree: Tree) -> Node:
        return next((self.expr(child) for child in kept(tree.named_children)), nothing(tree))

    _first = _inner

    def _inner_last(self, tree: Tree) -> Node:
        children = list(kept(tree.named_children))
        return self.expr(children[-1]) if children else nothing(tree)
