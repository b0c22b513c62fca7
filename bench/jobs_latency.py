"""How quickly jobs start, how many run in a second, and how fast they die.

Run with `python bench/jobs_latency.py [--json] [--place DIRECTORY]`: making and removing files is
much of the cost, and file systems differ. Prints figures and ratios:

- enqueue → job process started, with a checkout and without one, and with another job on each
  slot, in ms;
- enqueue → the first instruction of the job itself, in ms;
- trivial jobs per second, as a ratio to the same words as a bare subprocess (through the same
  event loop, as many at once, its output read), and to the same in a bare bubblewrap; the three
  take turns, so that what else the machine does meets all of them;
- the same for jobs with a checkout;
- cancel → every process of the job dead, in ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from headgate.jobs.dispatch.interface import RunRequest
from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.jobs.sandbox.interface import Sandbox
from headgate.jobs.sandbox.probe import probe
from headgate.model.ids import Commit, JobRunId
from headgate.model.job import Checkout, JobDefinition, RunState

TRIVIAL = ("true",)
PYTHON = ("/usr/bin/python3", "-c", "pass")


class Maker:
    """Makes requests with numbers of their own."""

    def __init__(self, place: Path, checkout: Checkout | None) -> None:
        self._place = place
        self._checkout = checkout
        self._made = 0

    def __call__(self, argv: tuple[str, ...]) -> RunRequest:
        self._made += 1
        name = str(self._made)
        return RunRequest(
            JobRunId(self._made),
            JobDefinition("bench", argv=argv, timeout=60),
            "tool",
            (self._checkout,) if self._checkout else (),
            None,
            False,
            {},
            self._place / "logs" / name,
            self._place / "artifacts" / name,
        )


def repository(place: Path, files: int) -> Checkout:
    """A bare repository with one commit of so many small files."""
    tree = place / "tree"
    tree.mkdir()
    for number in range(files):
        directory = tree / f"d{number % 10}"
        directory.mkdir(exist_ok=True)
        (directory / f"f{number}.py").write_text(f"value = {number}\n" * 20)

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=tree, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "state")
    git("clone", "-q", "--bare", ".", str(place / "tool.git"))
    return Checkout("tool", str(place / "tool.git"), Commit(git("rev-parse", "HEAD")))


def milliseconds(samples: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 of seconds, as ms."""
    cuts = statistics.quantiles(samples, n=100, method="inclusive")
    return {f"p{n}": round(cuts[n - 1] * 1e3, 2) for n in (50, 95, 99)}


async def start_latency(dispatcher: LocalDispatcher, make: Maker, count: int) -> dict[str, float]:
    """Enqueue → started, one job at a time."""
    samples: list[float] = []
    for _ in range(count):
        request = make(TRIVIAL)
        began = time.perf_counter()
        result = await dispatcher.run(
            request, lambda _, began=began: samples.append(time.perf_counter() - began)
        )
        assert result.state is RunState.PASSED, result
    return milliseconds(samples)


async def first_instruction(
    dispatcher: LocalDispatcher, make: Maker, count: int
) -> dict[str, float]:
    """Enqueue → what the job itself does first, by the clock that it shares with us."""
    samples: list[float] = []
    for _ in range(count):
        request = make(("date", "+%s%N"))
        began = time.time_ns()
        await dispatcher.run(request, lambda _: None)
        line = next(
            line for line in request.log.read_text().splitlines() if not line.startswith("#")
        )
        samples.append((int(line) - began) / 1e9)
    return milliseconds(samples)


async def per_second(run: Callable[[], Awaitable[object]], at_once: int, seconds: float) -> float:
    """How often something can be done, so many at once."""
    done = 0
    end = time.perf_counter() + seconds
    began = time.perf_counter()

    async def worker() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await run()
            done += 1

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return done / (time.perf_counter() - began)


def bare(argv: Sequence[str]) -> Callable[[], Awaitable[object]]:
    """The command as asyncio starts it, its output read."""

    async def run() -> None:
        process = await asyncio.create_subprocess_exec(
            *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        await process.communicate()

    return run


def bare_sandbox(sandbox: Sandbox, argv: Sequence[str]) -> Callable[[], Awaitable[object]]:
    """The command in the shortest bubblewrap with the same namespaces."""
    owner = sandbox.owner(0)
    drop = [f"--reuid={owner.uid}", f"--regid={owner.gid}", "--clear-groups", "--"]
    words = ["setpriv", *drop] if os.geteuid() == 0 else []
    words += ["bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/"]
    return bare([*words, "--proc", "/proc", "--dev", "/dev", "--", *argv])


async def cancel_latency(
    dispatcher: LocalDispatcher, make: Maker, count: int
) -> dict[str, dict[str, float]]:
    """Cancel → no process left, and → the work area gone too."""
    dead: list[float] = []
    gone: list[float] = []
    script = "import os, time\nfor _ in range(5): os.fork() or time.sleep(987.25)\ntime.sleep(987)"
    for _ in range(count):
        started = asyncio.Event()
        task = asyncio.create_task(
            dispatcher.run(make(("python3", "-c", script)), lambda _, s=started: s.set())
        )
        await started.wait()
        pids = await asyncio.to_thread(_until_there, b"987.25", 6)
        began = time.perf_counter()
        task.cancel()
        watch = asyncio.create_task(asyncio.to_thread(_until_dead, pids))
        await asyncio.wait([task])
        gone.append(time.perf_counter() - began)
        dead.append(await watch - began)
    return {"dead": milliseconds(dead), "removed": milliseconds(gone)}


def _pids(part: bytes) -> list[Path]:
    found: list[Path] = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if part in words and words.startswith(b"python3\0"):
            found.append(path)
    return found


def _until_there(part: bytes, count: int) -> list[Path]:
    while len(found := _pids(part)) < count:
        time.sleep(0.01)
    return found


def _until_dead(processes: Sequence[Path]) -> float:
    while any(path.exists() for path in processes):
        time.sleep(0.0005)
    return time.perf_counter()


async def rates(
    dispatcher: LocalDispatcher,
    sandbox: Sandbox,
    make: Maker,
    argv: tuple[str, ...],
    seconds: float,
) -> dict[str, float]:
    """A command as a job, as a bare subprocess, and in a bare sandbox: the median of five turns."""
    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "jobs": lambda: dispatcher.run(make(argv), lambda _: None),
        "bare_subprocess": bare(argv),
        "bare_bubblewrap": bare_sandbox(sandbox, argv),
    }
    turns: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(5):
        for name, run in ways.items():
            turns[name].append(await per_second(run, dispatcher.slots, seconds / 5))
    found = {name: statistics.median(each) for name, each in turns.items()}
    return {
        **{name: round(rate, 1) for name, rate in found.items()},
        "ratio_to_subprocess": round(found["jobs"] / found["bare_subprocess"], 3),
        "ratio_to_bubblewrap": round(found["jobs"] / found["bare_bubblewrap"], 2),
    }


async def measure(place: Path, count: int, seconds: float) -> dict[str, object]:
    report = probe(place / "data")
    assert report.sandbox is not None, report
    cores = os.cpu_count() or 1
    dispatcher = LocalDispatcher(place / "data", cores, report.sandbox, lambda _: False, time.time)
    figures: dict[str, object] = {"cores": cores, "sandbox": report.name}
    alone = Maker(place / "alone", None)
    with_files = Maker(place / "files", repository(place, 100))
    try:
        await start_latency(dispatcher, alone, 5)
        figures["start_ms"] = await start_latency(dispatcher, alone, count)
        figures["start_with_checkout_of_100_files_ms"] = await start_latency(
            dispatcher, with_files, count
        )
        figures["first_instruction_ms"] = await first_instruction(dispatcher, alone, count)
        for name, argv in (("true", TRIVIAL), ("python", PYTHON)):
            figures[f"{name}_per_second"] = await rates(
                dispatcher, report.sandbox, alone, argv, seconds
            )
        figures["true_with_checkout_per_second"] = await rates(
            dispatcher, report.sandbox, with_files, TRIVIAL, seconds
        )
        figures["cancel_ms"] = await cancel_latency(dispatcher, alone, max(20, count // 10))
    finally:
        await dispatcher.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=300, help="samples of each latency")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each rate")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--place", type=Path, help="directory to work in; else a temporary one")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="headgate-bench-", dir=options.place))
    place.chmod(0o711)
    try:
        figures = asyncio.run(measure(place, options.count, options.seconds))
    finally:
        shutil.rmtree(place)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
