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
