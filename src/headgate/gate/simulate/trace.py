"""Reads a trace: a CSV of changes that arrived somewhere."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path

from headgate.gate.simulate.world import Arrival, World
from headgate.model.errors import BadInput

COLUMNS = ("arrival_s", "duration_s", "targets", "outcome")
_PASSED = frozenset({"pass", "passed", "ok", "success", "succeeded", "true", "1", "landed"})
_FAILED = frozenset({"fail", "failed", "error", "failure", "false", "0", "ejected"})
_LONGEST = 10 * 365 * 86400.0


def read_trace(path: Path) -> World:
    """The world of a CSV with the columns of COLUMNS in its first line, in any order.

    Targets are words separated by spaces, `;` or `|`; a change without any can affect every other.
    Raises BadInput naming file, line and column.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}.", "Name a CSV file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}.", "Give a CSV file in UTF-8.") from None
    rows = csv.DictReader(text.splitlines())
    found = [name.strip() for name in rows.fieldnames or ()]
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise BadInput(
            f"{path}:1: the column {missing[0]} is missing.",
            f"Begin the file with the line {','.join(COLUMNS)}",
        )
    rows.fieldnames = found
    try:
        return _world(path, rows)
    except csv.Error as error:
        raise BadInput(f"{path}:{rows.line_num}: {error}.", "Mend the line.") from None


def _world(path: Path, rows: csv.DictReader[str]) -> World:
    names: dict[str, int] = {}
    made: list[tuple[float, float, frozenset[int] | None, bool]] = []
    for row in rows:
        where = f"{path}:{rows.line_num}"
        time = _number(row, "arrival_s", where, 0.0)
        duration = _number(row, "duration_s", where, 0.001)
        words = [w for w in re.split(r"[\s;|]+", row["targets"] or "") if w]
        targets = frozenset(names.setdefault(word, len(names) + 1) for word in words)
        made.append((time, duration, targets or None, _outcome(row, where)))
    if not made:
        raise BadInput(f"{path} has no change in it.", "Put one on each line after the first.")
    everything = frozenset({0, *names.values()})
    made.sort(key=lambda row: row[0])
    arrivals = (
        Arrival(number, time, duration, duration, targets or everything, sound, True)
        for number, (time, duration, targets, sound) in enumerate(made, 1)
    )
    return World(tuple(arrivals), frozenset(), {"trace": path.name})


def _number(row: dict[str, str], column: str, where: str, least: float) -> float:
    text = (row[column] or "").strip()
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= _LONGEST:
        raise BadInput(
            f"{where}: {column} is `{text}`, which is no number of seconds from {least:g} up.",
            "Give seconds, such as 90 or 12.5.",
        )
    return value


def _outcome(row: dict[str, str], where: str) -> bool:
    text = (row["outcome"] or "").strip().lower()
    if text not in _PASSED and text not in _FAILED:
        raise BadInput(f"{where}: the outcome is `{text}`.", "Write passed or failed.")
    return text in _PASSED


def lines(world: World) -> Iterable[str]:
    """The trace of a world, as CSV."""
    yield ",".join(COLUMNS)
    for one in world.arrivals:
        targets = " ".join(f"t{t}" for t in sorted(one.targets))
        outcome = "passed" if one.sound else "failed"
        yield f"{one.time:.3f},{one.duration:.3f},{targets},{outcome}"
