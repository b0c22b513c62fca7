"""What a write costs: transactions with an event, against bare sqlite3 doing the same work.

`python -m bench.store_write` prints, for this machine and this run:
- transactions per second of bare sqlite3 (one UPDATE, one chained INSERT, COMMIT; synchronous=FULL)
- the same through the store, and their ratio
- the same in memory (a tmpfs, where syncing is free): what a transaction costs besides the disk
- a read of one row in a transaction of its own
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from headgate.ledger.chain import seal
from headgate.model.event import NewEvent
from headgate.model.queue import QueueState
from headgate.store.database import Database

ROUNDS = 7
WRITES = 300
AIM = 0.001
"""Seconds that a write may cost besides the disk."""


def bare(path: Path) -> Callable[[int], None]:
    """The same rows by hand, without checks or types."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE queues (id INTEGER PRIMARY KEY, state TEXT, reason TEXT)")
    db.execute("INSERT INTO queues VALUES (1, 'active', '')")
    db.execute(
        "CREATE TABLE events (id INTEGER PRIMARY KEY, time TEXT, kind TEXT, actor TEXT,"
        " subject TEXT, data TEXT, previous TEXT, hash TEXT)"
    )
    db.execute("CREATE INDEX kind ON events (kind)")
    db.execute("CREATE INDEX subject ON events (subject)")

    def write(n: int) -> None:
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE queues SET state = 'frozen', reason = ? WHERE id = 1", (f"r{n}",))
        last = db.execute("SELECT id, hash FROM events ORDER BY id DESC LIMIT 1").fetchone()
        id, previous = (last[0] + 1, last[1]) if last else (1, "0" * 64)
        data = json.dumps({"reason": f"r{n}"})
        now = str(int(time.time() * 1e6))
        entry = json.dumps([id, now, "queue.frozen", "ada", "queue/main", data, previous])
        digest = hashlib.sha256(entry.encode()).hexdigest()
        db.execute(
            "INSERT INTO events VALUES (?, ?, 'queue.frozen', 'ada', 'queue/main', ?, ?, ?)",
            (id, now, data, previous, digest),
        )
        db.execute("COMMIT")

    return write


def ours(db: Database) -> Callable[[int], None]:
    """One state change and its event, as the server does it."""
    with db.write() as tx:
        queue = tx.queues.ensure("main", 4).id

    def write(n: int) -> None:
        with db.write() as tx:
            tx.queues.set_state(queue, QueueState.FROZEN, f"r{n}")
            tx.events.append(
                NewEvent("queue.frozen", "ada", "queue/main", {"reason": f"r{n}"}),
            )

    return write


def reads(db: Database) -> Callable[[int], None]:
    """One row in a transaction of its own."""

    def read(_: int) -> None:
        with db.read() as tx:
            tx.queues.by_name("main")

    return read


def seconds(act: Callable[[int], None]) -> float:
    """Per call, the median of some."""
    spent: list[float] = []
    for n in range(WRITES):
        began = time.perf_counter()
        act(n)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def measure(folder: Path) -> tuple[float, float, float]:
    """Seconds of a bare write, of ours, and of a read; rounds alternate, so that whatever else
    the machine does falls on all."""
    db = Database.open(folder / "headgate.db", seal=seal)
    acts = (bare(folder / "bare.db"), ours(db), reads(db))
    for act in acts:
        seconds(act)
    rounds = [[seconds(act) for act in acts] for _ in range(ROUNDS)]
    db.close()
    plain, store, read = (statistics.median(column) for column in zip(*rounds, strict=True))
    return plain, store, read


def figures(folder: Path) -> dict[str, float]:
    """Of one kind of place."""
    plain, store, read = measure(folder)
    return {
        "bare_per_second": round(1 / plain),
        "store_per_second": round(1 / store),
        "ratio": round(plain / store, 3),
        "bare_ms": round(plain * 1000, 3),
        "store_ms": round(store * 1000, 3),
        "read_ms": round(read * 1000, 3),
    }


def main() -> None:
    """Print the figures of both kinds of place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        found["disk"] = figures(Path(folder))
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK):
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            beside = figures(Path(folder))
        found["besides_the_disk"] = beside
        found["aim_ms"] = AIM * 1000
        found["met"] = beside["store_ms"] <= AIM * 1000
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<17} {value}")
    if "met" not in found:
        print("besides the disk: not measured, there is no writable /dev/shm")


if __name__ == "__main__":
    main()
