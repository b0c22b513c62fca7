"""kill -9 of a writing process at any moment: nothing committed is lost, nothing is half done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from headgate.ledger.chain import seal, verify
from headgate.model.change import Change
from headgate.model.ids import ChangeNumber
from headgate.store.database import Database

WRITER = Path(__file__).with_name("store_writer.py")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(WRITER.parent)}


class Writer:
    """The process, and what it said was committed."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, WRITER, path], stdout=subprocess.PIPE, env=ENVIRONMENT
        )
        self.said: list[str] = []
        self.ready = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line == b"ready\n":
                self.ready.set()
            elif line.endswith(b"\n"):
                self.said.append(line.decode().strip())

    def kill(self) -> list[ChangeNumber]:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._thread.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return [ChangeNumber(int(line)) for line in self.said]


def check(db: Database, committed: list[ChangeNumber]) -> int:
    """Everything told is there; every change there is whole. How many changes there are."""
    with db.read() as tx:
        found = verify(tx.events.iterate())
        assert found.problem == ""
        changes: list[Change] = tx.changes.select(limit=10**6)
        assert {c.number for c in changes} >= set(committed)
        assert found.entries == 2 * len(changes)
        for change in changes:
            assert change.revision == 1
            assert tx.changes.current_revision(change.number).number == 1
            assert tx.items.live_of(change.number) is not None
    return len(changes)


@pytest.mark.long
def test_a_writer_killed_at_random_moments_loses_nothing_committed(tmp_path: Path) -> None:
    path = tmp_path / "headgate.db"
    chance = random.Random(20)
    committed: list[ChangeNumber] = []
    for _ in range(10):
        writer = Writer(path)
        assert writer.ready.wait(60)
        time.sleep(chance.uniform(0.0, 0.25))
        committed += writer.kill()
        db = Database.open(path, seal=seal)
        there = check(db, committed)
        db.close()
        # At most the one transaction is there that was committed and not yet told, each time.
        assert there <= len(committed) + 10
    assert committed


@pytest.mark.parametrize("seconds", [0.0, 0.005, 0.02, 0.05, 0.15])
def test_a_server_killed_while_it_makes_its_database_can_start_again(
    tmp_path: Path, seconds: float
) -> None:
    path = tmp_path / "headgate.db"
    writer = Writer(path)
    while not path.exists():
        time.sleep(0.001)
    time.sleep(seconds)
    writer.kill()
    again = Writer(path)
    assert again.ready.wait(60)
    committed = again.kill()
    db = Database.open(path, seal=seal)
    check(db, committed)
    db.close()
