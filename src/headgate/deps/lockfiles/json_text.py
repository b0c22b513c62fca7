"""JSON files, and JSON with comments, read with every fault told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from headgate.deps.lockfiles.builder import Builder, decoded
from headgate.deps.lockfiles.interface import Parsed

_STRING_OR_EXTRA = re.compile(
    r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*(?:.*?\*/|.*\Z)|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[\]}])',
    re.DOTALL,
)


def json_object(
    data: bytes, builder: Builder, *, relaxed: bool = False
) -> tuple[str, Mapping[str, Any]] | None:
    """The text and the object in it; None, with a problem noted, when it is none.

    `relaxed` allows comments and commas before a closing bracket, as Bun writes them.
    """
    text = decoded(data, builder)
    if text is None:
        return None
    try:
        values: object = json.loads(_plain(text) if relaxed else text)
    except json.JSONDecodeError as error:
        builder.problem(f"this is not JSON ({error.msg.lower()})", error.lineno)
        return None
    except (RecursionError, ValueError):
        builder.problem("this is not JSON that can be read", 1)
        return None
    if not isinstance(values, dict):
        builder.problem("this is not a JSON object", 1)
        return None
    return text, cast("Mapping[str, Any]", values)


def _plain(text: str) -> str:
    """The text without what plain JSON does not have; lines stay where they are."""

    def kept(match: re.Match[str]) -> str:
        found = match[0]
        return found if found[0] == '"' else "\n" * found.count("\n")

    return _STRING_OR_EXTRA.sub(kept, text)


def key(name: str) -> str:
    """A key as it stands in JSON, for finding its line."""
    if name.isprintable() and '"' not in name and "\\" not in name:
        return f'"{name}"'
    return json.dumps(name, ensure_ascii=False)


Read = Callable[[Builder, str, Mapping[str, Any]], None]
"""Tells a builder what a text and the object in it say."""


def read_object(path: str, data: bytes, read: Read) -> Parsed:
    """What `read` tells of a file, or the problem that kept it from being read."""
    builder = Builder(path)
    if (found := json_object(data, builder)) is not None:
        read(builder, *found)
    return builder.done()
