"""The decisions of pipelines: the table, what a change lacks, what is caused, whose turn it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.gate.pipelines.entrance import Standing, gaps
from headgate.gate.pipelines.phases import EVENTS, TABLE, Signal, step
from headgate.gate.pipelines.planner import (
    Cancel,
    Proposal,
    RunView,
    Snapshot,
    Start,
    Wait,
    plan,
)
from headgate.gate.pipelines.scope import enters_by_itself, gate_of, retests
from headgate.gate.pipelines.triggers import (
    Commented,
    Landed,
    Place,
    Proposed,
    Tagged,
    Target,
    asks,
    due,
    runs_elsewhere,
    runs_for,
    schedules,
)
from headgate.model.change import ChangeState
from headgate.model.config import Policy
from headgate.model.ids import ChangeNumber, Commit, PipelineRunId, ProjectId, RevisionId
from headgate.model.pipeline import (
    Entrance,
    Manager,
    PipelinePolicy,
    PipelineRun,
    Precedence,
    RunPhase,
    Trigger,
    TriggerKind,
)
from headgate.model.queue import BranchKey

HERE = Target(ProjectId(1), "jinja", "main")
HEAD = Commit("a" * 40)


def pipeline(name: str, manager: Manager, *on: TriggerKind, **more: object) -> PipelinePolicy:
    triggers = tuple(Trigger(kind) for kind in on)
    return PipelinePolicy(name, manager, triggers, ("*",), **more)  # type: ignore[arg-type]


CHECK = pipeline("check", Manager.INDEPENDENT, TriggerKind.PUSH)


# -- the table ---------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", list(RunPhase))
@pytest.mark.parametrize("signal", list(Signal))
def test_a_run_that_has_ended_stays_so(phase: RunPhase, signal: Signal) -> None:
    after = step(phase, signal)
    assert after is None or phase.live
    assert signal in EVENTS
    assert (after is not None) == ((phase, signal) in TABLE)


@given(st.lists(st.sampled_from(list(Signal)), max_size=12))
def test_however_it_is_told_a_run_ends_at_most_once(signals: list[Signal]) -> None:
    phase, ends = RunPhase.WAITING, 0
    for signal in signals:
        after = step(phase, signal)
        if after is not None:
            phase = after
            ends += not after.live
    assert ends == (not phase.live)


# -- what a change must have -------------------------------------------------------------------


def test_what_is_missing_is_told_in_words() -> None:
    entrance = Entrance(2, ("check", "lint", "fuzz", "other"), 60.0)
    standing = Standing(
        1000.0,
        1,
        {"lint": RunPhase.FAILED, "fuzz": RunPhase.BUILDING},
        frozenset({"check", "lint", "fuzz"}),
    )
    found = gaps(entrance, standing, 1030.0)
    assert found.words == (
        "needs 1 more approval",
        "needs the pipeline check, which has not run for this revision",
        "needs the pipeline lint, which failed",
        "waits for the pipeline fuzz, which is building",
        "needs the pipeline other, which is not for this project and branch",
        "is too young until 1970-01-01 00:17:40 UTC",
    )
    assert found.again == 1060.0


@given(
    st.integers(0, 3),
    st.integers(0, 3),
    st.floats(0, 100),
    st.floats(0, 200),
    st.sampled_from([None, *RunPhase]),
)
def test_nothing_is_missing_exactly_when_everything_is_there(
    wanted: int, given_: int, age: float, elapsed: float, phase: RunPhase | None
) -> None:
    checks = {} if phase is None else {"check": phase}
    standing = Standing(0.0, given_, checks, frozenset({"check"}))
    found = gaps(Entrance(wanted, ("check",), age), standing, elapsed)
    assert (not found.words) == (given_ >= wanted and phase is RunPhase.PASSED and elapsed >= age)


# -- what is caused ----------------------------------------------------------------------------

EVERY = Policy(
    "p",
    pipelines=(
        CHECK,
        pipeline("post", Manager.SUPERCEDENT, TriggerKind.LANDED, branches=("main",)),
        pipeline("release", Manager.SERIAL, TriggerKind.TAG, branches=("main",)),
        pipeline("canary", Manager.INDEPENDENT, TriggerKind.ELSEWHERE),
        PipelinePolicy(
            "ask",
            Manager.INDEPENDENT,
            (Trigger(TriggerKind.COMMENT, "^run (all|docs)$"),),
            ("jinja",),
        ),
        pipeline("gate", Manager.DEPENDENT, TriggerKind.PUSH, TriggerKind.ELSEWHERE),
    ),
)
LANDED = Landed(HERE, "event/3", "headgate", ChangeNumber(4), Commit("b" * 40), HEAD)


def names(*happenings: object) -> list[str]:
    return [run.pipeline for h in happenings for run in runs_for(h, EVERY)]  # type: ignore[arg-type]


def test_each_event_causes_what_waits_for_it_and_never_the_gate() -> None:
    change, revision = ChangeNumber(4), RevisionId(9)
    assert names(Proposed(HERE, "event/1", "ada", change, revision)) == ["check"]
    assert names(LANDED) == ["post"]
    assert names(replace(LANDED, target=replace(HERE, branch="old"))) == []
    assert names(Tagged(replace(HERE, branch=""), "event/2", "ada", "v1", HEAD)) == ["release"]
    said = Commented(HERE, "event/5", "ada", change, revision, "Please.\n run docs ")
    assert names(said) == ["ask"]
    assert names(replace(said, text="run nothing")) == []
    assert names(replace(said, target=Target(ProjectId(2), "other", "main"))) == []


def test_a_landing_elsewhere_causes_runs_where_jobs_want_the_project() -> None:
    wants = {"main": frozenset({"jinja"}), "old": frozenset({"jinja"})}
    heads = {"main": HEAD, "old": HEAD}
    places = [
        Place(ProjectId(1), "jinja", "main", heads, wants),
        Place(ProjectId(2), "flask", "main", heads, wants),
        Place(ProjectId(3), "click", "main", heads, {}),
        Place(ProjectId(4), "empty", "main", {}, wants),
    ]
    runs = runs_elsewhere(LANDED, places, EVERY)
    assert [(r.pipeline, r.project, r.branch, r.cause) for r in runs] == [
        ("canary", 2, "main", "event/3")
    ]


def test_a_schedule_counts_once_however_often_it_came() -> None:
    nightly = PipelinePolicy(
        "nightly", Manager.INDEPENDENT, (Trigger(TriggerKind.CRON, "0 0 * * *"),), ("*",)
    )
    policy = Policy("p", pipelines=(nightly,))
    (mark,) = schedules(policy)
    assert due(policy, {}, 1000.0) == ((), 86400.0)
    come, later = due(policy, {mark: 1000.0}, 86400.0 * 5 + 1)
    assert [(one.mark, one.time) for one in come] == [(mark, 86400.0)]
    assert later == 86400.0 * 6


def test_the_gate_of_a_branch() -> None:
    main, other = BranchKey("jinja", "main"), BranchKey("jinja", "other")
    quiet = PipelinePolicy(
        "quiet",
        Manager.DEPENDENT,
        (Trigger(TriggerKind.COMMENT, "land"),),
        ("jinja",),
        ("main",),
    )
    policy = Policy("p", pipelines=(CHECK, quiet))
    assert gate_of(policy, main) == quiet
    assert gate_of(policy, other) is None
    assert not enters_by_itself(policy, main)
    assert enters_by_itself(policy, other)
    assert not retests(policy, main)
    assert retests(policy, other)


# -- whose turn it is --------------------------------------------------------------------------


def run(
    id: int, name: str = "check", phase: RunPhase = RunPhase.WAITING, change: int | None = None,
    branch: str = "main", tag: str = "",
) -> PipelineRun:  # fmt: skip
    return PipelineRun(
        id=PipelineRunId(id),
        pipeline=name,
        project=ProjectId(1),
        branch=branch,
        tag=tag,
        trigger=TriggerKind.PUSH,
        cause=f"event/{id}",
        actor="ada",
        change=None if change is None else ChangeNumber(change),
        revision=None if change is None else RevisionId(change),
        phase=phase,
        reason="",
        base=None,
        commit=None,
        tree=None,
        future={},
        build=None,
        rounds=0,
        reported=False,
        created=0.0,
    )


def view(
    of: PipelineRun, policy: PipelinePolicy = CHECK, state: ChangeState = ChangeState.READY,
    current: bool = True,
) -> RunView:  # fmt: skip
    proposal = Proposal(state, current, Standing(0.0)) if of.change is not None else None
    return RunView(of, policy, proposal)


def decided(*views: RunView, most: int = 9) -> list[tuple[str, int]]:
    made = plan(Snapshot(tuple(views), 100.0, most))
    assert made == plan(Snapshot(tuple(views), 100.0, most))
    return [(type(command).__name__, int(command.run)) for command in made.commands]


def test_independent_runs_start_at_once_as_far_as_there_is_room() -> None:
    views = [view(run(n, change=n)) for n in (1, 2, 3)]
    assert decided(*views) == [("Start", 1), ("Start", 2), ("Start", 3)]
    assert decided(*views, most=2) == [("Start", 1), ("Start", 2), ("Wait", 3)]
    urgent = replace(CHECK, name="urgent", precedence=Precedence.HIGH)
    last = view(run(4, "urgent", change=4), urgent)
    assert decided(*views, last, most=1)[0] == ("Start", 4)


@pytest.mark.parametrize(
    ("state", "phase", "expected"),
    [
        (ChangeState.LANDED, RunPhase.BUILDING, "Cancel"),
        (ChangeState.ABANDONED, RunPhase.WAITING, "Cancel"),
        (ChangeState.DENIED, RunPhase.BUILDING, "Cancel"),
        (ChangeState.DENIED, RunPhase.WAITING, "Wait"),
        (ChangeState.CHECKING, RunPhase.WAITING, "Wait"),
        (ChangeState.EJECTED, RunPhase.WAITING, "Start"),
        (ChangeState.QUEUED, RunPhase.WAITING, "Start"),
    ],
)
def test_where_a_change_stands_decides(state: ChangeState, phase: RunPhase, expected: str) -> None:
    assert decided(view(run(1, phase=phase, change=1), state=state)) == [(expected, 1)]


def test_what_is_newer_takes_the_place_of_what_is_older() -> None:
    older = view(run(1, phase=RunPhase.BUILDING, change=1), current=False)
    assert decided(older, view(run(2, change=1))) == [("Cancel", 1), ("Start", 2)]
    same = view(run(1, phase=RunPhase.BUILDING, change=1))
    assert decided(same, view(run(2, change=1))) == [("Cancel", 1), ("Start", 2)]
    post = pipeline("post", Manager.SUPERCEDENT, TriggerKind.LANDED)
    three = [view(run(n, "post"), post) for n in (1, 2, 3)]
    assert decided(*three) == [("Cancel", 1), ("Cancel", 2), ("Start", 3)]
    under_way = view(run(1, "post", RunPhase.BUILDING), post)
    assert decided(under_way, *three[1:]) == [("Cancel", 2), ("Wait", 3)]
    elsewhere = view(run(4, "post", branch="other"), post)
    assert ("Start", 4) in decided(under_way, *three[1:], elsewhere)


def test_serial_runs_take_turns_and_lose_none() -> None:
    serial = pipeline("release", Manager.SERIAL, TriggerKind.TAG)
    tags = [view(run(n, "release", branch="", tag=f"v{n}"), serial) for n in (1, 2)]
    assert decided(*tags) == [("Start", 1), ("Wait", 2)]


def test_trouble_waits_for_its_time() -> None:
    later = replace(view(run(1, change=1)), due=150.0)
    made = plan(Snapshot((later,), 100.0, 9))
    assert (made.commands, made.again) == ((Wait(PipelineRunId(1), "will be tried again"),), 150.0)


PHASES = st.sampled_from([RunPhase.WAITING, RunPhase.BUILDING])
MANAGERS = [Manager.INDEPENDENT, Manager.SERIAL, Manager.SUPERCEDENT]


@given(
    st.sampled_from(MANAGERS),
    st.lists(
        st.tuples(PHASES, st.sampled_from(["main", "old"]), st.sampled_from([None, 1, 2])),
        max_size=10,
    ),
    st.integers(0, 4),
)
def test_what_holds_for_every_plan(
    manager: Manager, given_: list[tuple[RunPhase, str, int | None]], most: int
) -> None:
    policy = replace(CHECK, manager=manager)
    views = [
        view(run(n, "check", phase, change, branch), policy)
        for n, (phase, branch, change) in enumerate(given_, 1)
    ]
    commands = plan(Snapshot(tuple(views), 0.0, most)).commands
    assert len({c.run for c in commands}) == len(commands)
    cancelled = {c.run for c in commands if isinstance(c, Cancel)}
    kept = [v.run for v in views if v.run.id not in cancelled]
    started = [r for r in kept if any(isinstance(c, Start) and c.run == r.id for c in commands)]
    building = [r for r in kept if r.phase is RunPhase.BUILDING]
    assert not started or len(started) + len(building) <= most
    for r in kept:
        if r.phase is RunPhase.WAITING:
            assert any(c.run == r.id for c in commands)  # None is forgotten.
    if manager is not Manager.INDEPENDENT:
        for r in started:
            assert not any(b.branch == r.branch for b in [*building, *started] if b.id != r.id)
    if views:
        assert views[-1].run.id not in cancelled  # The newest is what everybody wants.


def test_no_comment_holds_the_server_up() -> None:
    asked = Trigger(TriggerKind.COMMENT, r"^/test( *\w+)*$")
    one = PipelinePolicy("check", Manager.INDEPENDENT, (asked,), ("*",))
    assert asks(one, "hello\n  /test unit docs\n")
    assert not asks(one, "/test " + "a" * 3900 + "!")
