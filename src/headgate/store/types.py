"""Small things that every repository needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import CursorResult

Clock = Callable[[], float]
"""Seconds since the epoch."""


def new_id(done: CursorResult[Any]) -> int:
    """The key that an insert was given."""
    key = done.inserted_primary_key
    assert key is not None
    return int(key[0])
