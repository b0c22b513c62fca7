"""`headgate up`: one process that hosts git, the gate, the pages and the API."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import io
import json
import os
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import TextIO, cast

import structlog
import uvicorn
from starlette.types import ASGIApp

from headgate.jobs.sandbox.probe import SandboxReport, probe
from headgate.model.errors import BadInput, CouldNotRun, HeadgateError
from headgate.server.app import create_app, operator_app
from headgate.server.git import git_app
from headgate.server.house import Headgate
from headgate.server.pages.routes import routes
from headgate.server.settings import Settings
from headgate.store.lock import lock_data
from headgate.store.schema import bring_up_apart

log = structlog.get_logger()

_LONGEST_SOCKET = 100
"""sockaddr_un holds 108 bytes; some room is left."""


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises CouldNotRun (no sandbox, no disk, damaged database), Conflict (a second server on the
    data directory) or BadInput (port in use); nothing is left half started.
    """
    _logging()
    _give_memory_back()
    _make_data(settings.data)
    with lock_data(settings.data), _listen(settings) as listener:
        port = int(listener.getsockname()[1])
        asyncio.run(_serve(replace(settings, port=port), listener))


class _StandardError(io.TextIOBase):
    """Standard error as it is when something is written: loggers outlive what it once was."""

    def write(self, text: str, /) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _logging() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
            if sys.stderr.isatty()
            else structlog.processors.LogfmtRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _StandardError())),
        cache_logger_on_first_use=True,
    )


def _give_memory_back() -> None:
    """Have the C library give large blocks back to the system once they are freed.

    Hashing a token takes 19 MB for 20 ms; by default that would stay with the process, once for
    each thread. mallopt(3): M_MMAP_THRESHOLD is -3, M_ARENA_MAX is -8.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # Not in every C library.
        mallopt(-3, 128 * 1024)
        mallopt(-8, 2)


def _make_data(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The sandbox's unprivileged account must pass through to its work area, and no further.
        mode = stat.S_IMODE(data.stat().st_mode)
        data.chmod(mode & 0o711 | 0o700)
    except OSError as error:
        raise CouldNotRun(
            f"The data directory {data} cannot be used: {error.strerror}.",
            "Choose another with --data or HEADGATE_DATA.",
        ) from None


@contextlib.contextmanager
def _listen(settings: Settings) -> Generator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise BadInput(
                f"Port {settings.port} of {settings.host} is in use.",
                "Stop what listens there, or choose another with --port.",
            ) from None
        raise BadInput(
            f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}.",
            "Choose another with --host and --port.",
        ) from None
    with listener:
        yield listener


def _short_directory() -> str:
    """Where temporary files go, unless even that is too long a path for a socket."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) < _LONGEST_SOCKET - 40 else "/tmp"


@contextlib.contextmanager
def _sockets(run: Path) -> Generator[Callable[[str], Path]]:
    """Where unix sockets go: below the data directory unless its path is too long for one."""
    longest = run / "operator.sock"
    directory = run
    if len(os.fsencode(longest)) > _LONGEST_SOCKET:
        directory = Path(tempfile.mkdtemp(prefix="headgate-", dir=_short_directory()))
    try:
        yield lambda name: directory / name
    finally:
        for name in ("operator.sock", "hook.sock"):
            (directory / name).unlink(missing_ok=True)
        if directory != run:
            directory.rmdir()


class _Quiet(uvicorn.Server):
    """A uvicorn server that leaves signals to us: two of them share one loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _uvicorn(app: ASGIApp, settings: Settings) -> _Quiet:
    return _Quiet(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            # Believed only where the operator says that a proxy stands in front.
            proxy_headers=bool(settings.public_url),
            timeout_graceful_shutdown=3,
        )
    )


def _sandbox_or_raise(settings: Settings) -> SandboxReport:
    report = probe(settings.data)
    if report.sandbox is None or not report.at_least(settings.require_sandbox):
        problems = "; ".join(report.problems) or "no sandbox works here"
        raise CouldNotRun(
            f"Untrusted jobs need a {settings.require_sandbox} sandbox: {problems}.",
            report.remedy,
        )
    return report


async def _serve(settings: Settings, listener: socket.socket) -> None:
    report = await asyncio.to_thread(_sandbox_or_raise, settings)
    assert report.sandbox is not None
    settings.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    await asyncio.to_thread(bring_up_apart, settings.database)
    with _sockets(settings.run) as at:
        house = Headgate(settings, report.sandbox)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        operator = at("operator.sock")
        try:
            await house.start(at("hook.sock"))
            app = create_app(house, git_app=git_app(house), pages_routes=routes(house))
            public, local = _uvicorn(app, settings), _uvicorn(operator_app(app), settings)
            operator_listener = _operator_socket(operator)
            servers = [
                asyncio.create_task(public.serve(sockets=[listener])),
                asyncio.create_task(local.serve(sockets=[operator_listener])),
            ]
            while not (public.started and local.started):
                await asyncio.sleep(0.01)
                for task in servers:
                    if task.done():
                        task.result()
            _write_state(settings, operator)
            log.info("headgate is up", url=settings.url, data=str(settings.data))
            print(f"Headgate is up at {settings.url}", flush=True)
            waiting = asyncio.create_task(stop.wait())
            await asyncio.wait([waiting, *servers], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            log.info("stopping")
            house.closing.set()
            public.should_exit = local.should_exit = True
            await asyncio.gather(*servers, return_exceptions=True)
        finally:
            (settings.run / "server.json").unlink(missing_ok=True)
            await house.stop()


def _operator_socket(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise HeadgateError(
            f"The operator's socket {path} cannot be made: {error.strerror}.",
            "Choose another data directory.",
        ) from None
    finally:
        os.umask(mask)
    listener.listen(64)
    return listener


def _write_state(settings: Settings, operator: Path) -> None:
    """Tell the command line where the server is."""
    state = {"url": settings.url, "operator_socket": str(operator), "pid": os.getpid()}
    part = settings.run / "server.json.part"
    part.write_text(json.dumps(state), "utf-8")
    part.chmod(0o600)
    part.replace(settings.run / "server.json")
