"""Changes that are promoted, and changes that are held in their place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from gate_world import Thing, World
from harness import CHECKED, Gate
from hypothesis import given
from hypothesis import strategies as st

from headgate.gate import records
from headgate.gate.commands import Drop, Speculate
from headgate.gate.planner import HELD, plan
from headgate.gate.snapshot import ItemView, Snapshot
from headgate.model.queue import ItemState

Begin = Callable[..., Awaitable[Gate]]


def altered(world: World, number: int, **fields: object) -> Snapshot:
    """The world's queue with one item changed."""
    snapshot = world.snapshot()
    items = tuple(
        replace(item, **fields) if item.change == number else item  # type: ignore[arg-type]
        for item in snapshot.items
    )
    return replace(snapshot, items=items)


def three() -> World:
    world = World()
    for number in (1, 2, 3):
        world.arrive(Thing(number))
    return world


def test_a_promoted_item_is_tested_first() -> None:
    made = plan(altered(three(), 3, priority=1))
    assert [command.item for command in made.commands] == [3]


def test_what_is_landing_stays_in_front_of_a_promoted_item() -> None:
    world = three()
    world.settle()
    world.finish(1)
    snapshot = altered(world, 1, state=ItemState.LANDING)
    items = tuple(replace(i, priority=5) if i.change == 3 else i for i in snapshot.items)
    first = plan(replace(snapshot, items=items)).commands[0]
    assert (first.item, type(first).__name__) == (1, "Land")


def together(snapshot: Snapshot, *numbers: int) -> Snapshot:
    """The queue when these items need each other."""
    cycle = tuple(item.id for item in snapshot.items if item.change in numbers)
    items = tuple(replace(i, cycle=cycle) if i.id in cycle else i for i in snapshot.items)
    return replace(snapshot, items=items)


def test_promoting_one_of_those_that_land_together_promotes_all() -> None:
    made = plan(together(altered(three(), 3, priority=1), 2, 3))
    (first,) = made.commands
    assert isinstance(first, Speculate)
    assert first.unit == (2, 3)


def test_holding_one_of_those_that_land_together_holds_all() -> None:
    world = three()
    world.settle()
    made = plan(together(altered(world, 3, held=True), 2, 3))
    assert [(one.item, one.reason) for one in made.blocked] == [(2, HELD), (3, HELD)]


def test_a_held_item_is_set_aside_and_says_so() -> None:
    world = three()
    world.settle()
    made = plan(altered(world, 1, held=True))
    assert [(one.item, one.reason) for one in made.blocked] == [(1, HELD)]
    assert any(isinstance(c, Drop) and c.item == 1 for c in made.commands)


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=6))
def test_the_first_merge_is_for_the_highest_priority_that_came_first(given: list[int]) -> None:
    world = World()
    for number in range(1, len(given) + 1):
        world.arrive(Thing(number))
    snapshot = world.snapshot()
    items: tuple[ItemView, ...] = tuple(
        replace(item, priority=priority)
        for item, priority in zip(snapshot.items, given, strict=True)
    )
    expected = min(items, key=lambda item: (-item.priority, item.position))
    assert plan(replace(snapshot, items=items)).commands[0].item == expected.id


def landed(gate: Gate) -> list[object]:
    return [e.data["change"] for e in gate.events if e.kind == "branch.landed"]


async def test_a_held_change_lets_the_others_pass_and_lands_when_it_is_released(
    gates: Begin,
) -> None:
    gate = await gates({"jinja": CHECKED})
    gate.freeze()
    first = await gate.push("jinja", {"values/a": "fine"})
    second = await gate.push("jinja", {"values/b": "fine"})
    with gate.db.write() as tx:
        records.pause(tx, gate.item(first), "held in its place by ada: wait for me", "ada")
    gate.thaw()
    await gate.until(lambda: gate.state(second) == "landed")
    assert gate.item(first).reason == "held in its place by ada: wait for me"
    assert gate.node(first) is None
    with gate.db.write() as tx:
        records.resume(tx, gate.item(first), "ada")
    gate.service.wake("main")
    await gate.run()
    gate.expect(landed=[first, second])
    assert landed(gate) == [second, first]


async def test_a_promoted_change_lands_first(gates: Begin) -> None:
    gate = await gates({"jinja": CHECKED})
    gate.freeze()
    numbers = [await gate.push("jinja", {f"values/{n}": "fine"}) for n in range(3)]
    with gate.db.write() as tx:
        records.promote(tx, gate.item(numbers[2]), 1, "ada")
    with gate.db.read() as tx:
        queue = gate.item(numbers[0]).queue
        assert [i.change for i in tx.items.live(queue)] == [numbers[2], *numbers[:2]]
    gate.thaw()
    await gate.run()
    assert landed(gate) == [numbers[2], *numbers[:2]]
