"""A running server as tests see it: one listener on loopback, one on the operator's socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import structlog
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.server.app import create_app, operator_app
from headgate.server.auth.sessions import COOKIE, digest_of
from headgate.server.git import git_app
from headgate.server.house import Headgate
from headgate.server.pages.routes import routes
from headgate.server.settings import load_settings
from warm import tried_sandbox


@dataclass
class Clock:
    """The time, which a test may put forward."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Served:
    """A running server, seen from outside."""

    url: str
    socket: Path
    data: Path
    clock: Clock
    house: Headgate
    _clients: list[httpx.Client] = field(default_factory=list[httpx.Client])

    def client(self, token: str = "", **headers: str) -> httpx.Client:
        """Somebody who speaks over TCP; a browser when it keeps cookies and has no token."""
        if token:
            headers["authorization"] = f"Bearer {token}"
        made = httpx.Client(base_url=self.url, headers=headers, timeout=30)
        self._clients.append(made)
        return made

    @property
    def operator(self) -> httpx.Client:
        """Whoever owns the data directory."""
        transport = httpx.HTTPTransport(uds=str(self.socket))
        made = httpx.Client(base_url="http://localhost", transport=transport, timeout=30)
        self._clients.append(made)
        return made

    def human(self, name: str) -> str:
        """Add a human; returns a token."""
        return self._token("/api/humans", {"name": name, "email": f"{name}@example.org"})

    def agent(self, name: str, sponsor: str) -> str:
        """Add an agent; returns a token."""
        return self._token("/api/agents", {"name": name, "sponsor": sponsor})

    def _token(self, path: str, body: dict[str, str]) -> str:
        assert self.operator.post(path, json=body).status_code == 200
        answer = self.operator.post(f"/api/principals/{body['name']}/tokens", json={})
        return str(answer.json()["token"])

    def browser(self, name: str) -> tuple[httpx.Client, str]:
        """Somebody signed in to the pages, and the csrf token of the session."""
        link = self.operator.post(f"/api/principals/{name}/signin-link", json={}).json()["url"]
        browser = self.client()
        assert browser.get(link, headers={"sec-fetch-site": "none"}).status_code == 303
        with self.house.db.read() as tx:
            session = tx.sessions.find(digest_of(browser.cookies[COOKIE]), "session")
        assert session is not None
        return browser, session.csrf

    def close(self) -> None:
        for client in self._clients:
            client.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _broken(request: Request) -> Response:
    raise RuntimeError("a defect of ours")


async def serve(
    data: Path, ready: Callable[[Served], None], stop: threading.Event, clock: Clock
) -> None:
    # As a server of its own does: what a command prints stays apart from what the server logs.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    settings = load_settings(data, port=port)
    house = Headgate(settings, tried_sandbox(), clock)
    path = settings.run / "operator.sock"
    local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    local.bind(str(path))
    local.listen(16)
    await house.start(settings.run / "hook.sock")
    pages = [*routes(house), Route("/broken", _broken), Route("/broken.json", _broken)]
    app = create_app(house, git_app=git_app(house), pages_routes=pages)
    servers = [
        (_Server(uvicorn.Config(app, log_config=None, lifespan="off")), listener),
        (_Server(uvicorn.Config(operator_app(app), log_config=None, lifespan="off")), local),
    ]
    tasks = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in servers]
    try:
        while not all(server.started for server, _ in servers):  # noqa: ASYNC110 - uvicorn's way
            await asyncio.sleep(0.01)
        ready(Served(settings.url, path, data, clock, house))
        await asyncio.to_thread(stop.wait)
    finally:
        house.closing.set()
        for server, _ in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
        await house.stop()
        structlog.reset_defaults()
