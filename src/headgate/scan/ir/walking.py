"""Going through nodes, whatever they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeGuard, cast

from headgate.scan.ir.nodes import Node


def walk(node: Any) -> Iterator[Node]:
    """Every node in a node or a tuple of them, functions and classes within included."""
    stack: list[Any] = [node]
    while stack:
        one: Any = stack.pop()
        if type(one) is not tuple:
            continue
        if is_node(one):
            yield one
            stack.extend(reversed(one[3:]))
        else:
            stack.extend(reversed(cast("tuple[Any, ...]", one)))


def is_node(one: Any) -> TypeGuard[Node]:
    """Whether something in a tree is a node: an operation and two offsets come first."""
    if type(one) is not tuple:
        return False
    node = cast("tuple[Any, ...]", one)
    return len(node) > 2 and type(node[0]) is int and type(node[1]) is int and type(node[2]) is int
