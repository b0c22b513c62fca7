"""Moments as package indexes write them."""

from __future__ import annotations

from datetime import UTC, datetime


def seconds_of(value: object) -> float | None:
    """An ISO 8601 time in seconds since the epoch; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
