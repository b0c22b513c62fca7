"""The worker process: it starts when needed, and nothing that becomes of it passes for clean."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from headgate.model.finding import Outcome
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.engine import Request
from headgate.scan.runner import ScanRunner

_GARBLED = "import os, time; os.write(1, bytes([0, 0, 0, 2]) + b'xx'); time.sleep(99)"
ONE = Request((SourceFile("a.py", b"import os\nos.system(f'ls {x}')\n"),))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def environment_of(pid: int | None) -> list[bytes]:
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


async def test_one_worker_serves_many_scans(runner: ScanRunner) -> None:
    assert runner.pid is None
    results = await asyncio.gather(*(runner.scan(ONE) for _ in range(5)))
    assert runner.pid is not None
    for source, secrets in results:
        assert [f.rule for f in source.findings] == ["python/shell-injection"]
        assert secrets.outcome is Outcome.PASSED


async def test_an_idle_worker_ends_and_the_next_scan_starts_another(rules: Path) -> None:
    runner = ScanRunner(cache=rules, idle=0.05)
    await runner.scan(ONE)
    first = runner.pid
    assert first is not None
    for _ in range(100):
        await asyncio.sleep(0.02)
        if not alive(first):
            break
    assert not alive(first)
    source, _ = await runner.scan(ONE)
    assert source.outcome is Outcome.FAILED
    assert runner.pid != first
    await runner.close()
    assert runner.pid is None


async def test_a_worker_that_was_killed_is_replaced(runner: ScanRunner) -> None:
    await runner.scan(ONE)
    first = runner.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    scan = asyncio.create_task(runner.scan(ONE))
    await asyncio.sleep(0.2)
    os.kill(first, signal.SIGKILL)
    source, _ = await scan
    assert source.outcome is Outcome.FAILED
    assert runner.pid != first


async def test_a_worker_that_hangs_is_ended(rules: Path) -> None:
    runner = ScanRunner(
        cache=rules, timeout=0.3, command=(sys.executable, "-c", "import time; time.sleep(99)")
    )
    source, secrets = await runner.scan(ONE)
    assert source.outcome is secrets.outcome is Outcome.NOT_RUN
    assert source.reason == "the scan did not end within 0.3 s"
    assert runner.pid is None


async def test_a_worker_that_is_not_there_or_ends_at_once(rules: Path) -> None:
    for command, words in (
        (("/nonexistent/python",), "could not be started"),
        ((sys.executable, "-c", "raise SystemExit(7)"), "ended with code 7"),
        ((sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"), "ended by SIGKILL"),
        ((sys.executable, "-c", _GARBLED), "could not be read"),
    ):
        runner = ScanRunner(cache=rules, command=command)
        source, _ = await runner.scan(ONE)
        assert source.outcome is Outcome.NOT_RUN
        assert words in source.reason, source.reason
        await runner.close()


async def test_cancelling_a_scan_leaves_no_answer_behind(runner: ScanRunner) -> None:
    await runner.scan(ONE)
    other = Request((SourceFile("b.py", b"x = 1\n"),))
    scan = asyncio.create_task(runner.scan(ONE))
    await asyncio.sleep(0.005)
    scan.cancel()
    await asyncio.gather(scan, return_exceptions=True)
    source, _ = await runner.scan(other)
    assert source.findings == ()


async def test_the_worker_is_not_told_the_servers_secrets(runner: ScanRunner) -> None:
    await runner.scan(ONE)
    environment = environment_of(runner.pid)
    assert {entry.split(b"=")[0] for entry in environment if entry} <= {b"PATH", b"LANG"}
