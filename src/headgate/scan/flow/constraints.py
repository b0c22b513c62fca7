"""What the declaration of a parameter or a field demands of the text that comes in."""

from __future__ import annotations

from collections.abc import Iterable

from headgate.scan.flow.patterns import checked
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

NO_TEXT = ("nosql-injection",)
"""Kinds that no text causes, whatever it says: a filter's operators are not texts."""
_PATTERNS = ("pattern", "regex")
_EXACT = frozenset(
    {
        "IsIn", "IsEnum", "IsInt", "IsNumber", "IsBoolean", "IsUUID", "IsMongoId", "IsDate",
        "IsDateString", "IsISO8601", "IsAlphanumeric", "IsAlpha", "IsNumberString", "IsPositive",
        "IsHexadecimal", "IsPort",
    }
)  # fmt: skip
"""Decorators of https://github.com/typestack/class-validator after which a text can do no harm."""


def demanded(*nodes: Node | None) -> tuple[str, ...]:
    """Kinds that a text cannot cause which fits the pattern in `Query(pattern=…)`,
    `Field(pattern=…)` or `Annotated[str, StringConstraints(pattern=…)]`."""
    for call in _calls(nodes):
        name = call[3][4] if call[3][0] == ir.ATTR else call[3][3]
        if name in _EXACT:
            return ("all",)
        if name == "Matches" and call[4] and call[4][0][0] == ir.REGEX:
            return checked(call[4][0][3], whole=False, begins=False)
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
