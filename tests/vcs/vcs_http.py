"""A real server on loopback: uvicorn, our application, our hooks, and a plain handler."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from base64 import b64decode
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Scope

from headgate.model.errors import BadInput, Denied, NotFound, NotSignedIn
from headgate.model.ids import NO_COMMIT, Commit
from headgate.vcs.hosting.backend import GitAccess, Service, git_http
from headgate.vcs.hosting.hook_server import CommandResult, HookServer, Push, RefUpdate, Refusal
from headgate.vcs.limits import inspect_push
from headgate.vcs.repository import Repository


@dataclass
class Doorkeeper:
    """Keeps main for itself, takes proposals in, and remembers what it saw."""

    slow: float = 0.0
    broken: bool = False
    seen: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    options: list[str] = field(default_factory=list[str])
    taken: dict[str, Commit] = field(default_factory=dict[str, Commit])
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    async def pre_receive(self, push: Push, updates: list[RefUpdate]) -> list[Refusal]:
        repository = Repository(push.repository, environment=push.quarantine)
        refusals: list[Refusal] = []
        for update in updates:
            self.seen.append((push.push_id, update.ref))
            if update.ref.startswith("refs/heads/"):
                refusals.append(Refusal(update.ref, "main is gated: push to refs/for/main."))
            elif update.new != NO_COMMIT:
                problems = await inspect_push(repository, Commit(update.new))
                refusals += [Refusal(update.ref, problem) for problem in problems]
        return refusals

    async def proc_receive(
        self,
        push: Push,
        commands: list[RefUpdate],
        options: list[str],
        say: Callable[[str], None],
    ) -> list[CommandResult]:
        if self.broken:
            raise RuntimeError("a defect")
        self.options = options
        repository = Repository(push.repository)
        results: list[CommandResult] = []
        self.begun.set()
        for command in commands:
            say(f"looking at {command.ref}\x1b[31m")
            await asyncio.sleep(self.slow)
            if command.ref.endswith("/bad"):
                raise BadInput("The topic bad is taken.", "Choose another.")
            if command.ref.endswith("/no"):
                results.append(CommandResult(command.ref, False, "not\nthis one"))
                continue
            head = Commit(command.new)
            self.taken[command.ref] = head
            await repository.update_ref("refs/headgate/changes/1", head, NO_COMMIT)
            results.append(CommandResult(command.ref, True, ""))
        self.finished.set()
        return results


@dataclass
class Server:
    """The address, and the parts behind it."""

    url: str
    repositories: Path
    doorkeeper: Doorkeeper
    hooks: HookServer
    done: list[str]

    def address(self, name: str, who: str = "ada:secret") -> str:
        return self.url.replace("://", f"://{who}@") + f"/git/{name}.git"


@contextlib.asynccontextmanager
async def serving(place: Path) -> AsyncGenerator[Server]:
    """Serve the repositories below `place`/repositories until the block ends."""
    keeper = Doorkeeper()
    hooks = HookServer(place / "hook.sock", keeper)
    await hooks.start()
    done: list[str] = []

    async def open_project(scope: Scope, name: str, service: Service) -> GitAccess:
        given = dict(scope["headers"]).get(b"authorization", b"").removeprefix(b"Basic ")
        who, _, password = b64decode(given).decode().partition(":")
        if password != "secret":
            raise NotSignedIn("Git needs your name and a token.", "See `headgate token`.")
        path = place / "repositories" / f"{name}.git"
        if not path.exists():
            raise NotFound(f"There is no project {name!r} here.")
        if who == "eve" and service is Service.RECEIVE_PACK:
            raise Denied("eve may not push here.")
        return GitAccess(
            path,
            who,
            f"{who}-{secrets.token_hex(4)}",
            {"HEADGATE_HOOK_SOCKET": str(place / "hook.sock")},
            lambda: done.append(service.value),
        )

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            Starlette(routes=[Mount("/git", git_http(open_project))]),
            log_level="warning",
            timeout_graceful_shutdown=3,
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listener]))
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            yield Server(f"http://127.0.0.1:{port}", place / "repositories", keeper, hooks, done)
        finally:
            server.should_exit = True
            await task
            await hooks.stop()
