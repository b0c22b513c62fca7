"""Git over HTTP: an ASGI application that lets `git http-backend` speak the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from headgate.model.errors import BadInput, CouldNotRun, HeadgateError, NotFound, NotSignedIn
from headgate.vcs.git import environment
from headgate.vcs.hosting.hook_server import printable
from headgate.vcs.hosting.install import hooks_installed

log = structlog.get_logger()

_CHUNK = 1 << 16
_LARGEST_HEAD = 1 << 14
_PATH = re.compile(r"/(?P<name>[^/]+?)(?:\.git)?/(?P<what>info/refs|git-[a-z]+-pack)")
_GRACE = 2.0
"""Seconds that git gets to tidy up when its client has gone."""


class Service(StrEnum):
    """What a client wants of a repository."""

    UPLOAD_PACK = "git-upload-pack"
    """Clone and fetch."""
    RECEIVE_PACK = "git-receive-pack"
    """Push."""


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class GitAccess:
    """Permission to use one repository for one request."""

    repository: Path
    principal: str
    push_id: str = ""
    """Reaches the hooks, and through them the server, as the proof of who pushes."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Added to that of git and of the hooks."""
    done: Callable[[], object] = _nothing
    """Called once when the request has ended, however it did."""


OpenProject = Callable[[Scope, str, Service], Awaitable[GitAccess]]
"""Finds the repository of a project for whoever asks, or raises a HeadgateError."""


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many git processes run at once; more requests wait. Pushes may wait for verdicts."""

    fetches: int = 16
    pushes: int = 64


def git_http(open_project: OpenProject, limits: Concurrency | None = None) -> ASGIApp:
    """The ASGI application: `/NAME.git/...` below wherever it is mounted.

    Bodies are streamed both ways. A client that goes away takes its git processes with it.
    """
    most = limits or Concurrency()
    places = {
        Service.UPLOAD_PACK: asyncio.Semaphore(most.fetches),
        Service.RECEIVE_PACK: asyncio.Semaphore(most.pushes),
    }

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            name, what, service = _route(scope)
            access = await open_project(scope, name, service)
        except HeadgateError as error:
            await _refuse(send, error)
            return
        try:
            if service is Service.RECEIVE_PACK and not hooks_installed(access.repository):
                # Without its hooks git would take any push.
                raise CouldNotRun(
                    f"The hooks of {name} are missing, so nothing can be pushed to it.",
                    "Restart Headgate, or mend the permissions of its data directory.",
                )
            async with places[service]:
                await _Exchange(scope, receive, send, access, what, service).run()
        except HeadgateError as error:
            await _refuse(send, error)
        finally:
            access.done()

    return application


def _route(scope: Scope) -> tuple[str, str, Service]:
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    match = _PATH.fullmatch(path)
    if match is None:
        raise NotFound(
            f"There is nothing for git at {printable(path)}.", "Use /git/PROJECT.git as address."
        )
    what = match["what"]
    query: str = scope.get("query_string", b"").decode("ascii", "replace")
    wanted = query.removeprefix("service=").partition("&")[0] if what == "info/refs" else what
    if what == "info/refs" and not wanted:
        raise BadInput("Old git clients cannot be served.", "Use git 1.7 or later.")
    try:
        service = Service(wanted)
    except ValueError:
        raise BadInput(f"Git offers no service {printable(wanted)} here.") from None
    method = "GET" if what == "info/refs" else "POST"
    if scope["method"] != method:
        raise BadInput(f"{printable(path)} takes {method}.", "Use git, not a browser.")
    return match["name"], what, service


async def _refuse(send: Send, error: HeadgateError) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-cache")]
    if isinstance(error, NotSignedIn) and error.status == 401:
        headers.append((b"www-authenticate", b'Basic realm="Headgate"'))
    body = (printable(str(error)) + "\n").encode("utf-8")
    headers.append((b"content-length", str(len(body)).encode("ascii")))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Exchange:
    """One request and its process."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        access: GitAccess,
        what: str,
        service: Service,
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._access = access
        self._what = what
        self._service = service
        self._gone = False

    async def run(self) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                "http-backend",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment(),
                start_new_session=True,
                limit=_CHUNK,
            )
        except FileNotFoundError as error:
            raise CouldNotRun("git is not installed.", "Install git 2.38 or later.") from error
        upload = asyncio.ensure_future(self._take_body(process))
        complaints = asyncio.ensure_future(_tail(process))
        try:
            await self._give_answer(process)
            await process.wait()
            said = await complaints
            if said and not self._gone:
                log.info("git.said", project=self._access.repository.stem, text=said)
        finally:
            upload.cancel()
            complaints.cancel()
            await _end(process)
            await asyncio.gather(upload, complaints, return_exceptions=True)

    def _environment(self) -> dict[str, str]:
        headers: dict[bytes, bytes] = dict(self._scope["headers"])
        client = self._scope.get("client") or ("", 0)
        repository = self._access.repository
        variables = {
            "GATEWAY_INTERFACE": "CGI/1.1",
            "REQUEST_METHOD": self._scope["method"],
            "QUERY_STRING": self._scope.get("query_string", b"").decode("latin-1"),
            "GIT_PROJECT_ROOT": str(repository.parent),
            "PATH_INFO": f"/{repository.name}/{self._what}",
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": self._access.principal,
            "REMOTE_ADDR": str(client[0]),
            "HEADGATE_PUSH": self._access.push_id,
            "CONTENT_TYPE": headers.get(b"content-type", b"").decode("latin-1"),
        }
        # CONTENT_LENGTH is left out: told how much comes, git waits for it in a busy loop for ever
        # when the server dies; without it, the end of its input is the end of the request.
        for header, variable in (
            (b"content-encoding", "HTTP_CONTENT_ENCODING"),
            (b"git-protocol", "HTTP_GIT_PROTOCOL"),
        ):
            if header in headers:
                variables[variable] = headers[header].decode("latin-1")
        return environment(variables) | dict(self._access.environment)

    async def _take_body(self, process: asyncio.subprocess.Process) -> None:
        """Pass the body on, then watch whether the client stays."""
        stdin = process.stdin
        assert stdin is not None
        more = True
        while True:
            message: Any = await self._receive()
            if message["type"] == "http.disconnect":
                self._gone = True
                _signal(process, signal.SIGTERM)
                return
            with contextlib.suppress(ConnectionError):  # Git may know enough before the end.
                if body := message.get("body", b""):
                    stdin.write(body)
                    await stdin.drain()
                if more and not message.get("more_body", False):
                    more = False
                    stdin.close()

    async def _give_answer(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            head = await process.stdout.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            if self._gone:
                return
            raise CouldNotRun(
                f"git ended without an answer for {self._access.repository.stem}.", "Try again."
            ) from error
        status, headers = _cgi_head(head)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        while chunk := await process.stdout.read(_CHUNK):
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})


def _cgi_head(head: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    status = 200
    headers: list[tuple[bytes, bytes]] = []
    for line in head.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon:
            continue
        if name.lower() == b"status":
            status = int(value.split()[0])
        else:
            headers.append((name.strip().lower(), value.strip()))
    return status, headers


async def _tail(process: asyncio.subprocess.Process) -> str:
    """The last of what git complains about, for the log."""
    assert process.stderr is not None
    kept = b""
    while part := await process.stderr.read(_CHUNK):
        kept = (kept + part)[-2000:]
    return kept.decode("utf-8", "replace").strip()


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    # The group: git's own children and the hooks must not outlive the request.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let git tidy its quarantine up, then make sure that nothing is left."""
    if process.returncode is None:
        _signal(process, signal.SIGTERM)
        try:
            async with asyncio.timeout(_GRACE):
                await process.wait()
        except TimeoutError:
            pass
        _signal(process, signal.SIGKILL)
        await process.wait()
