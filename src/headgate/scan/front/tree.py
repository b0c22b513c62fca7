"""What every lowering of a syntax tree shares: its text, its depth, and the way into it."""

from __future__ import annotations

from collections.abc import Callable
from sys import intern
from typing import Generic, TypeVar

from tree_sitter import Node as Tree

from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

MAX_DEPTH = 180
"""Levels of nesting that are lowered; what is deeper is opaque, and counted as not understood."""


class FunctionScope:
    """What is known of a function while it is lowered."""

    __slots__ = ("bound", "flags", "mentions", "size")

    def __init__(self) -> None:
        self.bound: dict[str, None] = {}
        self.mentions: set[str] = set()
        self.flags = 0
        self.size = 0


S = TypeVar("S", bound=FunctionScope)


class Lowering(Generic[S]):
    """Lowers trees; what they are, the languages tell."""

    def __init__(self, data: bytes, scope: S) -> None:
        self.data = data
        self.scope = scope
        self.depth = 0
        self.broken: list[tuple[int, int]] = []
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

    def _opaque(self, tree: Tree) -> Node:
        raise NotImplementedError

    def lost(self, tree: Tree) -> None:
        """Count a part that was not understood."""
        if len(self.broken) < 100:
            self.broken.append((tree.start_byte, tree.end_byte))

    def text(self, tree: Tree) -> str:
        """Its text. Names come again and again, over all files: each is held once."""
        return intern(self.data[tree.start_byte : tree.end_byte].decode("utf-8", "replace"))

    def mention(self, name: str) -> None:
        self.scope.mentions.add(name)

    def optional(self, tree: Tree | None) -> Node | None:
        return None if tree is None else self.expr(tree)
