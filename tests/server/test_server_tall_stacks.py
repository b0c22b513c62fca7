"""Whose commits are whose among recorded changes, and what it costs to find out."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from headgate.ledger.chain import seal
from headgate.model.change import Dependency, DependencyKind, Entry
from headgate.model.ids import ChangeNumber, Commit
from headgate.model.principal import PrincipalKind
from headgate.server.flow.stacks import _owners  # pyright: ignore[reportPrivateUsage]
from headgate.store.database import Database
from warm import lay_database


def head(index: int) -> Commit:
    return Commit(f"{index:040x}")


def owned(place: Path, below: Sequence[Sequence[int]], own: int) -> tuple[set[int], int]:
    """Changes that own their heads when `own` is revised, and how many queries that took.

    `below` holds for the changes 1, 2, … what they stand on.
    """
    db = Database.open(lay_database(place / "headgate.db"), seal=seal)
    with db.write() as tx:
        ada = tx.principals.add("ada", PrincipalKind.HUMAN, "Ada", "ada@example.org", None)
        project = tx.projects.add("app", "main", "")
        for _ in below:
            tx.changes.add(project.id, "main", "", ada.id, "Mend it", Entry.AUTOMATIC)
        for number, others in enumerate(below, 1):
            stack = tuple(
                Dependency(f"#{other}", ChangeNumber(other), DependencyKind.STACK, 1)
                for other in others
            )
            tx.changes.add_revision(
                ChangeNumber(number), head(number), head(0), "Mend it", ada.id, (), stack, ()
            )
    queries: list[str] = []

    def count(*arguments: object) -> None:
        queries.append(str(arguments[2]))

    with db.read() as tx:
        known = tx.changes.with_heads(project.id, "main", [head(n + 1) for n in range(len(below))])
        engine = db._engine  # pyright: ignore[reportPrivateUsage]
        event.listen(engine, "before_cursor_execute", count)
        found = _owners(tx, known, ChangeNumber(own))
        event.remove(engine, "before_cursor_execute", count)
    db.close()
    return {int(change.number) for change, _ in found.values()}, len(queries)


@st.composite
def stacks(draw: st.DrawFn) -> tuple[list[list[int]], int]:
    """What changes stand on, in circles too, as revisions can make them; and the one revised."""
    size = draw(st.integers(1, 7))
    numbers = st.integers(1, size)
    below = [draw(st.lists(numbers, max_size=2, unique=True)) for _ in range(size)]
    return below, draw(numbers)


@settings(max_examples=20, deadline=None)
@given(stacks())
def test_what_stands_on_the_revised_change_owns_nothing_of_it(
    drawn: tuple[list[list[int]], int],
) -> None:
    below, own = drawn
    over: set[int] = set()
    for _ in below:
        over |= {n for n, others in enumerate(below, 1) if own in others or over & {*others}}
    with tempfile.TemporaryDirectory() as place:
        found, queries = owned(Path(place), below, own)
    assert found == {*range(1, len(below) + 1)} - over - {own}
    assert queries <= len(below) * 4


@pytest.mark.parametrize("own", [1, 80], ids=["lowest", "topmost"])
def test_each_change_of_a_tall_stack_is_looked_up_once(tmp_path: Path, own: int) -> None:
    below = [[n] if n else [] for n in range(80)]
    found, queries = owned(tmp_path, below, own)
    assert found == ({*range(1, 80)} if own == 80 else set())
    assert 0 < queries <= 4 * 80  # Thousands when every change is followed down to the ground.
