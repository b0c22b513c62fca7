"""What changes stand on and wait for, as the store keeps it."""

from __future__ import annotations

from sqlite3 import IntegrityError

import pytest
from store_world import BASE, HEAD, World

from headgate.model.change import Dependency, DependencyKind
from headgate.model.ids import ChangeNumber, Commit
from headgate.store import codec

OTHER = Commit("c" * 40)
ABROAD = "https://forge.example.org/a/b/pull/7"


def test_every_kind_of_dependency_comes_back_as_it_was(world: World) -> None:
    below = world.proposed("below").number
    number = world.change("above").number
    given = (
        Dependency(f"#{below}", below, DependencyKind.STACK, 1),
        Dependency(f"#{below}", below),
        Dependency(ABROAD, None, DependencyKind.EXTERNAL),
        Dependency(ABROAD, None, DependencyKind.EXTERNAL),
    )
    with world.db.write() as tx:
        tx.changes.add_revision(number, OTHER, BASE, "Above", world.ada.id, (), given, ())
    with world.db.read() as tx:
        revision = tx.changes.current_revision(number)
        assert revision.depends_on == given
        assert revision.needs == (below,)
        assert revision.external == (ABROAD,)
        assert revision.stands_on == given[:1]
        assert [c.number for c in tx.changes.dependents(below)] == [number]


def test_a_dependency_that_an_older_headgate_wrote_is_a_footer() -> None:
    stored = {"text": "#3", "change": 3}
    assert codec.dependency(stored) == Dependency("#3", ChangeNumber(3))


def test_a_head_finds_the_revisions_that_had_it(world: World) -> None:
    one, two = world.proposed("one"), world.proposed("two")
    elsewhere = world.change("three", branch="stable")
    with world.db.write() as tx:
        world.revise(tx, one.number, head=OTHER)
        world.revise(tx, elsewhere.number, head=HEAD)

    def heads(branch: str, *commits: Commit) -> list[tuple[int, int]]:
        with world.db.read() as tx:
            found = tx.changes.with_heads(world.project.id, branch, commits)
            return [(change.number, revision.number) for change, revision in found]

    assert heads("main", HEAD) == [(one.number, 1), (two.number, 1)]
    assert heads("main", OTHER) == [(one.number, 2)]
    assert heads("stable", HEAD, OTHER) == [(elsewhere.number, 1)]
    assert heads("main") == []
    many = [Commit(f"{n:040x}") for n in range(1200)]
    assert heads("main", *many, OTHER) == [(one.number, 2)]


def test_what_a_human_said_of_another_server_is_kept_once_per_change(world: World) -> None:
    one, two = world.proposed("one").number, world.proposed("two").number
    with world.db.write() as tx:
        said = tx.changes.satisfy(one, ABROAD, world.ada.id, "seen")
    with world.db.read() as tx:
        assert tx.changes.satisfied(one) == {ABROAD: said}
        assert tx.changes.satisfied(two) == {}
    with pytest.raises(IntegrityError), world.db.write() as tx:
        tx.changes.satisfy(one, ABROAD, world.ada.id, "again")
