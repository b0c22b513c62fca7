"""Which changes may enter a queue, together or alone."""

from __future__ import annotations

import pytest
from harness import CHECKED, Begin, Gate

from headgate.gate.reader import QueueReader
from headgate.gate.snapshot import Trouble
from headgate.model.change import ChangeState, Dependency, DependencyKind
from headgate.model.config import Policy, QueuePolicy
from headgate.model.errors import Conflict
from headgate.model.ids import ChangeNumber


def depend(gate: Gate, number: int, *on: Dependency) -> None:
    """A new revision of a change that depends on these."""
    with gate.db.write() as tx:
        now = tx.changes.current_revision(ChangeNumber(number))
        tx.changes.add_revision(now.change, now.head, now.base, now.message, now.pusher, (), on, ())


def footer(number: int) -> Dependency:
    return Dependency(f"#{number}", ChangeNumber(number))


async def pair_of(gate: Gate) -> tuple[ChangeNumber, ChangeNumber]:
    """Two changes that need each other, in no queue."""
    one = await gate.push("jinja", {"values/a": "fine\n"}, queue=False)
    two = await gate.push("jinja", {"values/b": "fine\n"}, depends=[one], queue=False)
    depend(gate, one, footer(two))
    return ChangeNumber(one), ChangeNumber(two)


async def test_the_members_of_a_cycle_enter_in_one_transaction_and_know_each_other(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    one, two = await pair_of(gate)
    await gate.service.stop()
    items = await gate.service.enqueue_together((one, two), "ada")
    assert [e.subject for e in gate.events[-2:]] == [f"change/{one}", f"change/{two}"]
    assert await gate.service.enqueue_together((one, two), "ada") == items
    with gate.db.read() as tx:
        queue = tx.queues.get(items[0].queue)
        read = QueueReader().snapshot
        seen = read(tx, queue, QueuePolicy("main", (), ()), {}, lambda _: (Trouble.NONE, True))
    ids = tuple(item.id for item in items)
    assert [view.cycle for view in seen.items] == [ids, ids]


async def test_when_one_member_of_a_cycle_may_not_enter_none_does(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    one, two = await pair_of(gate)
    with gate.db.write() as tx:
        tx.changes.set_state(two, ChangeState.DENIED, "a secret")
    with pytest.raises(Conflict, match=f"#{two} is denied and cannot be queued"):
        await gate.service.enqueue_together((one, two), "ada")
    assert gate.waiting() == []


async def test_members_that_an_older_policy_put_into_another_queue_do_not_enter(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    gate.freeze()
    one = ChangeNumber(await gate.push("jinja", {"values/a": "fine\n"}))
    two = ChangeNumber(await gate.push("jinja", {"values/b": "fine\n"}, depends=[one], queue=False))
    depend(gate, one, footer(two))
    gate.house.in_force = Policy("new", queues=(QueuePolicy("trunk", ("jinja",), ("main",)),))
    with pytest.raises(Conflict, match=f"different queues: #{one} in main, #{two} in trunk"):
        await gate.service.enqueue_together((one, two), "ada")
    assert [item.change for item in gate.waiting()] == [one]


async def test_a_change_that_stands_on_a_revision_that_was_replaced_is_not_let_in(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    one = await gate.push("jinja", {"values/a": "fine\n"}, queue=False)
    two = await gate.push("jinja", {"values/b": "fine\n"}, queue=False)
    depend(gate, two, Dependency(f"#{one}", ChangeNumber(one), DependencyKind.STACK, 1))
    depend(gate, one)
    stale = f"#{two} stands on revision 1 of #{one}, which is at revision 2 now"
    with pytest.raises(Conflict, match=stale):
        await gate.enqueue(two)


async def test_what_is_outside_is_waited_for_until_somebody_says_so(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    one = await gate.push("jinja", {"values/a": "fine\n"}, queue=False)
    address = "https://forge.example.org/a/pull/7"
    depend(gate, one, Dependency(address, None, DependencyKind.EXTERNAL))
    with pytest.raises(Conflict, match=f"#{one} depends on {address}, which is not on this server"):
        await gate.enqueue(one)
    with gate.db.write() as tx:
        ada = tx.principals.by_name("ada").id
        tx.changes.satisfy(ChangeNumber(one), address, ada, "")
    await gate.enqueue(one)
    await gate.run()
    gate.expect(landed=[one])


async def test_of_a_stack_that_enters_at_once_the_lowest_is_first(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    high = ChangeNumber(await gate.push("jinja", {"values/a": "fine\n"}, queue=False))
    low = ChangeNumber(await gate.push("jinja", {"values/b": "fine\n"}, queue=False))
    depend(gate, low, footer(high))
    depend(gate, high, Dependency(f"#{low}", low, DependencyKind.STACK, 2))
    await gate.service.stop()
    entered = await gate.service.enqueue_together((high, low), "ada")
    assert [item.change for item in entered] == [high, low]
    assert [item.change for item in gate.waiting()] == [low, high]
