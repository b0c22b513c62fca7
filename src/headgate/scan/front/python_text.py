"""Python's numbers and texts, lowered."""

from __future__ import annotations

import ast
import re
from sys import intern
from typing import Any

from tree_sitter import Node as Tree

from headgate.scan.front.python_tree import Trees
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.formats import asks_for_a_number
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

_SHORT = 40
"""Characters of a constant text that counts as a mention."""


class Texts(Trees):
    """Lowers literals."""

    def _number(self, tree: Tree) -> Node:
        text = self.text(tree)
        value: Any
        try:
            value = int(text) if text.isdigit() and len(text) < 20 else ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = 0
        if isinstance(value, complex) or (isinstance(value, int) and value.bit_length() > 256):
            value = float(0)
        return (ir.CONST, tree.start_byte, tree.end_byte, value)

    def _true(self, tree: Tree) -> Node:
        return (ir.CONST, tree.start_byte, tree.end_byte, True)

    def _false(self, tree: Tree) -> Node:
        return (ir.CONST, tree.start_byte, tree.end_byte, False)

    def _none(self, tree: Tree) -> Node:
        return (ir.CONST, tree.start_byte, tree.end_byte, None)

    def _string(self, tree: Tree) -> Node:
        start, end = tree.start_byte, tree.end_byte
        children = tree.children
        opening = children[0]
        prefix = self.data[start : opening.end_byte].decode("ascii", "replace").lower()
        if "f" in prefix or "t" in prefix:
            return self._format_string(tree, children, prefix)
        close = children[-1].start_byte if children[-1].type == "string_end" else end
        raw = self.data[opening.end_byte : close]
        text = raw.decode("utf-8", "replace")
        value: str | bytes = text
        if b"\\" in raw and "r" not in prefix:
            value = _unescaped(text, bytes_="b" in prefix)
        elif "b" in prefix:
            value = raw
        elif len(text) <= _SHORT:
            value = intern(text)
            self.scope.mentions.add(value)
        return (ir.CONST, start, end, value)

    def _format_string(self, tree: Tree, children: list[Tree], prefix: str) -> Node:
        parts: list[Node] = []
        at = children[0].end_byte

        def constant(end: int) -> None:
            if end > at:
                text = self.data[at:end].decode("utf-8", "replace")
                if "\\" in text and "r" not in prefix:
                    text = str(_unescaped(text, bytes_=False))
                text = text.replace("{{", "{").replace("}}", "}")
                parts.append((ir.CONST, at, end, text))

        for child in children[1:]:
            if child.type == "interpolation":
                constant(child.start_byte)
                self._interpolation(child, parts)
                at = child.end_byte
        last = children[-1]
        constant(last.start_byte if last.type == "string_end" else tree.end_byte)
        return (ir.BUILD, tree.start_byte, tree.end_byte, tuple(parts))

    def _interpolation(self, tree: Tree, parts: list[Node]) -> None:
        first = True
        for child in tree.named_children:
            if child.type == "format_specifier":
                if parts and asks_for_a_number(self.text(child)[1:]):
                    start, end = tree.start_byte, tree.end_byte
                    name = (ir.NAME, start, start, "int")
                    parts[-1] = (ir.CALL, start, end, name, (parts[-1],), (), False)
                for inner in child.named_children:
                    if inner.type in ("interpolation", "format_expression"):
                        self._interpolation(inner, parts)
            elif first and child.type not in ("type_conversion", "comment"):
                parts.append(self.expr(child))
                first = False
            elif child.type == "type_conversion" and self.text(child) == "!r" and parts:
                start, end = tree.start_byte, tree.end_byte
                name = (ir.NAME, start, start, "repr")
                parts[-1] = (ir.CALL, start, end, name, (parts[-1],), (), False)

    def _concatenated(self, tree: Tree) -> Node:
        pieces = [self.expr(child) for child in tree.named_children if child.type != "comment"]
        start, end = tree.start_byte, tree.end_byte
        values = [piece[3] for piece in pieces if piece[0] == ir.CONST]
        if len(values) == len(pieces) and values:
            if all(isinstance(value, str) for value in values):
                return (ir.CONST, start, end, "".join(values))
            if all(isinstance(value, bytes) for value in values):
                return (ir.CONST, start, end, b"".join(values))
        parts: list[Node] = []
        for piece in pieces:
            parts.extend(piece[3] if piece[0] == ir.BUILD else (piece,))
        return (ir.BUILD, start, end, tuple(parts))


_ESCAPE = late(
    r"\\(\r\n|[\n\\'\"abfnrtv]|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\})"
)
_PLAIN = {
    "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r",
    "t": "\t", "v": "\v", "\n": "", "\r\n": "",
}  # fmt: skip


def _unescaped(text: str, *, bytes_: bool) -> str | bytes:
    """The value of a literal with escapes; those that are none stand for themselves."""

    def one(match: re.Match[str]) -> str:
        code = match[1]
        if code in _PLAIN:
            return _PLAIN[code]
        if code[0] == "N":
            # Which character it is does not matter, only that it is one.
            return "\N{REPLACEMENT CHARACTER}"
        number = int(code, 8) if code[0].isdigit() else int(code[1:], 16)
        return chr(number) if number < 0x110000 else "\N{REPLACEMENT CHARACTER}"

    value = _ESCAPE.sub(one, text)
    return value.encode("latin-1", "replace") if bytes_ else value
