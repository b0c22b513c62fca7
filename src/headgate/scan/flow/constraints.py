"""What the declaration of a parameter or a field demands of the text that comes in."""

from __future__ import annotations

from collections.abc import Iterable

from headgate.scan.flow.patterns import checked
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

NO_TEXT = ("nosql-injection",)
"""Kinds that no text causes, whatever it says: a filter's operators are not texts."""
_PATTERNS = ("pattern", "regex")


def demanded(*nodes: Node | None) -> tuple[str, ...]:
    """Kinds that a text cannot cause which fits the pattern in `Query(pattern=…)`,
    `Field(pattern=…)` or `Annotated[str, StringConstraints(pattern=…)]`."""
    for call in _calls(nodes):
        for name, value in call[5]:
            if name in _PATTERNS and value[0] == ir.CONST and isinstance(value[3], str):
                return checked(value[3], whole=False, begins=False)
    return ()


def _calls(nodes: Iterable[Node | None]) -> Iterable[Node]:
    for node in nodes:
        if node is None:
            continue
        if node[0] == ir.CALL:
            yield node
        elif node[0] == ir.INDEX and node[4][0] == ir.SEQ:
            # Of `Annotated[…]` what stands after the type.
            yield from (one for one in node[4][4][1:] if one[0] == ir.CALL)
