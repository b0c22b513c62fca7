"""What the lanes planner does with a queue, one situation at a time."""

from __future__ import annotations

from dataclasses import replace

from lanes_world import entry, ids, trial, view

from headgate.gate.lanes.evidence import bear_witness
from headgate.gate.lanes.planner import plan
from headgate.gate.lanes.predict import Predictor
from headgate.gate.lanes.steps import Admit, Begin, Cancel, Reject, Wait
from headgate.gate.lanes.view import TrialState, View
from headgate.model.ids import ItemId

PASSED, FAILED = TrialState.PASSED, TrialState.FAILED


def begun(found: View) -> dict[int, list[frozenset[int]]]:
    """Item → futures that are begun for it, of builds that are not fused."""
    made: dict[int, list[frozenset[int]]] = {}
    for step in plan(found).steps:
        if isinstance(step, Begin):
            (member,) = step.members
            made.setdefault(member, []).append(frozenset(step.assumed))
    return made


def ids_in_order(*numbers: int) -> tuple[ItemId, ...]:
    return tuple(ItemId(n) for n in numbers)


def test_items_that_cannot_affect_each_other_wait_for_nobody():
    assert begun(view([entry(1), entry(2), entry(3)])) == {1: [ids()], 2: [ids()], 3: [ids()]}


def test_an_item_is_tested_with_those_ahead_that_will_probably_land():
    made = begun(view([entry(1, 2), entry(2, 1)], slots=2))
    assert made == {1: [ids()], 2: [ids(1)]}


def test_with_slots_to_spare_the_next_likely_future_is_tested_too():
    made = begun(view([entry(1, 2, chance=0.7), entry(2, 1)], slots=3))
    assert made == {1: [ids()], 2: [ids(1), ids()]}


def test_nothing_is_run_for_who_does_not_merge_with_what_will_probably_land():
    first, failed = trial(7, (1,)), trial(8, (2,), FAILED, [1])
    queue = [entry(1, 2, chance=0.7), entry(2, 1)]
    assert begun(view(queue, [first, failed])) == {2: [ids()]}, "it may be the fault of either"
    unmade = replace(failed, unmade=True)
    assert begun(view(queue, [first, unmade])) == {}
    assert begun(view([entry(1, 2, chance=0.45), queue[1]], [first, unmade])) == {2: [ids()]}
    # Nobody waits for ever for one that gets no further: an idle machine tries what is left.
    assert begun(view([replace(queue[0], ready=False), queue[1]], [unmade])) == {2: [ids()]}


def test_what_passed_alone_lands():
    found = plan(view([entry(1)], [trial(7, (1,), PASSED)]))
    assert found.steps == (Admit((ItemId(1),), (7,)),)


def test_nothing_lands_from_a_frozen_queue():
    assert plan(view([entry(1)], [trial(7, (1,), PASSED)], frozen=True)).steps == ()


def test_what_failed_alone_is_rejected_at_once_whoever_is_ahead():
    queue = [entry(1, 2), entry(2, 1)]
    found = plan(view(queue, [trial(7, (1,)), trial(8, (2,), FAILED, reason="red")]))
    assert found.steps == (Reject(ItemId(2), 8, ids(), "red"),)


def test_what_failed_beside_another_waits_until_that_has_landed():
    queue = [entry(1, 2), entry(2, 1)]
    trials = [trial(7, (1,)), trial(8, (2,), FAILED, [1])]
    assert not any(isinstance(s, Reject) for s in plan(view(queue, trials)).steps)
    landed = plan(view([entry(2, 1)], [trials[1]], landed={1: 1}))
    assert landed.steps == (Reject(ItemId(2), 8, ids(1), ""),)


def test_a_future_with_somebody_who_left_is_given_up():
    found = plan(view([entry(2, 1)], [trial(8, (2,), assumed=[1])]))
    assert isinstance(found.steps[0], Cancel)
    assert found.steps[1] == Begin((ItemId(2),), ids(), 1.0)


def test_evidence_from_before_a_conflict_landed_proves_nothing():
    found = plan(view([entry(2, 1)], [trial(8, (2,), PASSED)], landed={1: 1}))
    assert found.steps == (Begin((ItemId(2),), ids(), 1.0),)


def test_a_small_item_passes_a_large_one_when_it_was_tested_with_and_without_it():
    large, small = entry(1, 2, minutes=120), entry(2, 1, minutes=10)
    running = replace(trial(5, (1,)), expected=7200.0)
    assert begun(view([large, small], [running], now=60.0)) == {2: [ids(), ids(1)]}
    alone = [running, trial(6, (2,), PASSED), trial(7, (2,), assumed=[1])]
    assert plan(view([large, small], alone, now=1800.0)).steps == ()
    both = [running, trial(6, (2,), PASSED), trial(7, (2,), PASSED, [1])]
    found = plan(view([large, small], both, now=1800.0))
    assert found.steps == (Admit((ItemId(2),), (6,)),)


def test_those_overtaken_share_a_build_unless_they_affect_each_other():
    running = [replace(trial(n, (n,)), expected=7200.0) for n in (1, 2)]
    small = entry(3, 1, 2, minutes=10)
    apart = [entry(1, 3, minutes=120), entry(2, 3, minutes=120), small]
    assert begun(view(apart, running, now=60.0)) == {3: [ids(), ids(1, 2)]}
    running[1] = replace(running[1], assumed=ids(1))
    near = [entry(1, 2, 3, minutes=120), entry(2, 1, 3, minutes=120), small]
    assert begun(view(near, running, now=60.0))[3] == [ids(), ids(1), ids(1, 2)]


def test_who_passed_before_many_of_its_conflicts_landed_is_assumed_no_more():
    many = range(10, 60)
    passed = trial(5, (1,), PASSED)
    behind = entry(2, 1)
    few = view([entry(1, 2, 10), behind], [passed], landed={10: 1}, slots=2)
    assert begun(few) == {1: [ids()], 2: [ids(1)]}
    landed = {number: at for at, number in enumerate(many, 1)}
    late = view([entry(1, 2, *many), behind], [passed], landed=landed, slots=2)
    assert begun(late) == {1: [ids()], 2: [ids()]}


def test_who_fails_with_one_ahead_lets_it_go_first_unless_that_takes_too_long():
    large, small = entry(1, 2, minutes=120), entry(2, 1, minutes=10)
    running = replace(trial(5, (1,)), expected=7200.0)
    trials = [running, trial(6, (2,), PASSED), trial(7, (2,), FAILED, [1])]
    soon = plan(view([large, small], trials, now=6900.0))
    assert soon.steps == ()
    late = plan(view([large, small], trials, now=1800.0))
    assert late.steps == (Admit((ItemId(2),), (6,)),)


def test_who_will_probably_fail_is_built_alone_and_assumed_by_nobody():
    made = begun(view([entry(1, 2, chance=0.1), entry(2, 1)]))
    assert made == {1: [ids()], 2: [ids()]}


def test_who_came_out_of_quarantine_keeps_its_place_however_often_it_is_tested_again():
    first = trial(5, (1,), PASSED)
    again = replace(trial(6, (1,), PASSED, epoch=1), started=2400.0)
    queue = [entry(1, 40, 10, 11, chance=0.1), entry(40, 1)]
    found = view(queue, [first, again], landed={10: 1, 11: 2}, slots=2)
    assert begun(found) == {1: [ids()], 40: [ids(1)]}


def test_who_passed_long_ago_is_asked_again_on_the_branch_while_nobody_knows_who_lands():
    unknown = [entry(n, 9, chance=0.6) for n in range(1, 7)]
    running = [trial(100 + n, (n,)) for n in range(1, 7)]
    landed = {number: at for at, number in enumerate(range(10, 60), 1)}
    queue = [*unknown, entry(9, *range(1, 7), *landed)]
    passed = trial(8, (9,), PASSED)
    assert begun(view(queue, [*running, passed], landed=landed)) == {9: [ids()]}
    asked = replace(trial(7, (9,), epoch=49), started=5900.0)
    assert begun(view(queue, [*running, passed, asked], landed=landed)) == {}, "once at a time"
    few = dict.fromkeys(range(10, 15), 1)
    queue = [*unknown, entry(9, *range(1, 7), *few)]
    assert begun(view(queue, [*running, passed], landed=few)) == {}, "it would hardly tell more"


def test_slots_bound_what_runs():
    found = plan(view([entry(n) for n in range(1, 9)], [trial(90, (1,))], slots=3))
    assert len(found.steps) == 2


def test_a_higher_priority_goes_first():
    found = plan(view([entry(1), entry(2, priority=5)], slots=1))
    assert found.steps == (Begin((ItemId(2),), ids(), 1.0),)


def test_a_source_that_floods_keeps_to_its_budget():
    queue = [entry(1, source="bot"), entry(2, source="bot"), entry(3, source="ada")]
    found = plan(view(queue, budgets={"bot": 1}))
    assert {s.members for s in found.steps if isinstance(s, Begin)} == {(1,), (3,)}
    assert found.waits == (Wait(ItemId(2), "the budget of bot is used up"),)


def test_a_flood_at_the_front_does_not_hide_who_stands_behind_it():
    queue = [entry(n, source="bot") for n in range(1, 400)] + [entry(400, source="ada")]
    found = plan(view(queue, budgets={"bot": 1}, slots=3))
    assert {s.members for s in found.steps if isinstance(s, Begin)} == {(1,), (400,)}


def test_who_requires_one_that_came_later_stands_behind_it():
    """It was pushed again, say, and so went to the end of the queue."""
    queue = [entry(7, 8, 10, requires=[10]), entry(8, 7, requires=[10]), entry(10, 7)]
    assert begun(view(queue, slots=3)) == {10: [ids()], 7: [ids(10)], 8: [ids(7, 10)]}
    # Fused builds, for which each of them waited for the other two:
    (step,) = plan(view(queue, slots=1, fuse=8)).steps
    assert isinstance(step, Begin)
    assert (step.members, step.assumed) == (ids_in_order(10), ids())


def test_nor_does_urgency_put_it_before_what_it_requires():
    queue = [entry(1, 2), entry(2, 1, 3, requires=[3], priority=9), entry(3, 2)]
    made = begun(view(queue, slots=3))
    assert made[3] == [ids()]
    assert 3 in made[2][0]


def test_a_free_slot_is_used_although_nobody_can_share_it():
    """Both likely items assume one that may not be tested now: its source has no budget left."""
    waits = entry(1, 2, 3, source="ada")
    queue = [waits, entry(2, 1, 3), entry(3, 1, 2)]
    (step,) = plan(view(queue, slots=1, fuse=8, budgets={"ada": 0})).steps
    assert isinstance(step, Begin)


def test_who_requires_another_lands_after_it():
    queue = [entry(1, 2), entry(2, 1, requires=[1])]
    assert begun(view(queue))[2] == [ids(1)]
    assert plan(view(queue, [trial(5, (1,)), trial(6, (2,), PASSED)])).steps == (
        Begin((ItemId(2),), ids(1), plan(view(queue, [trial(5, (1,))])).steps[0].chance),
    )


def test_nobody_is_tested_in_a_future_in_which_another_lands_without_what_it_requires():
    # What fails there would be held against it once both have landed.
    queue = [entry(1, 3, chance=0.7), entry(2, 3, chance=0.7, requires=[1]), entry(3, 1, 2)]
    assert begun(view(queue))[3] == [ids(1, 2), ids(), ids(1)]
    # Nor by what it requires itself: 2 can only land after 1.
    queue = [entry(1, 3, chance=0.4), entry(2, requires=[1]), entry(3, 1, requires=[2])]
    assert begun(view(queue))[3] == [ids(1, 2)]


def test_of_those_that_land_together_nobody_lands_before_what_it_requires():
    # Each was tested with the next, 2 with 1 as it requires it: there is no order for all three.
    queue = [entry(1, 3, priority=1), entry(2, 3, requires=[1], priority=1), entry(3, 1, 2)]
    trials = [
        trial(10, (1,), PASSED, [3]),
        trial(11, (2,), PASSED, [1]),
        trial(12, (3,), PASSED, [2]),
    ]
    assert not [step for step in plan(view(queue, trials)).steps if isinstance(step, Admit)]


def test_when_slots_are_short_items_that_agree_are_built_together():
    found = plan(view([entry(n) for n in range(1, 9)], slots=2, fuse=8))
    assert [s.members for s in found.steps if isinstance(s, Begin)] == [(1, 2, 3, 4), (5, 6, 7, 8)]


def test_a_fused_failure_traced_to_one_spares_the_others():
    queue = [entry(1), entry(2), entry(3)]
    fused = trial(5, (1, 2, 3), FAILED, culprits=[2])
    first = plan(view(queue, [fused]))
    assert first.steps == (Reject(ItemId(2), 5, ids(), ""),)
    second = plan(view([queue[0], queue[2]], [fused]))
    assert second.steps == (Admit((ItemId(1),), (5,)), Admit((ItemId(3),), (5,)))


def test_a_fused_failure_that_nobody_can_trace_blames_nobody():
    queue = [replace(entry(1), most=1), replace(entry(2), most=1)]
    found = plan(view(queue, [trial(5, (1, 2), FAILED)], fuse=8, slots=1))
    assert found.steps == (Begin((ItemId(1),), ids(), 1.0),)
    assert found.refuted == {5}


def test_two_that_were_each_tested_with_the_other_land_together():
    queue = [entry(1, 2), entry(2, 1)]
    found = plan(view(queue, [trial(5, (1, 2), PASSED)]))
    assert found.steps == (Admit((ItemId(1), ItemId(2)), (5,)),)


def test_of_two_that_land_together_the_later_bears_no_witness_without_the_earlier():
    queue = [entry(1, 2, 3), entry(2, 1, 3), entry(3, 1, 2)]
    alone = trial(5, (2,), PASSED, assumed=[1])
    both = trial(6, (3,), PASSED, assumed=[1])
    found = view(queue, [alone, both])
    assert bear_witness(ids_in_order(2, 3), found)[ItemId(1)][0].landed == 2
    assert len(bear_witness(ids_in_order(2, 3), found)[ItemId(1)]) == 1
    beside = trial(7, (3,), PASSED, assumed=[1, 2])
    found = view(queue, [alone, beside])
    assert {w.landed for w in bear_witness(ids_in_order(2, 3), found)[ItemId(1)]} == {2, 3}


def test_nobody_overtakes_on_a_build_that_stands_on_one_behind_whom_it_passes():
    # 3 was tested with 1, which it overtakes, and with 4, which comes after 1 and may still fail:
    # what that says of 1 would be void without 4.
    queue = [
        entry(1, 3, 4, minutes=120),
        entry(3, 1, minutes=5),
        entry(4, 1, minutes=5),
    ]
    bare = trial(5, (3,), PASSED)
    under_way = trial(6, (1,), assumed=[])
    unclean = trial(7, (3,), PASSED, assumed=[1, 4])
    clean = trial(8, (3,), PASSED, assumed=[1])
    now = 6 * 3600.0
    waits = plan(view(queue, [bare, under_way, unclean], now=now))
    assert not [step for step in waits.steps if isinstance(step, Admit)]
    goes = plan(view(queue, [bare, under_way, clean], now=now))
    assert [step.items for step in goes.steps if isinstance(step, Admit)] == [(3,)]


def test_the_predictor_learns_whom_to_trust_and_says_why():
    predictor = Predictor.starting(0.5)
    for _ in range(200):
        predictor.learn({"tests": 1.0}, passed=True)
        predictor.learn({"haste": 1.0}, passed=False)
    assert predictor.chance({"tests": 1.0}) > 0.9
    assert predictor.chance({"haste": 1.0}) < 0.1
    reasons = predictor.explain({"tests": 0.1, "haste": 1.0})
    assert [r.feature for r in reasons] == ["haste", "tests"]
    assert reasons[0].weight < 0 < reasons[1].weight
