"""Secrets, artifacts that runs provide, and work areas to keep."""

from __future__ import annotations

import pytest
from store_world import World

from headgate.model.errors import NotFound
from headgate.model.ids import Commit, ItemId, JobRunId, Tree
from headgate.model.job import RunState
from headgate.model.queue import BranchKey, Landing, NodeState
from headgate.store.database import Database


def test_a_secret_is_replaced_listed_and_removed(db: Database) -> None:
    world = World(db)
    with db.write() as tx:
        tx.secrets.set(world.project.id, "pypi", "sealed-1", world.ada.id)
        tx.secrets.set(world.project.id, "npm", "sealed-2", world.ada.id)
        first = tx.secrets.find(world.project.id, "pypi")
        tx.secrets.set(world.project.id, "pypi", "sealed-3", world.ada.id)
        second = tx.secrets.find(world.project.id, "pypi")
    assert first is not None
    assert second is not None
    assert (second.sealed, second.set_by) == ("sealed-3", world.ada.id)
    assert first.id != second.id
    with db.write() as tx:
        assert [secret.name for secret in tx.secrets.of(world.project.id)] == ["npm", "pypi"]
        tx.secrets.remove(world.project.id, "pypi")
        assert tx.secrets.find(world.project.id, "pypi") is None
        with pytest.raises(NotFound, match="no secret 'pypi'"):
            tx.secrets.remove(world.project.id, "pypi")
        tx.secrets.set(world.project.id, "pypi", "sealed-4", world.ada.id)
        third = tx.secrets.find(world.project.id, "pypi")
    assert third is not None
    assert third.id not in (first.id, second.id), "an id that tells values apart is not used again"


def run_of(db: Database, world: World, commit: str, *names: str) -> tuple[ItemId, JobRunId]:
    """An item whose build has a passed run that provides these names."""
    change = world.change(topic=commit)
    with db.write() as tx:
        revision = world.revise(tx, change.number)
        item = tx.items.add(
            world.queue.id, change.number, revision.id, world.project.id, change.branch
        )
        head, tree = Commit(commit * 40), Tree("7" * 40)
        node = tx.nodes.add(item.id, (), Commit("b" * 40), head, tree, {}, NodeState.PASSED, "")
        build = tx.builds.add()
        tx.nodes.set_build(node.id, build)
        run = tx.builds.add_run(build, "jinja", "wheel", 1, True)
        tx.builds.set_run(run.id, RunState.PASSED)
        tx.builds.provide(run.id, names)
    return item.id, run.id


def land(db: Database, item: ItemId, commit: str, time: float) -> None:
    with db.write() as tx:
        key = BranchKey("jinja", "main")
        head, tree = Commit(commit * 40), Tree("7" * 40)
        change = tx.items.get(item).change
        before = Commit("b" * 40)
        tx.landings.add(
            Landing(item, key.project, key.branch, change, before, head, tree, tree, time)
        )


def test_artifacts_come_from_the_last_item_ahead_and_else_from_what_landed(db: Database) -> None:
    world = World(db)
    old, old_run = run_of(db, world, "1", "wheel", "docs")
    new, new_run = run_of(db, world, "2", "wheel")
    ahead, ahead_run = run_of(db, world, "3", "wheel")
    nearer, _ = run_of(db, world, "4", "docs")
    with db.read() as tx:
        assert tx.builds.providers("wheel", ["jinja"], []) == []
    land(db, old, "1", 1.0)
    land(db, new, "2", 2.0)
    with db.read() as tx:
        assert tx.builds.providers("wheel", ["jinja"], []) == [new_run]
        assert tx.builds.providers("docs", ["jinja"], []) == [old_run]
        assert tx.builds.providers("wheel", ["jinja"], [ahead, nearer]) == [ahead_run]
        assert tx.builds.providers("wheel", ["other"], [ahead]) == []
        assert tx.builds.providers("image", ["jinja"], [ahead]) == []


def test_a_wish_to_keep_an_area_is_met_once_and_expires(db: Database) -> None:
    world = World(db)
    _, run = run_of(db, world, "1")
    with db.write() as tx:
        one = tx.holds.add("jinja", "tests (3.11)", world.ada.id, expires=10.0**12)
        late = tx.holds.add("jinja", "tests", world.ada.id, expires=0.0)
        assert tx.holds.open_for("jinja", ("tests",)) is None, "it has expired"
        assert tx.holds.open_for("jinja", ("tests", "tests (3.11)")) == one
        assert tx.holds.open_for("other", ("tests (3.11)",)) is None
        assert [hold.id for hold in tx.holds.expired()] == [late.id]
        tx.holds.meet(one.id, run, "/kept/run-1")
        assert tx.holds.open_for("jinja", ("tests (3.11)",)) is None
        assert (tx.holds.get(one.id).run, tx.holds.get(one.id).place) == (run, "/kept/run-1")
        tx.holds.remove(late.id)
        assert [hold.id for hold in tx.holds.all()] == [one.id]
        with pytest.raises(NotFound, match=f"no hold {late.id}"):
            tx.holds.get(late.id)
