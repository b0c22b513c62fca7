"""What commands print: one JSON object, or words and plain tables."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from headgate.cli.main import Run

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """The option `--json`, which every command has; errors become objects with it, too."""

    def note(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        if value:
            ctx.ensure_object(Run).json = True

    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=note,
        help="Print one JSON object; words go to standard error.",
    )(command)


def current() -> Run:
    """The options of the running call."""
    return click.get_current_context().ensure_object(Run)


def emit(obj: Mapping[str, Any], *lines: str) -> None:
    """Print a result: the object with `--json`, else the lines."""
    say(*lines)
    if current().json:
        print(json.dumps(obj, ensure_ascii=False, indent=2))


def say(*lines: str) -> None:
    """Print words, on standard error when standard output holds an object."""
    file = sys.stderr if current().json else sys.stdout
    for line in lines:
        print(line, file=file)


def printable(text: object) -> str:
    """Text from elsewhere on one line, without what could command the terminal."""
    return "".join(
        " " if c in "\n\t" else c
        for c in str(text)
        if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )


def width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a table without any drawing, good for eyes and for `awk`."""
    cells = [[printable(cell) or "-" for cell in row] for row in rows]
    columns = [max(width(c) for c in column) for column in zip(head, *cells, strict=True)]

    def line(row: Sequence[str]) -> str:
        padded = (c + " " * (w - width(c)) for c, w in zip(row, columns, strict=True))
        return "  ".join(padded).rstrip()

    return [line(head), *(line(row) for row in cells)]


def moment(seconds: float | None) -> str:
    """A time as `2026-03-01 14:05`, local; empty for none."""
    if seconds is None:
        return ""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def duration(seconds: float | None) -> str:
    """So long as people say it: `0.4 s`, `12 s`, `3 min`, `2 h 5 min`, `4 d`."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    if hours < 48:
        return f"{hours} h {minutes % 60} min"
    return f"{hours // 24} d"
