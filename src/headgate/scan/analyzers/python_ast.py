"""Python files as syntax trees."""

from __future__ import annotations

import ast
import functools
import warnings

from headgate.scan.text import decode


@functools.lru_cache(maxsize=8)
def parse(data: bytes) -> ast.Module | None:
    """The syntax tree; None when this Python cannot read the file, be it broken or too new."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(decode(data))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def idle_texts(text: str) -> list[tuple[int, int]]:
    """Where in a file of Python there are texts that are statements by themselves, docstrings
    above all: first and last offset of each, in characters. Nothing where it cannot be read."""
    if "\r" in text.replace("\r\n", "") or "\f" in text:
        return []  # Counted as lines by Python, and by nobody else.
    tree = parse(text.encode("utf-8", "surrogatepass"))
    if tree is None:
        return []
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + len(
            lines[line - 1].encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore")
        )

    return [
        (offset(one.lineno, one.col_offset), offset(one.end_lineno, one.end_col_offset))
        for one in (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
        if one.end_lineno is not None and one.end_col_offset is not None
    ]
