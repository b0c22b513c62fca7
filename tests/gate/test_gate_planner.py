"""Stories about the chain planner, told in a world where the truth is known."""

from __future__ import annotations

import pytest
from gate_world import ALPHA, BETA, Thing, World

from headgate.gate.commands import Speculate, StartBuild
from headgate.gate.planner import plan
from headgate.gate.snapshot import Trouble, Window
from headgate.model.queue import NodeState, QueueState


def queue(*things: Thing, window: int = 4) -> World:
    world = World(window=Window(window, 2, 8))
    for thing in things:
        world.arrive(thing)
    world.settle()
    return world


def states(world: World) -> dict[int, str]:
    return {t.number: t.state for t in world.things.values()}


def test_an_empty_queue_asks_for_nothing():
    assert plan(World().snapshot()).commands == ()


def test_a_single_change_is_merged_built_and_landed():
    world = queue(Thing(1))
    assert world.built == [(1, ())]
    world.run()
    assert states(world) == {1: "landed"}


def test_changes_are_tested_in_parallel_each_on_those_ahead():
    world = queue(Thing(1), Thing(2, BETA), Thing(3), Thing(4), Thing(5))
    assert world.built == [(1, ()), (2, (1,)), (3, (1, 2)), (4, (1, 2, 3))]


def test_the_last_to_finish_first_still_lands_in_order():
    world = queue(Thing(1), Thing(2), Thing(3))
    for number in (3, 2, 1):
        world.finish(number)
        world.settle()
    assert world.verdicts == [(1, "landed"), (2, "landed"), (3, "landed")]
    assert len(world.built) == 3, "nothing was tested twice"


def test_a_failure_moves_those_behind_onto_the_nearest_that_does_not_fail():
    world = queue(Thing(1), Thing(2, bad=True), Thing(3), Thing(4))
    world.finish(2)
    world.settle()
    assert world.built[4:] == [(3, (1,)), (4, (1, 3))]
    world.run()
    assert states(world) == {1: "landed", 2: "ejected", 3: "landed", 4: "landed"}


def test_two_that_only_fail_together_cost_the_second_one():
    world = queue(Thing(1), Thing(2, quarrels=frozenset({1})), Thing(3))
    world.run()
    assert states(world) == {1: "landed", 2: "ejected", 3: "landed"}


def test_a_failure_at_the_front_is_ejected_at_once():
    world = queue(Thing(1, bad=True), Thing(2))
    world.finish(1)
    world.step()
    assert states(world) == {1: "ejected", 2: "live"}


def test_a_failure_behind_changes_that_passed_is_ejected_before_they_land():
    world = queue(Thing(1), Thing(2, bad=True))
    world.state = QueueState.FROZEN
    world.finish(1)
    world.finish(2)
    world.settle()
    assert states(world) == {1: "live", 2: "ejected"}


def test_an_innocent_is_not_ejected_for_what_is_ahead_of_it():
    world = queue(Thing(1, bad=True), Thing(2), Thing(3))
    world.finish(2)  # Red, as the future holds the bad one.
    world.settle()
    assert states(world)[2] == "live"
    world.run()
    assert states(world) == {1: "ejected", 2: "landed", 3: "landed"}


def test_a_merge_conflict_with_the_branch_is_reported_without_running_anything():
    world = queue(Thing(1))
    world.run()
    world.arrive(Thing(2))
    world.arrive(Thing(3, collides=frozenset({1})))
    world.settle()
    assert states(world)[3] == "ejected"
    assert [n for n, _ in world.built] == [1, 2]


def test_a_conflict_with_an_undecided_change_waits_for_its_decision():
    world = queue(Thing(1, bad=True), Thing(2, collides=frozenset({1})), Thing(3))
    assert states(world)[2] == "live"
    assert world.built == [(1, ()), (3, (1,))]
    world.run()
    assert states(world) == {1: "ejected", 2: "landed", 3: "landed"}


def test_a_conflict_with_a_change_that_lands_is_ejected():
    world = queue(Thing(1), Thing(2, collides=frozenset({1})))
    world.run()
    assert states(world) == {1: "landed", 2: "ejected"}


def test_what_depends_on_an_ejected_change_is_ejected_with_the_reason():
    world = queue(
        Thing(1, bad=True), Thing(2, BETA, depends=(1,)), Thing(3, depends=(2,)), Thing(4)
    )
    world.run()
    assert states(world) == {1: "ejected", 2: "ejected", 3: "ejected", 4: "landed"}
    assert world.things[2].reason == (
        "it depends on #1, which is not going to land: job tests failed"
    )


def test_what_depends_on_a_change_taken_back_waits_outside():
    world = queue(Thing(1), Thing(2, depends=(1,)))
    world.leave(1)
    world.settle()
    assert states(world) == {1: "withdrawn", 2: "withdrawn"}
    assert "taken" in world.things[2].reason or "took" in world.things[2].reason


def test_what_depends_on_another_queue_waits_without_hindering_others():
    world = World()
    world.elsewhere.add(9)
    world.arrive(Thing(1, depends=(9,)))
    world.arrive(Thing(2))
    world.settle()
    assert world.built == [(2, ())]
    world.run()
    assert states(world) == {1: "live", 2: "landed"}
    assert plan(world.snapshot()).blocked[0].reason == "waits until #9 has landed (in queue other)"
    world.elsewhere.clear()
    world.things[9] = Thing(9, state="landed")
    world.run()
    assert states(world)[1] == "landed"


def test_a_dependency_that_came_later_goes_ahead():
    world = queue(Thing(1, depends=(2,)), Thing(2), Thing(3))
    assert world.built == [(2, ()), (1, (2,)), (3, (2, 1))]


def test_a_cycle_is_tested_once_and_lands_in_one_step():
    world = queue(
        Thing(1, depends=(3,)), Thing(2), Thing(3, BETA, depends=(1,)), Thing(4, depends=(3,))
    )
    assert world.built == [(1, ()), (2, (1, 3)), (4, (1, 3, 2))]
    world.run()
    assert world.landed_together == [(1, 3), (2,), (4,)]
    assert world.window.size == 7


def test_a_cycle_stands_behind_what_any_of_its_members_depends_on():
    world = queue(Thing(1, depends=(2,)), Thing(2, depends=(1, 4)), Thing(3), Thing(4))
    assert world.built == [(3, ()), (4, (3,)), (1, (3, 4))]


def test_a_cycle_counts_once_in_the_window():
    ring = [Thing(n, depends=(n % 3 + 1,)) for n in (1, 2, 3)]
    world = queue(*ring, Thing(4), Thing(5), window=2)
    assert world.built == [(1, ()), (4, (1, 2, 3))]


@pytest.mark.parametrize("culprit", ["bad", "quarrels", "collides"])
def test_a_cycle_that_fails_leaves_as_one_and_takes_nobody_along_but_those_that_need_it(
    culprit: str,
):
    two = Thing(2, BETA, depends=(1,))
    if culprit == "bad":
        two.bad = True
    else:
        setattr(two, culprit, frozenset({1}))
    world = queue(Thing(1, depends=(2,)), two, Thing(3), Thing(4, depends=(2,)))
    world.run()
    assert states(world) == {1: "ejected", 2: "ejected", 3: "landed", 4: "ejected"}
    assert world.things[1].reason == world.things[2].reason


def test_a_cycle_that_fails_for_another_is_tested_again():
    world = queue(Thing(1, bad=True), Thing(2, depends=(3,)), Thing(3, BETA, depends=(2,)))
    world.finish(2)
    world.settle()
    assert states(world) == {1: "live", 2: "live", 3: "live"}
    world.run()
    assert states(world) == {1: "ejected", 2: "landed", 3: "landed"}


def test_a_member_that_leaves_takes_the_others_out_whatever_was_tested():
    world = queue(
        Thing(1, depends=(2,)), Thing(2, BETA, depends=(3,)), Thing(3, depends=(1,)), Thing(4)
    )
    world.finish(1)
    world.leave(3)
    world.settle()
    assert states(world) == {1: "withdrawn", 2: "withdrawn", 3: "withdrawn", 4: "live"}
    assert world.things[2].reason == (
        "it depends on #3, which is not going to land: its owner took it back"
    )
    world.run()
    assert world.landed_together == [(4,)]


def test_the_window_grows_with_success_and_halves_with_failure():
    world = queue(Thing(1), Thing(2), Thing(3, bad=True), Thing(4, bad=True))
    world.finish(1)
    world.settle()
    assert world.window.size == 5
    world.run()
    assert world.window.size == 2  # 5, 6, 3, and not below the floor.


def test_nothing_beyond_the_window_is_begun():
    world = queue(*(Thing(n) for n in range(1, 9)), window=3)
    assert [n for n, _ in world.built] == [1, 2, 3]


def test_a_frozen_queue_tests_and_does_not_land():
    world = queue(Thing(1), Thing(2))
    world.state = QueueState.FROZEN
    world.run()
    assert states(world) == {1: "live", 2: "live"}
    world.state = QueueState.ACTIVE
    world.settle()
    assert states(world) == {1: "landed", 2: "landed"}


def test_a_branch_moved_from_outside_is_tested_again_whatever_had_passed():
    world = queue(Thing(1), Thing(2))
    world.finish(2)
    world.move(BETA)
    world.run()
    assert states(world) == {1: "landed", 2: "landed"}
    assert world.built == [(1, ()), (2, (1,)), (1, ()), (2, (1,))]


def test_a_held_change_does_not_stop_those_behind_it():
    world = queue(Thing(1), Thing(2))
    world.lose(1, Trouble.HELD)
    world.run()
    assert states(world) == {1: "live", 2: "landed"}
    world.things[1].due = True
    world.run()
    assert states(world)[1] == "landed"


def test_a_change_whose_build_is_retried_keeps_its_place():
    world = queue(Thing(1), Thing(2))
    world.lose(1, Trouble.RETRY)
    world.settle()
    assert world.things[2].node is not None
    assert world.things[2].node.assumed == (1,)
    assert len(world.built) == 2
    world.things[1].due = True
    world.settle()
    assert world.built[2:] == [(1, ())]


def test_a_landing_cut_off_by_a_crash_is_finished():
    world = queue(Thing(1), Thing(2))
    world.finish(1)
    world.things[1].landing = True
    world.content[ALPHA] = ("1",)  # The branch moved, and then the power failed.
    world.run()
    assert states(world) == {1: "landed", 2: "landed"}
    assert len(world.built) == 2


def test_a_plan_asks_for_one_merge_at_a_time():
    world = World()
    for number in (1, 2, 3):
        world.arrive(Thing(number))
    commands = plan(world.snapshot()).commands
    assert [type(c) for c in commands] == [Speculate]
    world.step()
    assert [type(c) for c in plan(world.snapshot()).commands] == [StartBuild, Speculate]


def test_a_conflicting_change_is_not_assumed_by_those_behind_it():
    world = queue(Thing(1), Thing(2, collides=frozenset({1})), Thing(3, BETA))
    node = world.things[3].node
    assert node is not None
    assert (node.assumed, node.state) == ((1,), NodeState.BUILDING)


def test_a_change_that_git_cannot_merge_now_does_not_stop_those_behind_it():
    world = World()
    world.arrive(Thing(1, trouble=Trouble.RETRY, due=False))
    world.arrive(Thing(2))
    world.run()
    assert states(world) == {1: "live", 2: "landed"}
    world.things[1].due = True
    world.run()
    assert states(world)[1] == "landed"


def test_a_passed_change_that_cannot_be_landed_is_tried_again_and_then_stepped_over():
    world = queue(Thing(1), Thing(2))
    world.finish(1)
    world.things[1].trouble, world.things[1].due = Trouble.RETRY, False
    world.settle()
    assert states(world) == {1: "live", 2: "live"}
    world.things[1].trouble = Trouble.HELD
    world.run()
    assert states(world) == {1: "live", 2: "landed"}
    world.things[1].due = True
    world.run()
    assert states(world)[1] == "landed"
