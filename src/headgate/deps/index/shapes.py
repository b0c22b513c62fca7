"""JSON from elsewhere: of what shape it is, is only known once it was looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

Json = Mapping[str, Any]
_NOTHING: Json = {}


def parsed(text: str) -> Json | None:
    """The object that a text holds; None when it holds something else."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("Json", value) if isinstance(value, dict) else None


def table(value: object) -> Json:
    """The object that a value is; an empty one when it is something else."""
    return cast("Json", value) if isinstance(value, dict) else _NOTHING


def tables(value: object) -> list[Json]:
    """The objects in a list; none when it is no list."""
    return [cast("Json", one) for one in items(value) if isinstance(one, dict)]


def items(value: object) -> list[object]:
    """What is in a list; nothing when it is no list."""
    return cast("list[object]", value) if isinstance(value, list) else []
