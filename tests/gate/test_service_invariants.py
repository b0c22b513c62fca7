"""Whatever happens to the real queue service of lanes, in whatever order, its promises hold.

The longer campaign: HEADGATE_EXAMPLES=300 pytest -m long tests/gate/test_service_invariants.py
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service_acts import (
    AREAS,
    Again,
    Die,
    End,
    Hold,
    Lose,
    Outside,
    Promote,
    Proposed,
    Push,
    Restart,
    Revise,
    Script,
    Wait,
    Withdraw,
)
from service_world import play

EXAMPLES = int(os.environ.get("HEADGATE_EXAMPLES", "3"))

which = st.integers(0, 19)
proposed = st.builds(
    Proposed,
    st.sets(st.integers(0, AREAS - 1), min_size=1, max_size=3).map(lambda a: tuple(sorted(a))),
    st.sampled_from([True] * 4 + [False]),
    st.sampled_from([0] * 4 + [1, 2, 3]),
    st.sampled_from([False] * 9 + [True]),
)
push = st.builds(Push, proposed, st.sampled_from(["ada", "bob"]), st.sampled_from([0] * 6 + [1, 2]))
end = st.builds(End, which)
people = st.one_of(
    st.builds(Revise, which, proposed),
    st.builds(Withdraw, which, st.booleans()),
    st.builds(Again, which),
    st.builds(Hold, which),
    st.builds(Promote, which, st.sampled_from([-1, 1, 2])),
    st.builds(Outside, st.integers(0, AREAS - 1)),
)
faults = st.one_of(
    st.builds(Lose, which),
    st.builds(Die, st.integers(0, 12), st.booleans(), st.sampled_from([0, 0, 1, 2, 3, 5])),
    st.just(Restart()),
)
passing = st.builds(Wait, st.sampled_from([0.3, 3.0, 20.0, 400.0]))
quiet = st.one_of(push, push, end, end, end, people, passing)
anything = st.one_of(push, push, end, end, end, people, faults, passing)
mostly = st.sampled_from([True, True, True, False])


def scripts(acts: st.SearchStrategy, settles: st.SearchStrategy[bool], least: int, most: int):
    """Begins with arrivals, more than there are slots: then builds are fused."""
    arrivals = st.lists(st.tuples(push, settles), min_size=3, max_size=7)
    then = st.lists(st.tuples(acts, settles), min_size=least, max_size=most)
    return st.builds(
        lambda first, rest, slots, fuse, seed: Script((*first, *rest), slots, fuse, seed),
        arrivals,
        then,
        st.sampled_from([1, 2, 3]),
        st.sampled_from([1, 4, 8]),
        st.integers(0, 99),
    )


def holds(script: Script) -> None:
    story = play(script)
    assert not story.wrong, story.told()


slow = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@settings(slow, max_examples=EXAMPLES)
@given(scripts(anything, mostly, 8, 18))
def test_only_what_was_tested_lands_and_each_has_one_verdict_whatever_happens(script: Script):
    holds(script)


@settings(slow, max_examples=max(1, EXAMPLES // 3))
@given(scripts(anything, st.just(True), 5, 10))
def test_the_same_happens_again_when_the_same_is_told_again(script: Script):
    """The whole stream of events, commits and trees included, but for the hashes over times."""
    assert play(script).stream() == play(script).stream()


def test_a_restart_while_nothing_is_under_way_changes_nothing():
    """What was learned, of durations, of whom to trust, is learned again from the store."""
    before = [
        Push(Proposed((0, 1))),
        Wait(900.0),
        *[End(0)] * 3,
        Push(Proposed((1,), sound=False), "bob"),
        Wait(30.0),
        *[End(0)] * 3,
    ]
    after = [
        Push(Proposed((0, 1))),
        Push(Proposed((1,))),
        Push(Proposed((1, 2), clashes=1), "bob"),
        Wait(30.0),
        *[End(1), Wait(5.0)] * 6,
    ]

    def told(between: Wait | Restart):
        acts = tuple((act, True) for act in (*before, between, *after))
        return play(Script(acts, slots=2, fuse=4))

    quietly, restarted = told(Wait(0.0)), told(Restart())
    assert not quietly.wrong, quietly.told()
    at_rest = [e for e in restarted.events if "the server stopped" in str(e.data)]
    assert at_rest == []
    assert quietly.stream() == restarted.stream()


def test_members_of_a_fused_build_are_judged_one_by_one():
    """Of seven in builds of up to eight, the one that fails is ejected, and nobody else."""
    acts = tuple((Push(Proposed((n % AREAS,), sound=n != 2)), True) for n in range(7))
    story = play(Script(acts, slots=1, fuse=8, seed=1))
    assert not story.wrong, story.told()
    assert story.landings == 6
    shared = [
        e for e in story.events if e.kind == "build.started" and len(list(e.data["jobs"])) > 1
    ]  # type: ignore[call-overload]
    assert shared


def test_one_that_others_depend_on_is_tested_when_it_was_pushed_again():
    """It stands behind them then, and each of the three waited for the others for ever."""
    acts = (
        Push(Proposed((0,))),
        Push(Proposed((1, 2))),
        Push(Proposed((1, 2, 3)), depends=1),
        Push(Proposed((3,)), depends=2),
        Revise(1, Proposed((0, 1))),
    )
    story = play(Script(tuple((act, True) for act in acts), slots=1, fuse=8))
    assert not story.wrong, story.told()
    assert story.landings == 4


@pytest.mark.long
@pytest.mark.skipif(EXAMPLES < 50, reason="a campaign: set HEADGATE_EXAMPLES")
@settings(slow, max_examples=EXAMPLES)
@given(scripts(anything, mostly, 30, 60))
def test_long_stories_hold_too(script: Script):
    holds(script)
