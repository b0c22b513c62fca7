"""tree-sitter trees of shell and HCL, with places in characters."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import tree_sitter_bash
import tree_sitter_hcl
from tree_sitter import Language, Node, Parser, Tree


@functools.cache
def _parser(language: str) -> Parser:
    grammar = tree_sitter_bash if language == "bash" else tree_sitter_hcl
    return Parser(Language(grammar.language()))


def parse(language: str, text: str) -> Tree:
    """The tree of `bash` or `hcl` text; what does not parse is in ERROR nodes."""
    return _parser(language).parse(text.encode("utf-8", "replace"))


def below(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text, without recursion."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += reversed(one.children)


def text_of(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def start_of(node: Node, lines: list[str]) -> tuple[int, int]:
    """Row and column in characters, both from 0."""
    return _in_characters(*node.start_point, lines)


def end_of(node: Node, lines: list[str]) -> tuple[int, int]:
    return _in_characters(*node.end_point, lines)


def _in_characters(row: int, column: int, lines: list[str]) -> tuple[int, int]:
    line = lines[row] if row < len(lines) else ""
    if line.isascii():
        return row, column
    return row, len(line.encode("utf-8", "replace")[:column].decode("utf-8", "replace"))
