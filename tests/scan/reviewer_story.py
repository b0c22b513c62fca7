"""Changes as the reviewer is shown them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from headgate.model.finding import Finding
from headgate.model.reviewer import ReviewerPolicy
from headgate.scan.analyzers.interface import Analyzer, SourceFile
from headgate.scan.engine import Request
from headgate.scan.reviewer.interface import (
    Line,
    Material,
    Piece,
)
from headgate.scan.reviewer.material import material
from headgate.scan.reviewer.review import scope_of

POLICY = ReviewerPolicy("http://127.0.0.1:1/v1", "scripted-1", ("*",), ("**",))

SHOWN = Material(
    (
        Piece("app.py", "changed", tuple(Line(n, "+", f"call_{n}(user)") for n in range(10, 16))),
        Piece("app.py", "changed", (Line(0, "-", "check(user)"),)),
        Piece("r\u00e9sum\u00e9.py", "changed", (Line(1, "+", "pass_on(it)"),)),
    )
)
"""What was shown of a change."""


def files(texts: Mapping[str, str | bytes]) -> tuple[SourceFile, ...]:
    return tuple(
        SourceFile(path, text if isinstance(text, bytes) else text.encode())
        for path, text in texts.items()
    )


def made(
    tools: Sequence[Analyzer],
    head: Mapping[str, str | bytes],
    base: Mapping[str, str | bytes] | None = None,
    context: Mapping[str, str | bytes] | None = None,
    policy: ReviewerPolicy = POLICY,
    *,
    tokens: int = 0,
    known: Sequence[Finding] = (),
    classes: Mapping[str, Sequence[str]] | None = None,
    **more: Any,
) -> Material:
    request = Request(files(head), files(base or {}), files(context or {}), **more)
    scope = scope_of(policy, classes or {}, known)
    return material(request, replace(scope, tokens=tokens or scope.tokens), tools)


def shown(what: Material, path: str) -> list[str]:
    """The lines of a file as `12+text`."""
    return [
        f"{line.number or ''}{line.mark}{line.text}"
        for piece in what.pieces
        if piece.path == path
        for line in piece.lines
    ]


LONG = "".join(f"line_{n} = {n}\n" for n in range(1, 200))
