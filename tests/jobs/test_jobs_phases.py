"""Phases of a run, what jobs hand to each other, secrets, and areas that are kept: for real."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from jobs_bench import Bench, MakeBench

from headgate.jobs.build import BuildPlan, PlannedJob, run_build
from headgate.jobs.dispatch.handover import BadResult, read_result
from headgate.jobs.dispatch.interface import Phase, Retry, Returned, RunRequest, RunResult
from headgate.jobs.redact import Redactor
from headgate.model.ids import JobRunId
from headgate.model.job import BuildState, JobDefinition, RunState, Step

pytestmark = pytest.mark.sandbox


class Told:
    """A sink that remembers how runs ended."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.results: list[tuple[str, RunResult]] = []

    def created(self, project: str, job: str, attempt: int, voting: bool) -> JobRunId:
        self.names.append(job)
        return JobRunId(1000 + len(self.names))

    def started(self, run: JobRunId, at: float) -> None: ...

    def finished(self, run: JobRunId, result: RunResult) -> None:
        self.results.append((self.names[run - 1001], result))


def planned(bench: Bench, *jobs: JobDefinition) -> BuildPlan:
    checkout = bench.git.project("tool", {"README": "hello\n"})

    def one(job: JobDefinition) -> PlannedJob:
        def request(run: JobRunId, attempt: int) -> RunRequest:
            return replace(
                bench.request(job, checkouts=(checkout,)),
                run=run,
                log=bench.place / "logs" / f"{run}.log",
                artifacts=bench.place / "artifacts" / str(run),
            )

        return PlannedJob("tool", job, request)

    return BuildPlan(tuple(one(job) for job in jobs))


# -- phases ----------------------------------------------------------------------------------


async def test_the_phases_share_the_area_and_run_in_order(bench: Bench) -> None:
    result, log = await bench.sh(
        "cat ~/made; echo run > /tmp/after",
        pre=Step(script="echo pre > ~/made; echo preparing"),
        post=Step(argv=("sh", "-c", "cat /tmp/after; echo $HEADGATE_OUTCOME")),
    )
    assert result.state is RunState.PASSED, log
    lines = [line for line in log.splitlines() if not line.startswith("# headgate: passed")]
    assert lines[-7:] == [
        "# headgate: pre",
        "preparing",
        "# headgate: run",
        "pre",
        "# headgate: post",
        "run",
        "passed",
    ]


async def test_post_runs_whatever_happened_and_its_failure_is_one(bench: Bench) -> None:
    post = Step(script="echo post saw $HEADGATE_OUTCOME")
    result, log = await bench.sh("exit 3", post=post)
    assert (result.state, result.exit_code) == (RunState.FAILED, 3)
    assert "post saw failed" in log
    result, log = await bench.sh("sleep 60", post=post, timeout=0.3)
    assert result.state is RunState.TIMED_OUT
    assert "post saw timed out" in log
    result, log = await bench.sh("true", post=Step(script="exit 4"))
    assert (result.state, result.phase) == (RunState.FAILED, Phase.POST)
    assert result.reason == "post failed: The script ended with exit code 4."
    result, log = await bench.sh("exit 3", post=Step(script="exit 4"))
    assert result.phase is Phase.RUN
    assert result.reason == (
        "The script ended with exit code 3. And post failed: The script ended with exit code 4."
    )


async def test_a_failing_pre_keeps_the_job_from_running(bench: Bench) -> None:
    result, log = await bench.sh(
        "echo never",
        pre=Step(script="exit 9"),
        post=Step(script="echo tidy $HEADGATE_OUTCOME"),
    )
    assert (result.state, result.phase, result.exit_code) == (RunState.FAILED, Phase.PRE, 9)
    assert result.reason == "pre failed: The script ended with exit code 9."
    assert "never" not in log
    assert "tidy failed" in log


async def test_each_phase_has_its_own_time(bench: Bench) -> None:
    result, _ = await bench.sh("true", pre=Step(script="sleep 60"), pre_timeout=0.3)
    assert (result.state, result.phase) == (RunState.TIMED_OUT, Phase.PRE)
    assert result.reason.startswith("pre failed: It ran longer than its timeout of 0.3 s")
    result, _ = await bench.sh("true", post=Step(script="sleep 60"), post_timeout=0.2)
    assert (result.state, result.phase) == (RunState.TIMED_OUT, Phase.POST)
    result, _ = await bench.sh("sleep 0.5", timeout=30, pre_timeout=0.2, post_timeout=0.2)
    assert result.state is RunState.PASSED


async def test_a_build_tries_a_pre_again_that_fails_but_not_the_job(bench: Bench) -> None:
    told = Told()
    jobs = JobDefinition("bad", script="exit 1", pre=Step(script="exit 1"), fail_fast=False)
    ready = JobDefinition("ready", script="exit 1", pre=Step(script="true"))
    result = await run_build(planned(bench, jobs), bench.dispatcher, told)
    assert result.reason == (
        "Job bad of tool failed: pre failed: The script ended with exit code 1."
    )
    assert len(told.results) == 3
    told = Told()
    await run_build(planned(bench, ready), bench.dispatcher, told)
    assert len(told.results) == 1


async def test_nothing_is_left_of_a_phase_when_the_run_is_cancelled(bench: Bench) -> None:
    job = JobDefinition("j", script="true", pre=Step(script="sleep 100"), post=Step(script="true"))
    begun = asyncio.Event()
    task = asyncio.create_task(bench.dispatcher.run(bench.request(job), lambda _: begun.set()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await bench.idle()


# -- output ----------------------------------------------------------------------------------


async def test_a_line_of_output_fails_the_run_at_once(bench: Bench) -> None:
    began = time.monotonic()
    result, log = await bench.sh(
        "echo fine; echo 'ERROR: disk full'; sleep 60", fail_on_output=("^ERROR: ",)
    )
    assert time.monotonic() - began < 20
    assert result.state is RunState.FAILED
    assert result.reason == "A line of its output matches `^ERROR: `: `ERROR: disk full`."
    assert "disk full" in log
    result, _ = await bench.sh("printf 'ERROR: x'", fail_on_output=("^ERROR: ",))
    assert result.state is RunState.FAILED, "a last line counts though the script passed"
    result, _ = await bench.sh("echo no ERROR: here", fail_on_output=("^ERROR: ",))
    assert result.state is RunState.PASSED


async def test_an_expression_that_the_engine_does_not_take_is_told(bench: Bench) -> None:
    job = JobDefinition("job", script="true", fail_on_output=("(?=x)",))
    result = await bench.dispatcher.run(bench.request(job), lambda _: None)
    assert (result.state, result.retry) == (RunState.FAILED, Retry.USELESS)
    assert "fail-on-output of job job: `(?=x)` cannot be used" in result.reason


# -- what is shown ---------------------------------------------------------------------------


async def test_a_job_is_shown_only_what_it_reads(bench: Bench) -> None:
    files = {"src/a.py": "1", "src/deep/b.py": "2", "docs/x.md": "3", "secret.txt": "4"}
    tool = bench.git.project("tool", files)
    lib = bench.git.project("lib", {"include/x.h": "1", "lib.c": "2"})
    job = JobDefinition("job", script="cd ..; find . -type f | sort", reads=("src/**",))
    checkouts = (replace(tool, reads=("src/**",)), replace(lib, reads=("*.c",)))
    for _ in range(3):  # Fresh, then copied from a kept checkout of the same patterns.
        result, log = await bench.run(bench.request(job, checkouts=checkouts))
        assert result.state is RunState.PASSED
        shown = [line for line in log.splitlines() if line.startswith("./")]
        assert shown == ["./lib/lib.c", "./tool/src/a.py", "./tool/src/deep/b.py"]
    _, log = await bench.run(bench.request(job, checkouts=(tool,)))
    assert "./tool/secret.txt" in log


# -- handing on ------------------------------------------------------------------------------


async def test_jobs_return_children_and_data_and_others_find_them(bench: Bench) -> None:
    told = Told()
    answer = {"children": ["use"], "data": {"image": {"tag": "7"}}}
    result = await run_build(
        planned(
            bench,
            JobDefinition(
                "plan",
                script=f"echo '{json.dumps(answer)}' > $HEADGATE_RESULT",
                chooses=("load",),
            ),
            JobDefinition(
                "use",
                script="cat $HEADGATE_DATA > $HEADGATE_ARTIFACTS/seen; ! touch $HEADGATE_DATA",
                needs=("plan",),
            ),
            JobDefinition("load", script="exit 1", needs=("plan",)),
        ),
        bench.dispatcher,
        told,
    )
    assert result.state is BuildState.PASSED, result
    assert [(name, r.state.value) for name, r in told.results] == [
        ("plan", "passed"),
        ("load", "skipped"),
        ("use", "passed"),
    ]
    run = 1001 + told.names.index("use")
    seen = json.loads((bench.place / "artifacts" / str(run) / "seen").read_text())
    assert seen == {"image": {"tag": "7"}}


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo nonsense > $HEADGATE_RESULT", "it is no JSON"),
        ("echo '[]' > $HEADGATE_RESULT", "it is no JSON object"),
        ("echo '{\"childs\": []}' > $HEADGATE_RESULT", "the key `childs` is none of"),
        ('echo \'{"children": "a"}\' > $HEADGATE_RESULT', "`children` is no list of names"),
        ("echo '{\"children\": [1]}' > $HEADGATE_RESULT", "`children` is no list of names"),
        ("echo '{\"data\": []}' > $HEADGATE_RESULT", "`data` is no object"),
        ('echo \'{"data": {"a": NaN}}\' > $HEADGATE_RESULT', "NaN is no number"),
        ('echo \'{"data": {"a": -1e999}}\' > $HEADGATE_RESULT', "-1e999 is too large a number"),
        ("ln -s /etc/passwd $HEADGATE_RESULT", "it is no plain file"),
        ("mkfifo $HEADGATE_RESULT", "it is no plain file"),
        ("mkdir $HEADGATE_RESULT", "it is no plain file"),
        ("head -c 2000000 /dev/zero > $HEADGATE_RESULT", "it is larger than 1 MiB"),
        (
            'python3 -c \'print("{\\"data\\": {\\"a\\": " + "[" * 40 + "]" * 40 + "}}")\''
            " > $HEADGATE_RESULT",
            "nests deeper than 32",
        ),
    ],
)
async def test_a_result_that_cannot_be_used_fails_the_job(
    bench: Bench, script: str, why: str
) -> None:
    result, log = await bench.sh(script)
    assert result.state is RunState.FAILED, log
    assert result.reason.startswith("What it wrote to $HEADGATE_RESULT cannot be used: ")
    assert why in result.reason


@pytest.mark.parametrize(
    "written", ["tok/en+word", r"tok\/en+word", r"\u0074ok\u002Fen+word", "tok/en%2bword"]
)
def test_a_result_that_holds_a_secret_is_refused_however_it_is_written(
    tmp_path: Path, written: str
) -> None:
    (tmp_path / "result.json").write_text('{"data": {"a": "' + written + '"}}')
    with pytest.raises(BadResult, match="it holds a secret"):
        read_result(tmp_path, Redactor(["tok/en+word"]))
    assert read_result(tmp_path, Redactor(["another-word"])).data["a"]


async def test_a_failing_job_returns_nothing(bench: Bench) -> None:
    result, _ = await bench.sh("echo '{\"children\": []}' > $HEADGATE_RESULT; exit 1")
    assert result.returned == Returned()


async def test_required_artifacts_are_laid_out_and_cannot_be_altered(bench: Bench) -> None:
    told = Told()
    make = "mkdir -p $HEADGATE_ARTIFACTS/d; echo {0} > $HEADGATE_ARTIFACTS/d/{0}; echo {0} > $HEADGATE_ARTIFACTS/same"  # noqa: E501
    look = "cd $HEADGATE_REQUIRED; find . | sort; cat wheel/same; ! touch wheel/x"
    result = await run_build(
        planned(
            bench,
            JobDefinition("use", script=look, requires=("wheel", "image")),
            JobDefinition("a", script=make.format("a"), provides=("wheel",)),
            JobDefinition("b", script=make.format("b"), provides=("wheel",), after=("a",)),
        ),
        bench.dispatcher,
        told,
    )
    assert result.state is BuildState.PASSED
    log = (bench.place / "logs" / f"{1001 + told.names.index('use')}.log").read_text()
    shown = [line for line in log.splitlines() if not line.startswith("# headgate")]
    assert shown[:-1] == [".", "./image", "./wheel", "./wheel/d", "./wheel/d/a", "./wheel/d/b",
                          "./wheel/same", "b"]  # fmt: skip
    assert "Read-only file system" in shown[-1]
    assert "# headgate: nobody provides image: $HEADGATE_REQUIRED/image is empty" in log
    assert f"# headgate: wheel comes from run {1001 + told.names.index('a')}" in log


async def test_a_paused_job_gives_its_slot_to_those_that_need_it(make_bench: MakeBench) -> None:
    bench = make_bench(slots=1)
    told = Told()
    service = JobDefinition(
        "service",
        script="echo up > $HEADGATE_ARTIFACTS/address; echo {} > $HEADGATE_RESULT; touch ~/mine",
        post=Step(script="test -f ~/mine; echo going down"),
        pause=True,
        provides=("address",),
    )
    use = JobDefinition(
        "use",
        script="cat $HEADGATE_REQUIRED/address/address",
        needs=("service",),
        requires=("address",),
    )
    async with asyncio.timeout(30):
        result = await run_build(planned(bench, use, service), bench.dispatcher, told)
    assert result.state is BuildState.PASSED, told.results
    assert [name for name, _ in told.results] == ["use", "service"]
    log = (bench.place / "logs" / f"{1001 + told.names.index('service')}.log").read_text()
    assert "# headgate: pausing until every job that needs this one has ended" in log
    assert log.index("going on") < log.index("going down")
    await bench.idle()


async def test_a_paused_job_ends_with_its_build(make_bench: MakeBench) -> None:
    bench = make_bench(slots=1)
    told = Told()
    jobs = (
        JobDefinition("service", script="true", pause=True),
        JobDefinition("bad", script="exit 1", needs=("service",)),
    )
    async with asyncio.timeout(30):
        result = await run_build(planned(bench, *jobs), bench.dispatcher, told)
    assert result.state is BuildState.FAILED
    ends = {name: r.state for name, r in told.results}
    assert ends == {"service": RunState.CANCELLED, "bad": RunState.FAILED}
    await bench.idle()


async def test_a_paused_run_is_lost_when_the_dispatcher_closes(bench: Bench) -> None:
    paused = asyncio.Event()

    async def pause(returned: Returned) -> str:
        paused.set()
        await asyncio.sleep(100)
        return ""

    request = replace(bench.request(JobDefinition("j", script="true", pause=True)), pause=pause)
    task = asyncio.create_task(bench.dispatcher.run(request, lambda _: None))
    await paused.wait()
    await bench.dispatcher.close()
    assert (await task).state is RunState.LOST


# -- secrets ---------------------------------------------------------------------------------

SECRET = "s3cr3t-t0ken-of-ada"


def command_lines() -> str:
    shown = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True)
    return shown.stdout


async def test_a_secret_is_given_and_never_shown(bench: Bench) -> None:
    encoded = base64.b64encode(SECRET.encode()).decode()
    job = JobDefinition(
        "job",
        script=(
            'echo "plain $TOKEN"; printf %s "$TOKEN" | base64; echo "$TOKEN" | fold -w 4;'
            ' printf s3cr3t-; sleep 0.3; echo t0ken-of-ada; test "$TOKEN" = "$EXPECTED"; sleep 1'
        ),
        pre=Step(script='echo "pre $TOKEN"'),
        env={"EXPECTED": SECRET},
        secrets={"TOKEN": "token"},
    )
    request = replace(bench.request(job), secrets={"TOKEN": SECRET})
    seen: list[str] = []
    begun = asyncio.Event()
    quiet = replace(request, job=replace(job, env={}, script="sleep 1"))
    task = asyncio.create_task(bench.dispatcher.run(quiet, lambda _: begun.set()))
    await begun.wait()
    for _ in range(8):
        seen.append(await asyncio.to_thread(command_lines))
        await asyncio.sleep(0.1)
    assert (await task).state is RunState.PASSED
    assert any("sleep 1" in text for text in seen)
    assert not any(SECRET in text for text in seen), "a command line showed it to everybody"
    result, log = await bench.run(replace(request, run=JobRunId(77)))
    assert result.state is RunState.PASSED, log
    assert "plain ***" in log
    assert "pre ***" in log
    for line in (SECRET, encoded, SECRET[:7] + "\n"):
        assert line not in log
    assert SECRET not in log.replace("\n", "")


async def test_a_secret_is_not_handed_on_in_a_result(bench: Bench) -> None:
    job = JobDefinition(
        "job", script='echo "{\\"data\\": {\\"t\\": \\"$TOKEN\\"}}" > $HEADGATE_RESULT'
    )
    result, _ = await bench.run(replace(bench.request(job), secrets={"TOKEN": SECRET}))
    assert result.state is RunState.FAILED
    assert "it holds a secret, which other jobs must not see" in result.reason


async def test_a_reason_does_not_quote_a_secret(bench: Bench) -> None:
    job = JobDefinition("job", script="echo ERROR: $TOKEN", fail_on_output=("^ERROR",))
    result, _ = await bench.run(replace(bench.request(job), secrets={"TOKEN": SECRET}))
    assert result.reason == "A line of its output matches `^ERROR`: `ERROR: ***`."


async def test_a_run_says_why_it_is_not_given_its_secrets(bench: Bench) -> None:
    job = JobDefinition("job", script='test -z "${TOKEN:-}"', secrets={"TOKEN": "token"})
    request = replace(bench.request(job), withheld="the change alters the job")
    result, log = await bench.run(request)
    assert result.state is RunState.PASSED
    assert "# headgate: secrets are not given: the change alters the job" in log


async def test_a_secret_that_no_variable_can_hold_is_told(bench: Bench) -> None:
    request = replace(
        bench.request(JobDefinition("job", script="true")), secrets={"T": "a\0bcdefg"}
    )
    result, _ = await bench.run(request)
    assert result.state is RunState.FAILED
    assert "'T' holds a NUL character" in result.reason


# -- areas that are kept ---------------------------------------------------------------------


async def test_the_area_of_a_failed_run_is_kept_when_somebody_wants_it(bench: Bench) -> None:
    asked: list[tuple[str, Path]] = []

    def wanted(request: RunRequest, place: Path) -> bool:
        asked.append((request.job.name, place))
        return len(asked) == 2

    bench.dispatcher.wanted = wanted
    script = "echo left > /tmp/evidence; echo made > made; "
    await bench.sh(script + "true")
    assert asked == []
    await bench.sh(script + "exit 1")
    result, log = await bench.sh(script + "sleep 60", timeout=0.3)
    assert result.state is RunState.TIMED_OUT
    place = asked[1][1]
    assert f"# headgate: the work area is kept at {place}" in log
    assert not asked[0][1].exists()
    assert (place / "work/tmp/evidence").read_text() == "left\n"
    assert (place / "work/src/tool/made").read_text() == "made\n"
    await bench.idle()
    await bench.dispatcher.let_go(bench.place)
    assert bench.place.exists(), "nothing else can be removed this way"
    await bench.dispatcher.let_go(place)
    assert not place.exists()
