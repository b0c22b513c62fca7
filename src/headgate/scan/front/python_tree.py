"""What the lowering of Python shares: scopes, places, and the way into an expression."""

from __future__ import annotations

from tree_sitter import Node as Tree

from headgate.scan.front.tree import FunctionScope, Lowering
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node


class Scope(FunctionScope):
    """What is known of a function while it is lowered."""

    __slots__ = ("outer",)

    def __init__(self) -> None:
        super().__init__()
        self.outer: set[str] = set()


class Trees(Lowering[Scope]):
    """Lowers trees; what they are, later parts tell."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data, Scope())

    def target(self, tree: Tree) -> Node:
        """A target of an assignment; its names are bound in the function."""
        node = self.expr(tree)
        self.bind(node)
        return node

    def bind(self, node: Node) -> None:
        op = node[0]
        if op == ir.NAME:
            self.scope.bound[node[3]] = None
        elif op == ir.SEQ:
            for item in node[4]:
                self.bind(item)
        elif op == ir.STAR:
            self.bind(node[3])

    def _opaque(self, tree: Tree) -> Node:
        if tree.type == "ERROR":
            self.lost(tree)
        operands = tuple(
            self.expr(child) for child in tree.named_children if child.type != "comment"
        )
        return (ir.OPAQUE, tree.start_byte, tree.end_byte, operands)
