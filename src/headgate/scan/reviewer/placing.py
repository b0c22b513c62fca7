"""Gives findings of the reviewer their places in the files: columns, excerpts and identities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from headgate.model.finding import Finding, Span
from headgate.scan.engine import Request
from headgate.scan.text import Text, decode


def placing(found: Sequence[Finding], request: Request) -> Request:
    """What the engine is given to place findings; `request`: the change that they are about."""
    named = {one.span.path for one in found}
    everything = (*request.head, *request.context)
    files = tuple(file for file in everything if file.path in named)
    texts = {file.path: Text(decode(file.data)) for file in files}
    return Request(files, foreign=tuple(_pointed(one, texts) for one in found))


def _pointed(one: Finding, texts: dict[str, Text]) -> Finding:
    """With the columns of its lines, which a model is not asked for."""
    text = texts.get(one.span.path)
    if text is None:
        return one
    span = one.span
    first, last = text.line(span.line), text.line(max(span.end_line, span.line))
    column = len(first) - len(first.lstrip()) + 1
    end_line = max(span.end_line, span.line)
    whole = Span(span.path, span.line, column, end_line, len(last.rstrip()) + 1)
    return replace(one, span=whole)
