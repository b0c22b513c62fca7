"""Literals and names of JavaScript, as the front end reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tree_sitter import Node as Tree

from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late


def kept(trees: Iterable[Tree]) -> Iterable[Tree]:
    """Without comments."""
    return (tree for tree in trees if tree.type not in ("comment", "html_comment"))


def nothing(tree: Tree) -> Node:
    """Stands for what a half-written file leaves out."""
    return (ir.OPAQUE, tree.start_byte, tree.start_byte, ())


def named(node: Node, name: str) -> Node:
    """A function that has no name gets that of what it is assigned to, as in the language."""
    if node[0] != ir.LAMBDA or node[3][3] or not name:
        return node
    function = node[3]
    return (*node[:3], (*function[:3], name, *function[4:]))


def module_name(written: str) -> str:
    """`node:fs` is `fs`."""
    return written.removeprefix("node:")


def required_name(module: str) -> str:
    """The name that a `require` within an expression is bound to; no identifier has it."""
    return f"require:{module}"


def number(text: str) -> Any:
    """The value of a literal; 0 for what is too large to matter."""
    text = text.replace("_", "").rstrip("n")
    try:
        if text[:2].lower() in ("0x", "0o", "0b"):
            value: int | float = int(text, 0)
        elif text.isdigit():
            value = int(text)
        else:
            value = float(text)
    except ValueError:
        return 0
    return 0 if isinstance(value, int) and value.bit_length() > 256 else value


_ESCAPE = late(r"\\(\r\n|u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|.)", re.DOTALL)
_PLAIN = {
    "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0", "\n": "",
    "\r\n": "",
}  # fmt: skip


def unescaped(text: str) -> str:
    """The value of a literal with escapes."""

    def one(match: re.Match[str]) -> str:
        digits = match[2] or match[3] or match[4]
        if digits:
            code = int(digits, 16)
            return chr(code) if code < 0x110000 else "\N{REPLACEMENT CHARACTER}"
        return _PLAIN.get(match[1], match[1])

    return _ESCAPE.sub(one, text) if "\\" in text else text
