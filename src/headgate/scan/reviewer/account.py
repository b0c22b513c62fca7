"""What a day's reviews used; and the account of this machine's own, a file that is appended to."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from headgate.model.errors import CouldNotRun
from headgate.scan.reviewer.interface import Received, Sending, Spent
from headgate.scan.text import printable

DAY = 86_400
"""Seconds; a day begins at midnight UTC."""


def day_of(now: float) -> float:
    """When the day began."""
    return now - now % DAY


def within(spent: Spent, sending: Sending, most: Spent) -> bool:
    """Whether what is about to be sent still fits into the day."""
    tokens = spent.tokens + sending.reserved <= most.tokens
    return tokens and (not most.micros or spent.micros + sending.reserved_micros <= most.micros)


def summed(entries: Iterable[tuple[int, int, int]]) -> Spent:
    """Of (number, tokens, micros), what the last entry of each number says."""
    last = {number: (tokens, micros) for number, tokens, micros in entries}
    return Spent(sum(t for t, _ in last.values()), sum(m for _, m in last.values()))


def sent_entry(sending: Sending) -> dict[str, Any]:
    """What is written down of a sending: what, where to, and what is set aside."""
    return {
        "project": sending.project,
        "endpoint": sending.endpoint,
        "model": sending.model,
        "files": [
            {"path": printable(one.path), "sha256": one.digest, "lines": one.lines}
            for one in sending.sources
        ],
        "sha256": sending.digest,
        "bytes": sending.size,
        "tokens": sending.reserved,
        "cost_micros": sending.reserved_micros,
    }


def answered_entry(received: Received) -> dict[str, Any]:
    """What is written down of what became of it."""
    return {
        "outcome": received.outcome,
        "reason": received.reason,
        "tokens_sent": received.usage.sent,
        "tokens_received": received.usage.received,
        "tokens": received.usage.total,
        "cost_micros": received.micros,
        "findings": received.findings,
        "discarded": received.discarded,
    }


class LocalAccount:
    """Reviews that were asked for on this machine, one JSON object a line.

    Several processes may use it at once; each holds its lock while it reads and appends.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock

    def begin(self, sending: Sending, most: Spent) -> tuple[int, Spent]:
        """See `Account`. Raises CouldNotRun when it cannot be written down."""
        with self._open() as file:
            entries = list(self._read(file))
            before = self._today(entries)
            if not within(before, sending, most):
                return 0, before
            number = max((int(one["number"]) for one in entries), default=0) + 1
            self._append(file, "sent", number, sent_entry(sending))
        return number, before

    def end(self, number: int, received: Received) -> Spent:
        """See `Account`."""
        with self._open() as file:
            self._append(file, "answered", number, answered_entry(received))
            return self._today(self._read(file))

    def spent(self) -> Spent:
        """Since midnight UTC."""
        if not self._path.exists():
            return Spent()
        with self._open() as file:
            return self._today(self._read(file))

    @contextmanager
    def _open(self) -> Generator[BinaryIO]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise self._unusable((error.strerror or "it cannot be opened").lower()) from None
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _read(self, file: BinaryIO) -> Iterator[Mapping[str, Any]]:
        file.seek(0)
        for count, line in enumerate(file, 1):
            try:
                entry = json.loads(line)
                time_, number = float(entry["time"]), int(entry["number"])
                tokens, micros = int(entry["tokens"]), int(entry["cost_micros"])
            except (ValueError, KeyError, TypeError, RecursionError):
                # What was spent is not known, and unknown is not nothing.
                raise self._unusable(f"line {count} is none of its entries") from None
            yield cast("dict[str, Any]", entry) | {
                "time": time_, "number": number, "tokens": tokens, "cost_micros": micros
            }  # fmt: skip

    def _today(self, entries: Iterable[Mapping[str, Any]]) -> Spent:
        since = day_of(self._clock())
        return summed(
            (one["number"], one["tokens"], one["cost_micros"])
            for one in entries
            if one["time"] >= since
        )

    def _append(self, file: BinaryIO, kind: str, number: int, entry: Mapping[str, Any]) -> None:
        line = json.dumps({"kind": kind, "number": number, "time": self._clock()} | dict(entry))
        try:
            file.seek(0, os.SEEK_END)
            file.write(line.encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise self._unusable((error.strerror or "it cannot be written").lower()) from None

    def _unusable(self, why: str) -> CouldNotRun:
        return CouldNotRun(
            f"{printable(str(self._path))}, where reviews are written down, cannot be used: {why}.",
            "Mend it, or move it away; nothing is sent that is not written down.",
        )


def local_account_path(environ: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/headgate/reviews.jsonl`, by default below `~/.local/state`."""
    state = environ.get("XDG_STATE_HOME")
    folder = Path(state) if state else Path.home() / ".local/state"
    return folder / "headgate" / "reviews.jsonl"
