"""What the lowering of JavaScript shares: scopes, places, and the way into an expression."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node as Tree

from headgate.scan.front.javascript_text import (
    kept,
    nothing,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

MAX_DEPTH = 180
"""Levels of nesting that are lowered; what is deeper is opaque, and counted as not understood."""


class Scope:
    """What is known of a function while it is lowered."""

    __slots__ = ("assigned", "bound", "flags", "mentions", "size")

    def __init__(self) -> None:
        self.bound: dict[str, None] = {}
        self.assigned: dict[str, None] = {}
        """Names that are assigned, whether declared here or further out."""
        self.mentions: set[str] = set()
        self.flags = 0
        self.size = 0


class Trees:
    """Lowers trees; what they are, later parts tell."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.scope = Scope()
        self.around: list[Scope] = []
        """The scopes of the functions around, the module's first."""
        self.depth = 0
        self.broken: list[tuple[int, int]] = []
        self.required: dict[str, tuple[int, int]] = {}

        self.has_markup = False
        self._lowerings: dict[str, Callable[[Tree], Node]] = {}

    def expr(self, tree: Tree) -> Node:
        """The expression of a tree; OPAQUE for what is no expression."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.depth -= 1
            self.lost(tree)
            return (ir.OPAQUE, tree.start_byte, tree.end_byte, ())
        node = self._lowerings.get(tree.type, self._opaque)(tree)
        self.depth -= 1
        return node

    def lost(self, tree: Tree) -> None:
        """Count a part that was not understood."""
        if len(self.broken) < 100:
            self.broken.append((tree.start_byte, tree.end_byte))

    def text(self, tree: Tree) -> str:
        return self.data[tree.start_byte : tree.end_byte].decode("utf-8", "replace")

    def mention(self, name: str) -> None:
        self.scope.mentions.add(name)

    def optional(self, tree: Tree | None) -> Node | None:
        return None if tree is None else self.expr(tree)

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
