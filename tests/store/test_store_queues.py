"""Queues: items in order, futures, builds and their runs, landings."""

from __future__ import annotations

import pytest
from store_world import BASE, HEAD, TREE, World

from headgate.model.change import ChangeState
from headgate.model.errors import NotFound
from headgate.model.finding import CheckResult, Confidence, Finding, Outcome, Severity, Span
from headgate.model.ids import BuildId, ChangeNumber, Commit, ItemId, JobRunId, NodeId, QueueId
from headgate.model.job import BuildState, RunState
from headgate.model.queue import BranchKey, ItemState, Landing, NodeState, QueueState
from headgate.model.verdict import (
    ApprovalBinding,
    Requirement,
    Risk,
    RiskTier,
    Verdict,
    VerdictKind,
)


def test_a_queue_is_made_once_and_keeps_its_window(world: World) -> None:
    with world.db.write() as tx:
        tx.queues.set_window(world.queue.id, 8)
        assert tx.queues.ensure("main", 4).window == 8
        tx.queues.set_state(world.queue.id, QueueState.FROZEN, "the landed tree differs")
        tx.queues.ensure("another", 2)
    with world.db.read() as tx:
        queue = tx.queues.by_name("main")
        assert (queue.state, queue.reason) == (QueueState.FROZEN, "the landed tree differs")
        assert tx.queues.get(queue.id) == queue
        assert [q.name for q in tx.queues.all()] == ["another", "main"]
        with pytest.raises(NotFound, match="nothing"):
            tx.queues.by_name("nothing")
        with pytest.raises(NotFound):
            tx.queues.get(QueueId(99))


def test_items_wait_in_order_and_leave_one_by_one(world: World) -> None:
    changes = [world.proposed(f"t{n}") for n in range(3)]
    with world.db.write() as tx:
        items = [world.queued(tx, change) for change in changes]
    with world.db.read() as tx:
        assert [i.id for i in tx.items.live(world.queue.id)] == [i.id for i in items]
        assert tx.items.live_of(changes[1].number) == items[1]
    with world.db.write() as tx:
        tx.items.set_state(items[0].id, ItemState.LANDING, "")
        assert len(tx.items.live(world.queue.id)) == 3
        tx.items.set_state(items[0].id, ItemState.LANDED, "")
        tx.items.set_state(items[1].id, ItemState.EJECTED, "jinja/tests failed")
    with world.db.read() as tx:
        assert [i.id for i in tx.items.live(world.queue.id)] == [items[2].id]
        assert tx.items.live_of(changes[1].number) is None
        latest = tx.items.latest_of(changes[1].number)
        assert latest is not None
        assert (latest.state, latest.reason) == (ItemState.EJECTED, "jinja/tests failed")
        assert latest.finished is not None
        assert [i.id for i in tx.items.finished(world.queue.id, 9)] == [items[1].id, items[0].id]
        assert len(tx.items.finished(world.queue.id, 1)) == 1
        with pytest.raises(NotFound):
            tx.items.get(ItemId(99))


def test_a_place_in_the_queue_is_never_given_twice(world: World) -> None:
    change = world.proposed()
    positions: list[int] = []
    for _ in range(3):
        with world.db.write() as tx:
            item = world.queued(tx, change)
            positions.append(item.position)
            tx.items.set_state(item.id, ItemState.WITHDRAWN, "dequeued")
    assert positions == sorted(set(positions))
    with world.db.read() as tx:
        assert tx.items.latest_of(ChangeNumber(99)) is None


def test_the_current_future_of_an_item_is_its_newest_that_holds(world: World) -> None:
    change = world.proposed()
    with world.db.write() as tx:
        item = world.queued(tx, change)
        assert tx.nodes.current(item.id) is None
        first = world.node(tx, item)
        second = world.node(tx, item)
        assert tx.nodes.current(item.id) == second
        assert tx.nodes.live(world.queue.id) == [second]
        tx.nodes.set_state(second.id, NodeState.DROPPED, "its assumption failed")
        assert tx.nodes.current(item.id) == first
        tx.nodes.set_state(first.id, NodeState.DROPPED, "")
        assert tx.nodes.current(item.id) is None
        assert tx.nodes.live(world.queue.id) == []
        assert [n.id for n in tx.nodes.of_item(item.id)] == [first.id, second.id]
        assert tx.nodes.get(second.id).reason == "its assumption failed"
        with pytest.raises(NotFound):
            tx.nodes.get(NodeId(99))


def test_a_future_comes_back_whole(world: World) -> None:
    change = world.proposed()
    future = {BranchKey("jinja", "main"): HEAD, BranchKey("other", "a/b:\udcff"): BASE}
    with world.db.write() as tx:
        ahead, item = world.queued(tx, change), world.queued(tx, change)
        made = tx.nodes.add(item.id, (ahead.id,), BASE, HEAD, TREE, future, NodeState.MERGED, "")
        none = tx.nodes.add(item.id, (), BASE, None, None, {}, NodeState.CONFLICT, "src/a.py")
    with world.db.read() as tx:
        found = tx.nodes.get(made.id)
        assert found.future == future
        assert (found.assumed, found.base, found.commit, found.tree) == (
            (ahead.id,), BASE, HEAD, TREE,
        )  # fmt: skip
        conflict = tx.nodes.get(none.id)
        assert (conflict.commit, conflict.tree, conflict.build) == (None, None, None)


def test_a_build_is_the_runs_of_its_jobs(world: World) -> None:
    change = world.proposed()
    with world.db.write() as tx:
        node = world.node(tx, world.queued(tx, change))
        build = tx.builds.add()
        tx.nodes.set_build(node.id, build)
        tests = tx.builds.add_run(build, "jinja", "tests", 1, True)
        docs = tx.builds.add_run(build, "jinja", "docs", 1, False)
        tx.builds.set_run(tests.id, RunState.RUNNING, started=10.0)
    with world.db.read() as tx:
        assert tx.nodes.of_build(build).id == node.id
        assert [r.id for r in tx.builds.unfinished()] == [tests.id, docs.id]
        assert [r.voting for r in tx.builds.runs(build)] == [True, False]
        assert tx.builds.get(build).state is BuildState.RUNNING
    with world.db.write() as tx:
        tx.builds.set_run(
            tests.id, RunState.FAILED, reason="exit code 1", exit_code=1, finished=12.5
        )
        tx.builds.set_run(docs.id, RunState.CANCELLED)
        tx.builds.set_state(build, BuildState.FAILED, "jinja/tests failed")
    with world.db.read() as tx:
        run = tx.builds.run(tests.id)
        assert (run.started, run.finished, run.exit_code) == (10.0, 12.5, 1)
        assert (run.state, run.reason) == (RunState.FAILED, "exit code 1")
        assert tx.builds.unfinished() == []
        done = tx.builds.get(build)
        assert (done.state, done.reason) == (BuildState.FAILED, "jinja/tests failed")
        assert done.finished is not None
        with pytest.raises(NotFound):
            tx.builds.get(BuildId(99))
        with pytest.raises(NotFound):
            tx.builds.run(JobRunId(99))
        with pytest.raises(NotFound):
            tx.nodes.of_build(BuildId(99))


def test_a_landing_is_the_proof_and_happens_once(world: World) -> None:
    change = world.proposed()
    with world.db.write() as tx:
        item = world.queued(tx, change)
        landing = Landing(item.id, "jinja", "main", change.number, BASE, HEAD, TREE, TREE, 5.5)
        tx.landings.add(landing)
    with world.db.read() as tx:
        assert tx.landings.of_change(change.number) == landing
        assert tx.landings.of_change(ChangeNumber(99)) is None
        assert tx.landings.all() == [landing]
    with pytest.raises(Exception, match="UNIQUE"), world.db.write() as tx:
        tx.landings.add(landing)


def test_what_refers_to_nothing_is_refused(world: World) -> None:
    change = world.proposed()
    with pytest.raises(Exception, match="FOREIGN KEY"), world.db.write() as tx:
        tx.items.add(
            QueueId(99), change.number, tx.changes.current_revision(change.number).id,
            change.project, "main",
        )  # fmt: skip


SHELL = Finding(
    "python/shell-injection",
    "Shell injection",
    "A string is run by a shell.",
    "Pass a list.",
    Severity.HIGH,
    Confidence.HIGH,
    Span("src/n\udcffme\\x41\n.py", 6, 5, 6, 9),
    cwe=78,
    check="source",
    excerpt="os.system(\udcfe)",
    identity="aa11",
)


def test_a_check_is_saved_again_in_place_of_what_it_said_before(world: World) -> None:
    number = world.proposed().number
    first = CheckResult("source", Outcome.FAILED, "1 finding", (SHELL,), 0.5, ("\udcff: binary",))
    other = CheckResult("secrets", Outcome.NOT_RUN, "the worker was killed")
    with world.db.write() as tx:
        revision = tx.changes.current_revision(number).id
        tx.checks.save(revision, first)
        tx.checks.save(revision, other)
        assert tx.checks.of(revision) == (first, other)
        again = CheckResult("source", Outcome.PASSED)
        tx.checks.save(revision, again)
    with world.db.read() as tx:
        assert sorted(tx.checks.of(revision), key=lambda c: c.check) == [other, again]


def test_the_last_verdict_counts(world: World) -> None:
    number = world.proposed().number
    risk = Risk(RiskTier.HIGH, ("touches critical.auth",), ("critical.auth",))
    needs = Requirement("critical", 2, ("security",), "by an agent", (world.ada.id,))
    first = Verdict(VerdictKind.NEEDS_APPROVALS, ("\udcff.py:1",), risk, (needs,), "p" * 64)
    with world.db.write() as tx:
        revision = tx.changes.current_revision(number).id
        assert tx.verdicts.latest(revision) is None
        tx.verdicts.save(revision, first)
        assert tx.verdicts.latest(revision) == first
        second = Verdict(VerdictKind.ALLOWED, (), Risk(RiskTier.LOW, ()), (), "q" * 64)
        tx.verdicts.save(revision, second)
    with world.db.read() as tx:
        assert tx.verdicts.latest(revision) == second


def test_an_approval_dies_once_and_is_remembered(world: World) -> None:
    number = world.proposed().number
    binding = ApprovalBinding("jinja", number, "main", BASE, HEAD, "p" * 64)
    with world.db.write() as tx:
        old = tx.changes.current_revision(number).id
        given = tx.approvals.add(old, world.ada.id, binding, "looks right")
        world.revise(tx, number, head=Commit("d" * 40))
        new = tx.changes.current_revision(number).id
        tx.approvals.void(given.id, "revision 2 was pushed")
        tx.approvals.void(given.id, "another reason")
    with world.db.read() as tx:
        assert tx.approvals.of(new) == []
        (kept,) = tx.approvals.of(old)
        assert kept.binding == binding
        assert (kept.comment, kept.void) == ("looks right", "revision 2 was pushed")
        assert tx.approvals.of_change(number) == [kept]
        assert tx.changes.get(number).state is ChangeState.CHECKING
