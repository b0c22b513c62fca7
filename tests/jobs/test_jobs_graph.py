"""A build as a graph of jobs: soft edges, fail-fast, chosen children, pauses, what is handed on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.jobs.build import MOST_DATA, BuildPlan, BuildResult, PlannedJob, run_build
from headgate.jobs.dispatch.interface import Phase, Retry, Returned, RunRequest, RunResult
from headgate.jobs.graph import Blame, Graph
from headgate.jobs.semaphores import Semaphores
from headgate.model.ids import JobRunId
from headgate.model.job import BuildState, JobDefinition, RunState


@dataclass
class Stage:
    """A dispatcher whose runs end as written, with `slots` of them at once, and a sink."""

    outcomes: Mapping[str, RunState] = field(default_factory=dict)
    returned: Mapping[str, Returned] = field(default_factory=dict)
    phases: Mapping[str, Phase] = field(default_factory=dict)
    slots: int = 2
    told: list[str] = field(default_factory=list)
    requests: dict[str, RunRequest] = field(default_factory=dict)
    results: dict[str, RunResult] = field(default_factory=dict)
    names: dict[JobRunId, str] = field(default_factory=dict)
    holding: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.free = asyncio.Semaphore(self.slots)

    def _hold(self, job: JobDefinition, by: int) -> None:
        for name in job.semaphores:
            self.holding[name] = self.holding.get(name, 0) + by
            self.most[name] = max(self.most.get(name, 0), self.holding[name])

    async def run(self, request: RunRequest, on_start: Any) -> RunResult:
        name = request.job.name
        self.requests[name] = request
        returned = self.returned.get(name, Returned())
        state = self.outcomes.get(name, RunState.PASSED)
        async with self.free:
            self.told.append(f"{name} starts")
            self._hold(request.job, 1)
            for _ in range(3):
                await asyncio.sleep(0)
            self._hold(request.job, -1)
        if state is RunState.PASSED and request.pause is not None:
            self.told.append(f"{name} pauses")
            if why := await request.pause(returned):
                return RunResult(RunState.FAILED, 0, why, 1.0, 2.0)
            async with self.free:
                self._hold(request.job, 1)
                self.told.append(f"{name} goes on")
                await asyncio.sleep(0)
                self._hold(request.job, -1)
        phase = self.phases.get(name, Phase.RUN)
        return RunResult(state, 0, "As written.", 1.0, 2.0, phase=phase, returned=returned)

    async def settle(self, runs: Any, fate: Any) -> None: ...

    async def close(self) -> None: ...

    def created(self, project: str, job: str, attempt: int, voting: bool) -> JobRunId:
        run = JobRunId(len(self.names) + 1)
        self.names[run] = job
        return run

    def started(self, run: JobRunId, at: float) -> None: ...

    def finished(self, run: JobRunId, result: RunResult) -> None:
        self.told.append(f"{self.names[run]} {result.state.value}")
        self.results[self.names[run]] = result

    @property
    def ends(self) -> list[str]:
        busy = (" starts", " pauses", " goes on")
        return [line for line in self.told if not line.endswith(busy)]


def job(name: str, *needs: str, **keys: Any) -> JobDefinition:
    return JobDefinition(name, script="x", needs=needs, origin=name.split(" ")[0], **keys)


async def play(
    stage: Stage, *jobs: JobDefinition, semaphores: Semaphores | None = None
) -> BuildResult:
    def planned(one: JobDefinition) -> PlannedJob:
        def request(run: JobRunId, attempt: int) -> RunRequest:
            place = Path(f"artifacts-of-{one.name}")
            return RunRequest(run, one, "p", (), None, False, {}, Path("log"), place)

        return PlannedJob("p", one, request)

    plan = BuildPlan(tuple(planned(one) for one in jobs))
    async with asyncio.timeout(5):
        return await run_build(plan, stage, stage, lambda: 0.0, semaphores)


async def test_a_job_after_another_runs_whatever_that_one_ends_as() -> None:
    for end in (RunState.FAILED, RunState.TIMED_OUT, RunState.INFRASTRUCTURE, RunState.PASSED):
        stage = Stage({"lint": end})
        await play(stage, job("docs", after=("lint", "elsewhere")), job("lint", voting=False))
        assert stage.ends[-2:] == [f"lint {end.value}", "docs passed"]


async def test_a_failure_that_is_not_fast_lets_the_others_tell_theirs() -> None:
    stage = Stage({"a": RunState.FAILED, "c": RunState.TIMED_OUT})
    jobs = (job("a", fail_fast=False), job("b", "a"), job("c", after=("a",), fail_fast=False))
    result = await play(stage, *jobs, job("d", after=("c",)), job("e", "b"))
    assert result == BuildResult(
        BuildState.FAILED,
        "Job a of p failed: As written. Also: Job c of p timed out: As written.",
    )
    assert stage.ends == ["a failed", "b skipped", "e skipped", "c timed out", "d passed"]


async def test_many_failures_are_counted() -> None:
    names = [f"j{n}" for n in range(8)]
    stage = Stage(dict.fromkeys(names, RunState.FAILED), slots=8)
    result = await play(stage, *(job(name, fail_fast=False) for name in names))
    assert result.reason.count("Also: ") == 4
    assert result.reason.endswith("And 3 more.")


async def test_a_job_that_is_not_ready_is_tried_three_times_at_least() -> None:
    for attempts, tries in ((1, 3), (5, 5)):
        stage = Stage({"a": RunState.FAILED}, phases={"a": Phase.PRE})
        result = await play(stage, job("a", attempts=attempts))
        assert result.state is BuildState.FAILED
        assert stage.ends == ["a failed"] * tries


async def test_a_job_chooses_who_follows() -> None:
    chosen = Returned(children=("unit", "docs"))
    stage = Stage(returned={"plan": chosen})
    jobs = (
        job("plan", chooses=("load",)),
        job("unit (1)", "plan"),
        job("unit (2)", "plan"),
        job("docs", "plan"),
        job("load", "plan"),
        job("report", "load", "unit (1)"),
        job("deploy", "report"),
    )
    result = await play(stage, *jobs)
    assert result == BuildResult(BuildState.PASSED, "")
    assert sorted(stage.ends) == [
        "deploy skipped",
        "docs passed",
        "load skipped",
        "plan passed",
        "report skipped",
        "unit (1) passed",
        "unit (2) passed",
    ]
    assert stage.results["load"].reason == "Job plan chose other jobs to follow it."
    assert stage.results["deploy"].reason == "Job report, which it needs, was not chosen."


async def test_a_job_that_chooses_a_stranger_fails() -> None:
    stage = Stage(returned={"plan": Returned(children=("other",))})
    result = await play(stage, job("plan", attempts=3), job("unit", "plan"), job("other"))
    assert result.state is BuildState.FAILED
    assert "Its result names `other`, which is no job that needs it." in result.reason
    assert stage.ends.count("plan failed") == 1


async def test_the_tested_code_does_not_choose_what_it_is_tested_by() -> None:
    stage = Stage(returned={"tests": Returned(children=())})
    result = await play(stage, job("tests"), job("scan", "tests"))
    assert result.state is BuildState.FAILED
    assert "leaves out `scan`, which its `chooses` does not name" in result.reason


async def test_a_skip_by_choice_does_not_hide_a_skip_by_failure() -> None:
    stage = Stage({"bad": RunState.FAILED}, returned={"plan": Returned(children=())})
    jobs = (
        job("plan", chooses=("a",)),
        job("bad", voting=False),
        job("a", "plan"),
        job("b", "a", "bad"),
    )
    result = await play(stage, *jobs)
    assert result.state is BuildState.FAILED
    assert "Job b of p was skipped: Job bad, which it needs, ended as failed." in result.reason


async def test_what_jobs_return_is_found_by_all_that_need_them() -> None:
    stage = Stage(
        returned={
            "a": Returned(data={"image": "one", "ports": {"web": 1, "db": 2}, "list": [1]}),
            "b": Returned(data={"image": "two", "ports": {"web": 3}, "list": [2]}),
        }
    )
    await play(stage, job("a"), job("b", "a"), job("c", "b"), job("d"))
    assert stage.requests["a"].data is None
    assert stage.requests["b"].data == stage.returned["a"].data
    expected = {"image": "two", "ports": {"web": 3, "db": 2}, "list": [2]}
    assert stage.requests["c"].data == expected
    assert stage.requests["d"].data is None


async def test_what_the_jobs_of_a_build_return_is_bounded_in_all() -> None:
    part = "x" * (MOST_DATA // 2 - 100)
    stage = Stage(returned={name: Returned(data={name: part}) for name in ("a", "b", "c")})
    jobs = (job("a"), job("b", "a"), job("c", after=("b",), attempts=3), job("d", "c"))
    result = await play(stage, *jobs)
    assert stage.requests["b"].data == {"a": part}
    assert result.state is BuildState.FAILED
    assert stage.ends == ["a passed", "b passed", "c failed", "d skipped"]
    assert "Its data (524196 bytes as JSON) and what other jobs of this build" in result.reason
    assert "come to more than 1 MiB." in result.reason
    assert stage.results["c"].retry is Retry.USELESS


async def test_data_that_alone_is_too_large_fails_a_job_that_pauses() -> None:
    stage = Stage(returned={"a": Returned(data={"x": "y" * MOST_DATA})})
    result = await play(stage, job("a", pause=True), job("b", "a"))
    assert result.state is BuildState.FAILED
    assert "come to more than 1 MiB" in result.reason


async def test_artifacts_are_handed_to_those_who_require_them() -> None:
    stage = Stage()
    jobs = (job("use", requires=("wheel", "else")), job("a", provides=("wheel",)))
    await play(stage, *jobs, job("b", provides=("wheel",)))
    assert stage.told.index("use starts") > stage.told.index("b passed")
    found = stage.requests["use"].required
    assert found == {"wheel": (Path("artifacts-of-a"), Path("artifacts-of-b"))}
    assert stage.results["a"].provides == ("wheel",)
    broken = Stage({"a": RunState.FAILED})
    await play(broken, job("use", requires=("wheel",)), job("a", provides=("wheel",), voting=False))
    assert broken.ends == ["a failed", "use skipped"]
    assert broken.results["a"].provides == ()


async def test_a_job_pauses_until_those_that_need_it_have_ended() -> None:
    stage = Stage(slots=1)
    jobs = (
        job("service", pause=True, semaphores=("db",)),
        job("use", "service", semaphores=("db",)),
        job("later", "use", after=("service",)),
        job("other"),
    )
    result = await play(stage, *jobs, semaphores=Semaphores())
    assert result.state is BuildState.PASSED
    own = [line for line in stage.told if not line.startswith("other")]
    assert own == [
        "service starts",
        "service pauses",
        "use starts",
        "use passed",
        "later starts",
        "later passed",
        "service goes on",
        "service passed",
    ]


async def test_a_pause_without_followers_ends_at_once() -> None:
    stage = Stage(returned={"a": Returned(children=(), data={"x": 1})})
    assert (
        await play(stage, job("a", pause=True, chooses=("b",)), job("b", "a"))
    ).state is BuildState.PASSED
    assert stage.ends == ["b skipped", "a passed"]


async def test_a_pausing_job_that_chooses_a_stranger_fails() -> None:
    stage = Stage(returned={"a": Returned(children=("x",))})
    result = await play(stage, job("a", pause=True))
    assert result.state is BuildState.FAILED
    assert "its result names `x`" in result.reason


async def test_pausing_jobs_of_two_builds_never_wait_for_each_others_semaphores() -> None:
    semaphores = Semaphores()
    first, second = Stage(slots=4), Stage(slots=4)

    def jobs(mine: str, yours: str) -> tuple[JobDefinition, ...]:
        return (
            job("service", pause=True, semaphores=(mine,)),
            job("use", "service", semaphores=(yours,)),
        )

    results = await asyncio.gather(
        play(first, *jobs("a", "b"), semaphores=semaphores),
        play(second, *jobs("b", "a"), semaphores=semaphores),
    )
    assert [result.state for result in results] == [BuildState.PASSED] * 2


def test_a_skip_says_who_is_to_blame() -> None:
    graph = Graph({("p", j.name): j for j in (job("a"), job("b", "a"), job("c", "b"))})
    graph.begin(("p", "a"))
    graph.end(("p", "a"), RunState.LOST)
    assert [(s.key[1], s.blame) for s in graph.skips()] == [
        ("b", Blame.COULD_NOT_RUN),
        ("c", Blame.COULD_NOT_RUN),
    ]


def test_needs_that_are_not_there_are_a_defect() -> None:
    with pytest.raises(ValueError, match="the needs of p/a cannot be met"):
        Graph({("p", "a"): job("a", "b")})


_ENDS = st.sampled_from([RunState.PASSED, RunState.FAILED, RunState.INFRASTRUCTURE])


@st.composite
def builds(draw: st.DrawFn) -> tuple[list[JobDefinition], dict[str, RunState], dict[str, Returned]]:
    jobs: list[JobDefinition] = []
    ends: dict[str, RunState] = {}
    returned: dict[str, Returned] = {}
    for number in range(draw(st.integers(1, 7))):
        names = [other.name for other in jobs]
        some = st.lists(st.sampled_from(names), unique=True, max_size=3) if names else st.just([])
        one = job(
            f"j{number}",
            *draw(some),
            after=tuple(draw(some)),
            voting=draw(st.booleans()),
            fail_fast=draw(st.booleans()),
            pause=draw(st.booleans()),
            semaphores=tuple(draw(st.sets(st.sampled_from("ab")))),
        )
        jobs.append(one)
        ends[one.name] = draw(st.one_of(st.just(RunState.PASSED), _ENDS))
    for at, one in enumerate(jobs):
        able = [other.name for other in jobs if one.name in other.needs]
        if able and draw(st.booleans()):
            jobs[at] = replace(one, chooses=tuple(able))
            returned[one.name] = Returned(tuple(draw(st.sets(st.sampled_from(able)))))
    return jobs, ends, returned


@settings(deadline=None)
@given(builds(), st.integers(1, 3))
def test_every_build_comes_to_an_end_and_keeps_its_promises(
    story: tuple[list[JobDefinition], dict[str, RunState], dict[str, Returned]], slots: int
) -> None:
    jobs, ends, returned = story

    async def run() -> tuple[Stage, BuildResult, Semaphores]:
        stage = Stage(ends, returned, slots=slots)
        semaphores = Semaphores()
        return stage, await play(stage, *jobs, semaphores=semaphores), semaphores

    stage, result, semaphores = asyncio.run(run())
    assert semaphores.held("a") == semaphores.held("b") == 0
    assert all(count == 1 for count in stage.most.values())
    order = stage.told
    last = {line.split(" ")[0]: line.split(" ", 1)[1] for line in stage.ends}
    for one in jobs:
        if f"{one.name} starts" not in order:
            continue
        began = order.index(f"{one.name} starts")
        for need in one.needs:
            before = order[:began]
            assert f"{need} passed" in before or f"{need} pauses" in before
        for other in one.after:
            before = order[:began]
            ended = any(line.startswith(f"{other} ") for line in stage.ends if line in before)
            assert ended or f"{other} pauses" in before
    failed = [j.name for j in jobs if j.voting and last.get(j.name) == "failed"]
    if result.state is BuildState.PASSED:
        assert not failed
        assert all(
            last[j.name] == "passed"
            or "chose" in (why := stage.results[j.name].reason)
            or "not chosen" in why
            for j in jobs
            if j.voting
        )
    elif result.state is BuildState.FAILED:
        assert RunState.FAILED in ends.values()
    else:
        assert not failed
        assert RunState.INFRASTRUCTURE in ends.values()
