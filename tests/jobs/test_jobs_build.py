"""A build: order, attempts, early stop, and whose fault a failure is."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jobs_bench import Bench

from headgate.jobs.build import BuildPlan, BuildResult, PlannedJob, run_build
from headgate.jobs.dispatch.interface import Retry, RunRequest, RunResult
from headgate.model.ids import JobRunId
from headgate.model.job import BuildState, JobDefinition, RunState


@dataclass
class Diary:
    """A sink that remembers."""

    lines: list[str] = field(default_factory=list)
    names: dict[JobRunId, str] = field(default_factory=dict)
    states: dict[JobRunId, RunState | None] = field(default_factory=dict)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def created(self, project: str, job: str, attempt: int, voting: bool) -> JobRunId:
        run = JobRunId(len(self.names) + 1)
        self.names[run] = f"{project}/{job}" + (f" #{attempt}" if attempt > 1 else "")
        self.states[run] = None
        return run

    def started(self, run: JobRunId, at: float) -> None:
        self.lines.append(f"{self.names[run]} starts")
        self.begun.set()

    def finished(self, run: JobRunId, result: RunResult) -> None:
        assert self.states[run] is None
        self.states[run] = result.state
        self.lines.append(f"{self.names[run]} {result.state.value}")

    @property
    def ends(self) -> list[str]:
        return [line for line in self.lines if not line.endswith(" starts")]


@dataclass
class Script:
    """A dispatcher whose runs end as written: for outcomes that no sandbox brings about at will."""

    outcomes: dict[str, list[RunState]]
    retry: Retry = Retry.MAY_HELP
    slots: int = 4
    order: list[str] = field(default_factory=list)

    async def run(self, request: RunRequest, on_start: object) -> RunResult:
        self.order.append(request.job.name)
        await asyncio.sleep(0)
        coming = self.outcomes.get(request.job.name, [RunState.PASSED])
        state = coming.pop(0) if len(coming) > 1 else coming[0]
        return RunResult(state, None, "so it was written.", 1.0, 2.0, retry=self.retry)

    async def close(self) -> None:
        pass


def plan(*jobs: JobDefinition) -> BuildPlan:
    def request_for(job: JobDefinition) -> PlannedJob:
        return PlannedJob(
            "p",
            job,
            lambda run, attempt: RunRequest(
                run, job, "p", (), None, False, {}, Path("log"), Path("artifacts")
            ),
        )

    return BuildPlan(tuple(request_for(job) for job in jobs))


def job(name: str, *needs: str, **changes: object) -> JobDefinition:
    return JobDefinition(name, argv=("true",), needs=needs, **changes)  # type: ignore[arg-type]


async def play(script: Script, *jobs: JobDefinition) -> tuple[BuildResult, Diary]:
    diary = Diary()
    return await run_build(plan(*jobs), script, diary), diary


async def test_jobs_run_after_what_they_need() -> None:
    script = Script({})
    result, _ = await play(script, job("c", "a", "b"), job("b", "a"), job("a"))
    assert result == BuildResult(BuildState.PASSED, "")
    assert script.order == ["a", "b", "c"]


async def test_a_build_without_jobs_passes() -> None:
    result, diary = await play(Script({}))
    assert result.state is BuildState.PASSED
    assert diary.lines == []


async def test_a_failing_job_is_tried_as_often_as_it_says() -> None:
    script = Script({"flaky": [RunState.FAILED, RunState.TIMED_OUT, RunState.PASSED]})
    result, diary = await play(script, job("flaky", attempts=3))
    assert result.state is BuildState.PASSED
    assert diary.lines == ["p/flaky failed", "p/flaky #2 timed out", "p/flaky #3 passed"]


async def test_trouble_of_the_machine_is_tried_again_and_not_counted() -> None:
    script = Script({"j": [RunState.INFRASTRUCTURE, RunState.LOST, RunState.PASSED]})
    result, _ = await play(script, job("j"))
    assert result.state is BuildState.PASSED


async def test_trouble_that_stays_is_not_the_changes_fault() -> None:
    result, diary = await play(Script({"j": [RunState.INFRASTRUCTURE]}), job("j"), job("k", "j"))
    assert result.state is BuildState.INFRASTRUCTURE
    assert result.reason == "Job j of p could not be run: so it was written."
    assert diary.ends.count("p/k skipped") == 1
    assert len(diary.lines) == 4


async def test_trouble_that_only_a_person_can_mend_is_not_tried_again() -> None:
    script = Script({"j": [RunState.INFRASTRUCTURE]}, retry=Retry.USELESS)
    result, diary = await play(script, job("j"))
    assert result.state is BuildState.INFRASTRUCTURE
    assert diary.lines == ["p/j infrastructure"]


async def test_a_failure_outweighs_trouble() -> None:
    script = Script({"j": [RunState.INFRASTRUCTURE], "bad": [RunState.FAILED]})
    result, _ = await play(script, job("j"), job("slow", "ok"), job("ok"), job("bad", "slow"))
    assert result.state is BuildState.FAILED


async def test_a_voting_job_that_could_not_run_is_never_passed_over() -> None:
    script = Script({"opinion": [RunState.INFRASTRUCTURE]})
    result, _ = await play(script, job("opinion", voting=False), job("tests", "opinion"))
    assert result.state is BuildState.INFRASTRUCTURE
    assert result.reason.startswith("Job tests of p was skipped: Job opinion")


async def test_a_job_without_a_vote_decides_nothing() -> None:
    script = Script({"opinion": [RunState.FAILED]})
    result, _ = await play(script, job("opinion", voting=False), job("tests"))
    assert result.state is BuildState.PASSED


async def test_a_job_that_needs_a_failed_one_is_skipped() -> None:
    script = Script({"opinion": [RunState.FAILED]})
    jobs = (job("opinion", voting=False), job("next", "opinion", voting=False))
    result, diary = await play(script, *jobs)
    assert result.state is BuildState.PASSED
    assert diary.ends == ["p/opinion failed", "p/next skipped"]
    result, _ = await play(script, job("opinion", voting=False), job("tests", "opinion"))
    assert result.state is BuildState.FAILED
    assert "skipped: Job opinion, which it needs, ended as failed." in result.reason


async def test_needs_that_cannot_be_met_are_a_defect() -> None:
    with pytest.raises(ValueError, match="needs of p/a cannot be met"):
        await play(Script({}), job("a", "gone"), job("c"))
    with pytest.raises(ValueError, match="circle: p/a → p/b → p/a"):
        await play(Script({}), job("a", "b"), job("b", "a"), job("c"))


@pytest.mark.sandbox
async def test_the_first_failure_ends_all_else(bench: Bench) -> None:
    definitions = (
        JobDefinition("slow", script="sleep 100"),
        JobDefinition("bad", script="sleep 0.2; exit 1"),
        JobDefinition("after", script="true", needs=("slow",)),
    )
    checkout = bench.git.project("tool", {"a": "b"})

    def planned(definition: JobDefinition) -> PlannedJob:
        request = bench.request(definition, checkouts=(checkout,))
        return PlannedJob("tool", definition, lambda run, attempt: request)

    diary = Diary()
    began = time.monotonic()
    result = await run_build(BuildPlan(tuple(map(planned, definitions))), bench.dispatcher, diary)
    assert time.monotonic() - began < 10
    assert result.state is BuildState.FAILED
    assert result.reason == "Job bad of tool failed: The script ended with exit code 1."
    assert sorted(diary.ends) == ["tool/bad failed", "tool/slow cancelled"]
    await bench.idle()


@pytest.mark.sandbox
async def test_a_cancelled_build_tells_of_every_run(bench: Bench) -> None:
    definition = JobDefinition("slow", script="sleep 100")
    checkout = bench.git.project("tool", {"a": "b"})
    request = bench.request(definition, checkouts=(checkout,))
    diary = Diary()
    task = asyncio.create_task(
        run_build(
            BuildPlan((PlannedJob("tool", definition, lambda run, attempt: request),)),
            bench.dispatcher,
            diary,
        )
    )
    await diary.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert diary.ends == ["tool/slow cancelled"]
    await bench.idle()


FINAL = st.sampled_from(
    [RunState.PASSED, RunState.FAILED, RunState.TIMED_OUT, RunState.INFRASTRUCTURE, RunState.LOST]
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[JobDefinition], dict[str, list[RunState]]]:
    jobs: list[JobDefinition] = []
    for number in range(draw(st.integers(0, 6))):
        names = [other.name for other in jobs]
        needs = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
        jobs.append(
            job(
                f"j{number}",
                *needs,
                voting=draw(st.booleans()),
                attempts=draw(st.integers(1, 3)),
            )
        )
    outcomes = {each.name: draw(st.lists(FINAL, min_size=1, max_size=5)) for each in jobs}
    return jobs, outcomes


@settings(deadline=None)
@given(stories())
def test_whatever_happens_a_build_ends_with_the_right_blame(
    story: tuple[list[JobDefinition], dict[str, list[RunState]]],
) -> None:
    jobs, outcomes = story
    result, diary = asyncio.run(play(Script(outcomes), *jobs))
    assert None not in diary.states.values(), "a run was created and never finished"
    last: dict[str, RunState] = {}
    for run, state in diary.states.items():
        assert state is not None
        last[diary.names[run].split("/")[1].split(" ")[0]] = state
    voting = {each.name for each in jobs if each.voting}
    failed = {name for name in voting if last.get(name) in (RunState.FAILED, RunState.TIMED_OUT)}
    if result.state is BuildState.PASSED:
        assert all(last[name] is RunState.PASSED for name in voting)
        assert result.reason == ""
    elif result.state is BuildState.INFRASTRUCTURE:
        assert not failed
        assert {RunState.INFRASTRUCTURE, RunState.LOST} & set(last.values())
    else:
        blamed = set(last.values()) & {RunState.FAILED, RunState.TIMED_OUT}
        assert result.state is BuildState.FAILED
        assert blamed, "nobody failed, and the change was blamed"
