"""What a pass over a queue reads must not grow with all that has ever been in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from headgate.ledger.chain import seal
from headgate.model.ids import QueueId
from headgate.store.database import Database, Transaction

ASKED = {
    "items that wait": lambda tx: tx.items.live(QueueId(1)),
    "items that left last": lambda tx: tx.items.finished(QueueId(1), 12),
    "futures": lambda tx: tx.nodes.all_live(QueueId(1)),
    "trials": lambda tx: tx.trials.live(QueueId(1)),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_is_asked_at_every_event_is_found_by_an_index_that_leaves_history_out(
    tmp_path: Path, what: str
):
    told: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        told.append((statement, parameters))

    db = Database.open(tmp_path / "headgate.db", seal=seal)
    event.listen(Engine, "before_cursor_execute", note)
    try:
        with db.read() as tx:
            told.clear()
            ask(tx, what)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        db.close()
    (statement, parameters) = next(one for one in told if one[0].startswith("SELECT"))
    with sqlite3.connect(tmp_path / "headgate.db") as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    plan = [row[3] for row in rows]
    narrow = ("(queue_id=? AND state=?)", "ix_items_queue_finished (queue_id=?)")
    assert plan[0].endswith(narrow), plan


def ask(tx: Transaction, what: str) -> None:
    ASKED[what](tx)
