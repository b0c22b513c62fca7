"""Runs the analyzers in a process of their own: the server stays small, and survives them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from headgate.model.finding import CheckResult, Outcome
from headgate.scan.engine import CHECKS, Request
from headgate.scan.reviewer.interface import Material
from headgate.scan.rules.table import rule_cache
from headgate.scan.wire import LENGTH, decode_material, decode_results, encode_request

T = TypeVar("T")
_LARGEST_ANSWER = 256 << 20


class ScanRunner:
    """One worker, started when it is first needed and ended when it has been idle.

    A worker that crashes, hangs or cannot start makes the checks *not run*, with the reason; one
    that had worked before and is gone is replaced first. Scans wait for one another.
    """

    def __init__(
        self,
        *,
        cache: Path | None = None,
        timeout: float = 120.0,
        idle: float = 60.0,
        command: Sequence[str] = (sys.executable, "-I", "-m", "headgate.scan.worker"),
    ) -> None:
        """`cache`: private directory for compiled rules; None: in the user's own cache.
        `timeout`: seconds for one scan. `idle`: seconds without a scan before the worker ends."""
        self._command = (*command, str(cache or rule_cache()))
        self._timeout = timeout
        self._idle = idle
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._ending: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Of the worker, while there is one."""
        return self._process.pid if self._process else None

    async def scan(self, request: Request) -> tuple[CheckResult, ...]:
        """One result per check; never an exception for what the worker does."""
        done = await self._done(request, decode_results)
        return _not_run(done) if isinstance(done, str) else done

    async def material(self, request: Request) -> Material:
        """What may be shown of a request with a scope; its problem says why there is nothing."""
        done = await self._done(request, decode_material)
        return Material(problem=done) if isinstance(done, str) else done

    async def _done(self, request: Request, decode: Callable[[bytes], T]) -> T | str:
        """What the worker answers, or why it does not."""
        async with self._lock:
            if self._ending:
                self._ending.cancel()
                self._ending = None
            frame = encode_request(request)
            try:
                async with asyncio.timeout(self._timeout):
                    results = decode(await self._answer(frame))
            except TimeoutError:
                await self._end()
                return f"the scan did not end within {self._timeout:g} s"
            except RuntimeError as error:
                await self._end()
                return str(error)
            except (OSError, EOFError, ValueError) as error:
                return await self._post_mortem(error)
            except asyncio.CancelledError:
                # An answer on its way would be taken for that of the next request.
                await self._end()
                raise
            self._ending = asyncio.get_running_loop().call_later(self._idle, self._kill)
            return results

    async def close(self) -> None:
        """End the worker."""
        async with self._lock:
            await self._end()

    async def _answer(self, frame: bytes) -> bytes:
        used = self._process is not None
        try:
            return await self._ask(frame)
        except (OSError, EOFError):
            if not used:
                raise
        await self._end()
        return await self._ask(frame)

    async def _ask(self, frame: bytes) -> bytes:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(frame)
        await stdin.drain()
        size = LENGTH.unpack(await stdout.readexactly(LENGTH.size))[0]
        if size > _LARGEST_ANSWER:
            raise ValueError("the worker's answer is too large")
        return await stdout.readexactly(size)

    async def _post_mortem(self, error: Exception) -> str:
        process = self._process
        if process is None:
            return f"the worker could not be started: {error}"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await process.wait()
        code = process.returncode
        await self._end()
        if code is None:
            return f"the worker's answer could not be read: {error}"
        if code < 0:
            return f"the worker was ended by {signal.Signals(-code).name}"
        return f"the worker ended with code {code}"

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _kill_group(process)

    async def _end(self) -> None:
        if self._ending:
            self._ending.cancel()
            self._ending = None
        process, self._process = self._process, None
        if process is not None:
            _kill_group(process)
            await process.wait()


def _kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill the worker and what it runs, such as ruff."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _not_run(reason: str) -> tuple[CheckResult, ...]:
    return tuple(CheckResult(check, Outcome.NOT_RUN, reason) for check in CHECKS)
