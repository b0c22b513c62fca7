"""Values as TOML, for people to read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from headgate.zuul.tables import JobText

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH = 96
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def value(given: Any) -> str:
    """A text, number, flag, list or table of these."""
    match given:
        case bool():
            return "true" if given else "false"
        case int() | float():
            return str(given)
        case str():
            return _text(given)
        case list() | tuple():
            items = [value(one) for one in cast("list[Any]", given)]
            line = f"[{', '.join(items)}]"
            if len(line) <= _WIDTH - 20:
                return line
            return "[\n" + "".join(f"  {item},\n" for item in items) + "]"
        case Mapping():
            pairs = cast("Mapping[str, Any]", given).items()
            return "{" + ", ".join(f"{key(name)} = {value(one)}" for name, one in pairs) + "}"
        case _:
            return _quoted(str(given))


def _text(text: str) -> str:
    printable = all(c.isprintable() or c == "\n" for c in text)
    if "\n" in text and printable and "'''" not in text and not text.endswith("'"):
        return f"'''\n{text}'''"
    if '"' in text and "'" not in text and printable and "\n" not in text:
        return f"'{text}'"
    return _quoted(text)


def _quoted(text: str) -> str:
    shown = "".join(_ESCAPES.get(c) or (c if c.isprintable() else _escape(ord(c))) for c in text)
    return f'"{shown}"'


def _escape(code: int) -> str:
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def pairs(keys: Mapping[str, Any]) -> Iterable[str]:
    for name, one in keys.items():
        yield f"{key(name)} = {value(one)}"


def comment(text: str, limit: int = 300) -> str:
    """One line of comment, without what could end it."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return f"# {shown[: limit - 1]}…" if len(shown) > limit else f"# {shown}"


def job_lines(job: JobText, base: str) -> Iterable[str]:
    """The tables of one job, which extends `base`."""
    yield ""
    if job.description:
        yield comment(job.description)
    yield f"[jobs.{key(job.name)}]"
    yield f"extends = {value(base)}"
    yield from pairs(job.keys)
    for pattern, keys in job.variants:
        yield ""
        yield f"[[jobs.{key(job.name)}.variants]]"
        yield f"branches = {value([pattern])}"
        yield from pairs(keys)
