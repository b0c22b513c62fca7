"""What holds of the lanes planner whatever arrives, and whatever fails."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lanes_world import worlds

from headgate.gate.lanes.evidence import Memory
from headgate.gate.lanes.planner import plan
from headgate.gate.lanes.steps import Plan
from headgate.gate.lanes.view import Settings, View
from headgate.gate.simulate.chain import ChainDriver
from headgate.gate.simulate.lanes import Driver
from headgate.gate.simulate.oracle import oracle, single
from headgate.gate.simulate.world import World

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def driver(world: World, slots: int, fuse: int, seed: int = 0) -> Driver:
    def chance(number: int) -> float:
        return 0.9 if world.arrivals[number - 1].signal else 0.3

    return Driver(
        "ours", world, Settings(slots=slots, fuse=fuse), chance, lambda *_: None, seed=seed
    )


@SLOW
@given(worlds(), st.integers(1, 12), st.sampled_from([1, 2, 8]), st.integers(0, 9))
def test_nothing_untested_lands_main_stays_green_and_everyone_gets_one_verdict(
    world: World, slots: int, fuse: int, seed: int
):
    # The machine raises when more builds are begun than there are slots.
    result = driver(world, slots, fuse, seed).run()
    assert (result.untested, result.broken) == (0, 0)
    assert result.decided.keys() == {a.number for a in world.arrivals}
    assert len(result.landed) == len(set(result.landed))


@SLOW
@given(worlds(), st.integers(1, 12), st.sampled_from([1, 8]))
def test_who_passes_alone_and_affects_nobody_lands(world: World, slots: int, fuse: int):
    result = driver(world, slots, fuse).run()
    for one in world.arrivals:
        if one.sound and not world.overlaps[one.number]:
            assert one.number in result.landed
        if not one.sound:
            assert one.number not in result.landed


@SLOW
@given(worlds(), st.integers(1, 12), st.sampled_from([1, 8]))
def test_the_same_queue_gives_the_same_plan_in_any_order_with_or_without_memory(
    world: World, slots: int, fuse: int
):
    rng = random.Random(1)

    def checked(view: View, memory: Memory) -> Plan:
        made = plan(view, memory)
        mixed = replace(
            view,
            entries=tuple(rng.sample(view.entries, len(view.entries))),
        )
        assert plan(view) == made
        assert set(plan(mixed).steps) == set(made.steps)
        return made

    run = driver(world, slots, fuse)
    run.planner = checked
    run.run()


@SLOW
@given(worlds(), st.integers(1, 12))
def test_an_item_does_not_change_what_becomes_of_another_lane(world: World, slots: int):
    """Two copies of a world beside each other end as each does alone, given slots enough."""
    alone = driver(world, 200, 1).run()
    count = len(world.arrivals)
    other = [
        replace(a, number=a.number + count, targets=frozenset(t + 100 for t in a.targets))
        for a in world.arrivals
    ]
    both = World((*world.arrivals, *other), world.clashes)
    # Arrivals are numbered in order of time; the second copy comes after the first has ended.
    late = max(alone.decided.values(), default=0.0) + world.arrivals[-1].time + 1
    shifted = tuple(
        a if a.number <= count else replace(a, time=a.time + late) for a in both.arrivals
    )
    together = driver(replace(both, arrivals=shifted), 200, 1).run()
    assert {n for n in together.landed if n <= count} == set(alone.landed)
    assert {n: t for n, t in together.decided.items() if n <= count} == alone.decided


@SLOW
@given(worlds(), st.integers(1, 12))
def test_the_other_policies_keep_main_green_too(world: World, slots: int):
    for result in (ChainDriver(world, slots).run(), single(world, slots)):
        assert (result.untested, result.broken) == (0, 0)
        assert result.decided.keys() == {a.number for a in world.arrivals}
    assert oracle(world, slots).decided.keys() == {a.number for a in world.arrivals}
