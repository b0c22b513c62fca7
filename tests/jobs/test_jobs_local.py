"""What a job gets, and what becomes of it, in the real sandbox."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from jobs_bench import Bench, MakeBench

from headgate.jobs.dispatch.interface import Fate, Retry
from headgate.model.job import JobDefinition, RunState

pytestmark = pytest.mark.sandbox


async def test_a_job_that_passes_is_told_with_its_log(bench: Bench) -> None:
    starts: list[float] = []
    request = bench.request(JobDefinition("greet", argv=("cat", "README")))
    result = await bench.dispatcher.run(request, starts.append)
    assert (result.state, result.exit_code, result.reason) == (RunState.PASSED, 0, "")
    assert starts == [result.started]
    log = request.log.read_text()
    assert log.startswith("# headgate: job greet of tool\n")
    assert f"src/tool at {request.checkouts[0].commit}" in log
    assert "\nhello\n" in log
    assert "network off" in log


async def test_a_job_that_fails_says_how(bench: Bench) -> None:
    result, log = await bench.sh("echo before; exit 3")
    assert (result.state, result.exit_code) == (RunState.FAILED, 3)
    assert result.reason == "The script ended with exit code 3."
    assert "before\n" in log
    assert "# headgate: failed after" in log


async def test_a_script_stops_at_the_first_command_that_fails(bench: Bench) -> None:
    result, log = await bench.sh("false\necho unreachable")
    assert result.state is RunState.FAILED
    assert "unreachable" not in log


async def test_a_missing_executable_is_named(bench: Bench) -> None:
    result, _ = await bench.run(bench.request(JobDefinition("t", argv=("pytest-9", "-q"))))
    assert (result.state, result.exit_code) == (RunState.FAILED, 127)
    assert "'pytest-9' does not exist in the sandbox" in result.reason


async def test_a_file_that_cannot_be_executed_is_named(bench: Bench) -> None:
    result, _ = await bench.run(bench.request(JobDefinition("t", argv=("./README",))))
    assert (result.state, result.exit_code) == (RunState.FAILED, 126)
    assert "'./README' cannot be executed" in result.reason


async def test_a_missing_command_of_a_script_is_told(bench: Bench) -> None:
    result, log = await bench.sh("no-such-command")
    assert result.state is RunState.FAILED
    assert "not found" in result.reason
    assert "no-such-command: not found" in log


async def test_a_command_with_a_nul_is_the_definitions_fault(bench: Bench) -> None:
    result, _ = await bench.run(bench.request(JobDefinition("t", argv=("echo", "a\0b"))))
    assert result.state is RunState.FAILED
    assert "cannot be used" in result.reason
    assert result.retry is Retry.USELESS


async def test_an_argument_longer_than_the_kernel_takes_is_the_definitions_fault(
    bench: Bench,
) -> None:
    result, _ = await bench.run(bench.request(JobDefinition("t", argv=("echo", "a" * 200_000))))
    assert result.state is RunState.FAILED
    assert "cannot be used" in result.reason


async def test_a_long_script_is_no_trouble(bench: Bench) -> None:
    result, log = await bench.sh("# " + "x" * 300_000 + "\necho done")
    assert result.state is RunState.PASSED
    assert "done\n" in log


async def test_signals_are_explained(bench: Bench) -> None:
    result, _ = await bench.sh("kill -SEGV $$")
    assert (result.state, result.exit_code) == (RunState.FAILED, 139)
    assert "SIGSEGV" in result.reason
    result, _ = await bench.sh("kill -KILL $$")
    assert "memory" in result.reason


async def test_the_variables_of_a_job(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_SERVER", "hidden")
    job = JobDefinition("env", argv=("env",), env={"COLOUR": "green", "CI": "false"})
    request = bench.request(job, variables={"HEADGATE_CHANGE": "12"})
    result, log = await bench.run(request)
    assert result.state is RunState.PASSED
    lines = set(log.splitlines())
    assert {
        "CI=true",
        "COLOUR=green",
        "HEADGATE=1",
        "HEADGATE_CHANGE=12",
        "HEADGATE_JOB=env",
        "HEADGATE_PROJECT=tool",
        "HOME=/work/home",
        "TMPDIR=/tmp",
    } <= lines
    assert "A_SECRET_OF_THE_SERVER" not in log
    names = {line.split("=")[0] for line in lines if not line.startswith("#")}
    assert "LD_PRELOAD" not in names


async def test_a_variable_of_a_job_does_not_reach_the_programs_that_contain_it(
    bench: Bench,
) -> None:
    job = JobDefinition("j", script="echo ran", env={"LD_PRELOAD": "/nowhere/evil.so"})
    result, log = await bench.run(bench.request(job))
    assert result.state is RunState.PASSED
    # The dynamic linker complains once for each program: inside, that is.
    assert log.count("/nowhere/evil.so") <= 3
    assert "bwrap:" not in log


async def test_checkouts_lie_beside_each_other(bench: Bench) -> None:
    own = bench.git.project("jinja", {"a.txt": "from jinja\n"})
    other = bench.git.project("markupsafe", {"b.txt": "from markupsafe\n"})
    job = JobDefinition("t", script="cat a.txt ../markupsafe/b.txt; pwd; ls /work/src")
    result, log = await bench.run(bench.request(job, checkouts=(own, other)))
    assert result.state is RunState.PASSED
    assert "from jinja\nfrom markupsafe\n/work/src/jinja\njinja\nmarkupsafe\n" in log


async def test_a_job_may_write_where_it_works_and_nowhere_else(bench: Bench) -> None:
    result, log = await bench.sh(
        """
        echo x > README; mkdir -p build/deep; echo x > ~/x; echo x > /tmp/x; mktemp
        for place in / /usr /etc /work/.. /proc /dev /headgate; do
            if touch $place/written 2>/dev/null; then echo "wrote $place"; fi
        done
        """
    )
    assert result.state is RunState.PASSED
    assert "wrote" not in log


async def test_a_job_sees_nothing_of_the_host(bench: Bench) -> None:
    secret = bench.place / "secret"
    secret.write_text("hidden")
    secret.chmod(0o644)
    result, log = await bench.sh(
        f"""
        id -u; cat /etc/passwd; hostname
        cat {secret} || true
        cat /etc/shadow || true
        ls /root /home || true
        ls {bench.place} || true
        echo processes: $(ls -d /proc/[0-9]* | wc -l)
        cat /proc/net/dev | tail -n +3 | cut -d: -f1 | xargs echo interfaces:
        """
    )
    assert result.state is RunState.PASSED
    assert "hidden" not in log
    assert "\n1000\n" in log
    assert "interfaces: lo\n" in log
    count = int(log.split("processes: ")[1].split()[0])
    assert count <= 6


async def test_the_host_never_sees_a_job_as_root(bench: Bench) -> None:
    request = bench.request(JobDefinition("s", argv=("sleep", "31.4159")))
    task = asyncio.create_task(bench.run(request))
    users: set[int] = set()
    deadline = time.monotonic() + 10
    while not users and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
        users = {path.stat().st_uid for path in _processes("sleep", "31.4159")}
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert users
    assert 0 not in users
    if os.geteuid() != 0:
        assert users == {os.geteuid()}


async def test_the_network_is_off_unless_allowed(bench: Bench) -> None:
    server = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    probe = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5); print('reached')"
    job = JobDefinition("n", argv=("python3", "-c", probe))
    async with server:
        result, log = await bench.run(bench.request(job))
        assert result.state is RunState.FAILED
        assert "Connection refused" in log
        result, log = await bench.run(bench.request(job, network=True))
        assert result.state is RunState.PASSED, log
        assert "network on" in log


async def test_a_network_that_the_policy_does_not_allow_is_not_there_and_the_log_says_why(
    bench: Bench,
) -> None:
    job = JobDefinition("n", argv=("true",), network=True)
    _, log = await bench.run(bench.request(job))
    assert "network off: the policy does not name this job under [jobs] network\n" in log


async def test_a_job_that_takes_too_long_is_stopped_with_all_it_started(bench: Bench) -> None:
    result, log = await bench.sh(
        "(trap '' TERM INT HUP; exec sleep 1234.5) & setsid sleep 1234.5 & echo begun; wait",
        timeout=0.5,
    )
    assert result.state is RunState.TIMED_OUT
    assert result.exit_code is None
    assert result.reason == "It ran longer than its timeout of 0.5 s and was stopped."
    assert "begun\n" in log
    assert _sleeping("1234.5") == 0


async def test_what_a_job_leaves_running_ends_with_it(bench: Bench) -> None:
    began = time.monotonic()
    result, _ = await bench.sh("setsid sleep 2345.6 >/dev/null 2>&1 & setsid sleep 2345.6 & true")
    assert result.state is RunState.PASSED
    assert time.monotonic() - began < 5
    assert _sleeping("2345.6") == 0


async def test_cancelling_leaves_nothing(bench: Bench) -> None:
    started = asyncio.Event()
    job = JobDefinition("s", script="chmod 500 .; setsid sleep 3456.7 & sleep 3456.7")
    task = asyncio.create_task(bench.dispatcher.run(bench.request(job), lambda _: started.set()))
    await started.wait()
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _sleeping("3456.7") == 0
    assert bench.areas() == []
    await bench.idle()


async def test_cancelling_at_any_moment_leaves_nothing(bench: Bench) -> None:
    for step in range(30):
        task = asyncio.create_task(
            bench.run(bench.request(JobDefinition("s", argv=("sleep", "4567.8"))))
        )
        await asyncio.sleep(step * 0.002)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert bench.areas() == []
    assert _sleeping("4567.8") == 0
    await bench.idle()
    result, _ = await bench.sh("true")
    assert result.state is RunState.PASSED


async def test_the_work_area_goes_even_when_the_job_tries_to_keep_it(bench: Bench) -> None:
    result, _ = await bench.sh(
        "mkdir -p a/b; touch a/b/c; chmod 000 a/b; chmod 500 a . ..; chmod 400 /work/home"
    )
    assert result.state is RunState.PASSED
    await bench.idle()


async def test_the_work_area_goes_even_when_it_is_deeper_than_python_can_walk(
    bench: Bench,
) -> None:
    deep = "i=0; while [ $i -lt 1500 ]; do mkdir d; cd d; i=$((i+1)); done"
    result, log = await bench.sh(deep)
    assert result.state is RunState.PASSED, log
    await bench.idle()


async def test_output_of_any_kind_is_kept_and_bounded(bench: Bench) -> None:
    result, log = await bench.sh(
        "printf 'caf\\351\\n'; yes 0123456789abcdef | head -c 25000000; echo the end"
    )
    assert result.state is RunState.PASSED
    assert "caf\ufffd\n" in log
    assert "only the end is kept" in log
    assert "bytes left out" in log
    assert "the end\n" in log
    assert len(log) < (20 << 20) + (70 << 10)


async def test_the_log_grows_while_the_job_runs(bench: Bench) -> None:
    request = bench.request(
        JobDefinition("s", script="echo first; while [ ! -e go ]; do sleep 0.01; done; echo last")
    )
    task = asyncio.create_task(bench.run(request))
    deadline = time.monotonic() + 10
    while not (request.log.exists() and "first\n" in request.log.read_text()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert not task.done()
    area = bench.areas()[0]
    (area / "work" / "src" / "tool" / "go").touch()
    result, log = await task
    assert result.state is RunState.PASSED
    assert "last\n" in log


async def test_memory_is_limited_for_one_process(bench: Bench) -> None:
    job = JobDefinition("m", argv=("python3", "-c", "x = bytearray(300 << 20)"), memory=128 << 20)
    result, log = await bench.run(bench.request(job))
    assert result.state is RunState.FAILED
    assert "MemoryError" in log


async def test_memory_is_limited_for_all_processes_together(bench: Bench) -> None:
    hog = "import time; x = b'x' * (60 << 20); time.sleep(20)"
    script = f'for i in 1 2 3 4; do python3 -c "{hog}" & done; wait'
    began = time.monotonic()
    result, _ = await bench.sh(script, memory=128 << 20)
    assert result.state is RunState.FAILED
    assert result.reason == "It used more than its 128 MiB of memory and was stopped."
    assert time.monotonic() - began < 10


async def test_a_fork_bomb_is_contained(bench: Bench) -> None:
    result, _ = await bench.sh("bomb() { bomb | bomb & }; bomb; sleep 1", timeout=5)
    assert result.state in (RunState.PASSED, RunState.FAILED, RunState.TIMED_OUT)
    result, _ = await bench.sh("true")
    assert result.state is RunState.PASSED


async def test_slots_bound_what_runs_at_once_and_priority_orders_it(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(slots=1)
    order: list[str] = []

    async def go(name: str, priority: int) -> None:
        request = bench.request(JobDefinition(name, argv=("true",)), priority=priority)
        await bench.dispatcher.run(request, lambda _: order.append(name))

    first = asyncio.create_task(go("first", 0))
    await asyncio.sleep(0)
    rest = [go("late", 5), go("soon", 1), go("soon too", 1)]
    await asyncio.gather(first, *rest)
    assert order == ["first", "soon", "soon too", "late"]


async def test_artifacts_are_kept_and_links_are_not(bench: Bench) -> None:
    job = JobDefinition(
        "a",
        script="""
        mkdir -p out/sub; echo one > out/sub/report.xml; ln -s /etc/hostname out/link.xml
        ln -s sub out/dir; mkfifo out/pipe.xml; echo two > "$HEADGATE_ARTIFACTS/direct.txt"
        echo no > out/other.txt; touch out/locked.xml; chmod 000 out/locked.xml
        exit 1
        """,
        artifacts=("out/**/*.xml",),
    )
    request = bench.request(job)
    result, log = await bench.run(request)
    assert result.state is RunState.FAILED
    expected = {"out/sub/report.xml", "direct.txt"}
    if os.geteuid() == 0:
        expected.add("out/locked.xml")
    else:
        assert "out/locked.xml is left out" in log
    assert set(result.artifacts) == expected
    assert (request.artifacts / "out/sub/report.xml").read_text() == "one\n"
    assert not (request.artifacts / "out/link.xml").exists()


async def test_artifacts_cannot_be_taken_from_elsewhere_by_a_link(bench: Bench) -> None:
    secret = bench.place / "secret"
    secret.mkdir()
    (secret / "key").write_text("hidden")
    job = JobDefinition(
        "a",
        script=f"rm -rf /work/artifacts; ln -s {secret} /work/artifacts; ln -s {secret} out",
        artifacts=("out/**",),
    )
    result, log = await bench.run(bench.request(job))
    assert result.state is RunState.PASSED
    assert result.artifacts == ()
    assert "artifacts directory is gone" in log


async def test_a_cache_is_found_again_by_the_next_run_of_the_job(bench: Bench) -> None:
    job = JobDefinition(
        "c",
        script="ls .cache/pip; echo x >> .cache/pip/$HEADGATE_RUN",
        caches={"pip": ".cache/pip"},
    )
    for number in (1, 2):
        request = bench.request(job, variables={"HEADGATE_RUN": f"run{number}"})
        result, log = await bench.run(request)
        assert result.state is RunState.PASSED, log
        await bench.dispatcher.settle([request.run], Fate.LANDED)
    assert "run1\n" in log
    lost = bench.request(job, variables={"HEADGATE_RUN": "lost"})
    await bench.run(lost)
    await bench.dispatcher.settle([lost.run], Fate.GONE)
    fails = JobDefinition("c", script="touch .cache/pip/bad; exit 1", caches=job.caches)
    await bench.run(bench.request(fails))
    _, log = await bench.run(bench.request(job, variables={"HEADGATE_RUN": "run3"}))
    assert "bad" not in log
    assert "lost" not in log
    assert "run2\n" in log


async def test_a_cache_never_goes_through_a_link_of_the_project(bench: Bench) -> None:
    target = bench.place / "outside"
    target.mkdir(mode=0o777)
    checkout = bench.git.project("tool", {"a": "b"}, {".cache": str(target)})
    job = JobDefinition("c", script="true", caches={"pip": ".cache/pip", "up": "../../x"})
    result, log = await bench.run(bench.request(job, checkouts=(checkout,)))
    assert result.state is RunState.PASSED
    assert log.count("is not used") == 2
    assert list(target.iterdir()) == []


async def test_a_commit_that_is_not_there_is_not_the_changes_fault(bench: Bench) -> None:
    checkout = bench.git.project("tool", {"a": "b"})
    missing = type(checkout)("tool", checkout.repository, type(checkout.commit)("1" * 40))
    result, log = await bench.run(
        bench.request(JobDefinition("j", argv=("true",)), checkouts=(missing,))
    )
    assert result.state is RunState.INFRASTRUCTURE
    assert "the checkout failed" in result.reason
    assert result.reason in log
    assert result.started is None


async def test_a_log_that_cannot_be_made_is_not_the_changes_fault(bench: Bench) -> None:
    request = bench.request(JobDefinition("j", argv=("true",)))
    request.log.parent.parent.mkdir(exist_ok=True)
    request.log.parent.write_text("a file in the way")
    result = await bench.dispatcher.run(request, lambda _: None)
    assert result.state is RunState.INFRASTRUCTURE
    await bench.idle()


async def test_a_full_disk_is_not_the_changes_fault(bench: Bench) -> None:
    job = JobDefinition("j", argv=("sh", "-c", "while :; do echo noise; done"), timeout=30)
    request = bench.request(job)
    request.log.parent.mkdir(exist_ok=True)
    request.log.symlink_to("/dev/full")
    result = await bench.dispatcher.run(request, lambda _: None)
    assert result.state is RunState.INFRASTRUCTURE
    assert "No space left on device" in result.reason


async def test_closing_ends_what_runs_as_lost(make_bench: MakeBench) -> None:
    bench = make_bench()
    started = asyncio.Event()
    task = asyncio.create_task(
        bench.dispatcher.run(
            bench.request(JobDefinition("s", argv=("sleep", "5678.9"))), lambda _: started.set()
        )
    )
    await started.wait()
    await bench.dispatcher.close()
    result = await task
    assert result.state is RunState.LOST
    assert _sleeping("5678.9") == 0


async def test_a_new_dispatcher_removes_what_an_earlier_one_left(make_bench: MakeBench) -> None:
    bench = make_bench()
    left = bench.place / "data" / "jobs" / "work" / "run-99-left" / "work"
    left.mkdir(parents=True)
    (left / "file").touch()
    left.chmod(0o500)
    make_bench()
    deadline = time.monotonic() + 10
    while list((bench.place / "data" / "jobs").glob(".old-*")):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert bench.areas() == []


def _sleeping(seconds: str) -> int:
    """How many processes of the host sleep for so long."""
    return len(_processes("sleep", seconds))


def _processes(*argv: str) -> list[Path]:
    """Directories in /proc of the processes with these arguments."""
    found: list[Path] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[: len(argv)] == [word.encode() for word in argv]:
            found.append(path.parent)
    return found
