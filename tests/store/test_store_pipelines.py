"""Runs of pipelines, marks, tags, and revisions that wait."""

from __future__ import annotations

from dataclasses import replace

import pytest
from store_world import BASE, HEAD, TREE, World

from headgate.model.errors import NotFound
from headgate.model.ids import BuildId, PipelineRunId
from headgate.model.pipeline import NewRun, RunPhase, TriggerKind
from headgate.model.queue import BranchKey


def landed(world: World, cause: str = "event/1", branch: str = "main") -> NewRun:
    return NewRun(
        "post", world.project.id, branch, TriggerKind.LANDED, cause, "ada", base=BASE, commit=HEAD
    )


def test_a_cause_makes_one_run_for_each_pipeline_and_branch(world: World) -> None:
    with world.db.write() as tx:
        first = tx.pipelines.add(landed(world))
        assert first is not None
        assert tx.pipelines.add(landed(world)) is None
        assert tx.pipelines.add(landed(world, branch="a/b:\udcff")) is not None
        assert tx.pipelines.add(replace(landed(world), pipeline="other")) is not None
        assert tx.pipelines.add(landed(world, "event/2")) is not None
    with world.db.read() as tx:
        assert tx.pipelines.get(first.id) == first
        assert tx.pipelines.names() == ["other", "post"]
        assert [r.branch for r in tx.pipelines.live()][1] == "a/b:\udcff"
        with pytest.raises(NotFound, match="no pipeline run 99"):
            tx.pipelines.get(PipelineRunId(99))


def test_a_run_from_its_cause_to_its_report(world: World) -> None:
    future = {BranchKey("jinja", "main"): HEAD, BranchKey("other", "a/b:\udcff"): BASE}
    with world.db.write() as tx:
        run = tx.pipelines.add(landed(world))
        assert run is not None
        build = tx.builds.add()
        tx.pipelines.set_future(run.id, BASE, HEAD, TREE, future)
        tx.pipelines.set_build(run.id, build)
        tx.pipelines.set_phase(run.id, RunPhase.BUILDING, "")
        tx.pipelines.set_rounds(run.id, 2)
        now = tx.pipelines.get(run.id)
        assert (now.future, now.tree, now.rounds) == (future, TREE, 2)
        assert now.started is not None
        assert tx.pipelines.of_build(build) == now
        assert tx.pipelines.of_build(BuildId(99)) is None
        assert tx.pipelines.unreported() == []
        tx.pipelines.set_phase(run.id, RunPhase.FAILED, "job tests failed")
    with world.db.write() as tx:
        (ended,) = tx.pipelines.unreported()
        assert (ended.reason, ended.finished is not None) == ("job tests failed", True)
        assert tx.pipelines.live() == []
        tx.pipelines.set_reported(run.id)
        assert tx.pipelines.unreported() == []
        assert [r.id for r in tx.pipelines.recent("post", [world.project.id], 5)] == [run.id]
        assert tx.pipelines.recent("post", [], 5) == []


def test_marks_are_kept_and_dropped(world: World) -> None:
    with world.db.write() as tx:
        assert tx.pipelines.mark("events") is None
        tx.pipelines.set_mark("events", 5.0)
        tx.pipelines.set_mark("events", 7.0)
        tx.pipelines.set_mark("cron/a/0 3 * * *", 1.5)
        assert tx.pipelines.mark("events") == 7.0
        assert tx.pipelines.marks("cron/") == {"cron/a/0 3 * * *": 1.5}
        tx.pipelines.drop_mark("cron/a/0 3 * * *")
        assert tx.pipelines.marks("cron/") == {}


def test_a_tag_is_announced_and_then_pushed_or_forgotten(world: World) -> None:
    project, ada = world.project.id, world.ada.id
    with world.db.write() as tx:
        tx.tags.announce(project, "v1", "c" * 40, HEAD, ada)
        tx.tags.announce(project, "v1", "d" * 40, HEAD, ada)
        tx.tags.announce(project, "v2\udcff", "e" * 40, HEAD, ada)
        assert [(t.name, t.object) for t in tx.tags.announced()] == [
            ("v1", "d" * 40),
            ("v2\udcff", "e" * 40),
        ]
        tx.tags.set_pushed(project, "v1")
        tx.tags.forget(project, "v2\udcff")
        tx.tags.forget(project, "v1")  # What git took is not forgotten.
        assert tx.tags.announced() == []
    with pytest.raises(Exception, match="UNIQUE"), world.db.write() as tx:
        tx.tags.announce(project, "v1", "f" * 40, HEAD, ada)


def test_the_newest_revision_is_the_one_that_waits(world: World) -> None:
    change = world.change()
    with world.db.write() as tx:
        assert tx.parked.of(change.number) is None
        for head in (BASE, HEAD):
            tx.parked.put(change.number, head, "refs/for/a\udcff", ["topic=x"], world.ada.id)
    with world.db.write() as tx:
        (parked,) = tx.parked.all()
        assert (parked.head, parked.ref, parked.options) == (HEAD, "refs/for/a\udcff", ("topic=x",))
        tx.parked.take(change.number)
        assert tx.parked.all() == []


def test_items_are_promoted_and_held(world: World) -> None:
    change = world.proposed()
    with world.db.write() as tx:
        first, second = world.queued(tx, change), world.queued(tx, change)
        tx.items.set_priority(second.id, 3)
        tx.items.set_held(first.id, True)
        assert [i.id for i in tx.items.live(world.queue.id)] == [second.id, first.id]
        assert (tx.items.get(second.id).priority, tx.items.get(first.id).held) == (3, True)
        tx.items.set_held(first.id, False)
        assert not tx.items.get(first.id).held
