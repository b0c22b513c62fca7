"""The log as stored: no gaps, times in order, told to those who listen once it is safe."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_world import World, all_events, happened

from headgate.ledger.chain import START, seal, verify
from headgate.model.event import Event, NewEvent
from headgate.store.database import Database
from warm import lay_database


def change_ones_mind(db: Database) -> None:
    with db.write() as tx:
        tx.events.append(happened())
        raise LookupError("something else was wrong")


def test_an_empty_log_has_no_last_entry(db: Database) -> None:
    with db.read() as tx:
        assert tx.events.last() is None
        assert tx.events.after(0, 10) == []
        assert list(tx.events.iterate()) == []


def test_entries_are_counted_from_one_and_chained(db: Database) -> None:
    with db.write() as tx:
        first = tx.events.append(happened())
        second = tx.events.append(happened(n=2))
    assert (first.id, first.previous) == (1, START)
    assert (second.id, second.previous) == (2, first.hash)
    assert all_events(db) == [first, second]
    assert verify(all_events(db)).problem == ""


def test_what_is_rolled_back_leaves_no_gap(db: Database) -> None:
    with db.write() as tx:
        tx.events.append(happened())
    with pytest.raises(LookupError):
        change_ones_mind(db)
    with db.write() as tx:
        assert tx.events.append(happened()).id == 2
    assert verify(all_events(db)).entries == 2


def test_a_clock_set_back_does_not_turn_time_back(tmp_path: Path) -> None:
    times = iter([1000.0, 900.0, 1000.5, 0.0])
    db = Database.open(tmp_path / "db", seal=seal, clock=lambda: next(times))
    for _ in range(4):
        with db.write() as tx:
            tx.events.append(happened())
    assert [e.time for e in all_events(db)] == [10**9, 10**9, 1000500000, 1000500000]
    assert verify(all_events(db)).problem == ""
    db.close()


def test_the_log_is_read_forwards_backwards_and_filtered(db: Database) -> None:
    with db.write() as tx:
        for n in range(1, 7):
            kind = "change.created" if n % 2 else "item_x.queued"
            tx.events.append(happened(kind, f"change/{n % 3}"))
    with db.read() as tx:
        assert [e.id for e in tx.events.after(2, 3)] == [3, 4, 5]
        assert [e.id for e in tx.events.latest(2)] == [6, 5]
        assert [e.id for e in tx.events.latest(2, before=5)] == [4, 3]
        assert [e.id for e in tx.events.after(0, 9, kind_prefix="change.")] == [1, 3, 5]
        assert [e.id for e in tx.events.latest(9, kind_prefix="item_")] == [6, 4, 2]
        assert tx.events.after(0, 9, kind_prefix="itemX") == []
        assert [e.id for e in tx.events.latest(9, subject="change/1")] == [4, 1]
        assert [e.id for e in tx.events.iterate(from_id=5)] == [5, 6]


def test_the_log_is_iterated_whole_however_long(db: Database) -> None:
    with db.write() as tx:
        for n in range(4500):
            tx.events.append(happened(n=n))
    assert [e.data["n"] for e in all_events(db)] == list(range(4500))
    with db.read() as tx:
        assert verify(tx.events.iterate()).entries == 4500


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8") | st.sampled_from("\\\udcff"), max_size=5),
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
        max_size=3,
    )
)
def test_any_data_is_recorded_and_verifies(data: dict[str, int | str | bool | None]) -> None:
    with TemporaryDirectory() as directory:
        db = Database.open(lay_database(Path(directory) / "db"), seal=seal)
        with db.write() as tx:
            made = tx.events.append(NewEvent("test.happened", "ada", "change/1", data))
        assert all_events(db) == [made]
        assert verify([made]).problem == ""
        db.close()


def test_what_is_not_unicode_is_recorded_legibly(db: Database) -> None:
    with db.write() as tx:
        tx.events.append(
            NewEvent(
                "test.happened", "ada", "\udcff", {"n\udcff": ["C:\\x", "ü\udc80"], "s": "a\\b"}
            )
        )
    (event,) = all_events(db)
    assert event.subject == "\\xff"
    assert event.data == {"n\\xff": ["C:\\x", "ü\\x80"], "s": "a\\b"}
    assert verify([event]).problem == ""


def test_data_without_a_canonical_form_writes_nothing(db: Database) -> None:
    def record() -> None:
        with db.write() as tx:
            tx.events.append(happened())
            tx.events.append(happened(n=2**60))

    with pytest.raises((ValueError, TypeError)):
        record()
    assert all_events(db) == []


def test_listeners_hear_what_was_committed_and_only_that(db: Database) -> None:
    heard: list[tuple[Event, ...]] = []
    stop = db.subscribe(heard.append)
    with db.write() as tx:
        first = tx.events.append(happened())
        second = tx.events.append(happened())
        assert heard == []
    assert heard == [(first, second)]
    with pytest.raises(LookupError):
        change_ones_mind(db)
    with db.write() as tx:
        tx.projects.add("quiet", "main", "")
    with db.read() as tx:
        tx.events.last()
    assert len(heard) == 1
    stop()
    stop()
    with db.write() as tx:
        tx.events.append(happened())
    assert len(heard) == 1


def test_a_listener_may_read_and_write(db: Database) -> None:
    def answer(events: tuple[Event, ...]) -> None:
        if events[0].kind == "test.asked":
            with db.write() as tx:
                tx.events.append(happened("test.answered"))

    db.subscribe(answer)
    with db.write() as tx:
        tx.events.append(happened("test.asked"))
    assert [e.kind for e in all_events(db)] == ["test.asked", "test.answered"]


def test_a_listener_that_fails_harms_neither_the_writer_nor_its_siblings(
    db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: tuple[Event, ...]) -> None:
        raise RuntimeError("the page is gone")

    heard: list[tuple[Event, ...]] = []
    db.subscribe(fail)
    db.subscribe(heard.append)
    with db.write() as tx:
        tx.events.append(happened())
    assert len(heard) == 1
    assert "the page is gone" in "".join(capsys.readouterr())


def test_a_write_within_a_write_is_refused_at_once(db: Database) -> None:
    """It would wait for itself for ever."""
    with pytest.raises(RuntimeError, match="within"), db.write(), db.write():
        pass
    with db.write() as tx:
        tx.events.append(happened())


def test_nothing_can_be_written_through_a_read(db: Database) -> None:
    with db.read() as tx, pytest.raises(Exception, match="readonly"):
        tx.projects.add("jinja", "main", "")
    with db.write() as tx:
        tx.projects.add("jinja", "main", "")


def test_a_reader_sees_one_moment(world: World) -> None:
    with world.db.read() as before:
        assert len(before.projects.all()) == 1
        with world.db.write() as tx:
            tx.projects.add("markupsafe", "main", "")
        assert len(before.projects.all()) == 1
    with world.db.read() as after:
        assert len(after.projects.all()) == 2


def test_threads_write_without_gaps_while_others_read(db: Database) -> None:
    problems: list[BaseException] = []

    def write() -> None:
        try:
            for _ in range(25):
                with db.write() as tx:
                    tx.events.append(happened())
        except BaseException as error:
            problems.append(error)

    def read() -> None:
        try:
            for _ in range(25):
                with db.read() as tx:
                    found = verify(tx.events.iterate())
                    assert found.problem == ""
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=t) for t in (write, write, write, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert verify(all_events(db)).entries == 75


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE events SET actor = 'eve' WHERE id = 3",
        "UPDATE events SET data = '{\"n\":9}' WHERE id = 3",
        "UPDATE events SET time = '1' WHERE id = 3",
        "DELETE FROM events WHERE id = 3",
        "UPDATE events SET id = CASE id WHEN 3 THEN -4 ELSE -3 END WHERE id IN (3, 4);"
        "UPDATE events SET id = -id WHERE id < 0",
    ],
)
def test_a_forgery_in_the_file_is_found(db: Database, tmp_path: Path, forgery: str) -> None:
    with db.write() as tx:
        for n in range(5):
            tx.events.append(happened(n=n))
    with sqlite3.connect(tmp_path / "headgate.db") as forger:
        forger.executescript(forgery)
    forger.close()
    with db.read() as tx:
        found = verify(tx.events.iterate())
    assert "3" in found.problem
    assert found.entries == 2
