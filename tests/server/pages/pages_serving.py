"""A server for the pages of a world, with one viewer signed in."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn
from pages_world import World
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from headgate.model.errors import HeadgateError
from headgate.model.principal import Principal
from headgate.server.auth.csrf import SameOriginMiddleware
from headgate.server.auth.headers import SecurityHeadersMiddleware
from headgate.server.auth.identity import IDENTITY_KEY, Identity, Via
from headgate.server.errors import PAGE_KEY, answer, not_found
from headgate.server.pages.routes import routes
from headgate.server.pages.special import error_page


def make_app(world: World, viewer: Principal | None) -> ASGIApp:
    """The pages behind the real walls, with one viewer signed in."""
    if viewer is not None:
        with world.db.write() as tx:
            if tx.sessions.find("s", "session") is None:
                tx.sessions.add(viewer.id, "session", "s", "c" * 64, world.clock() + 3600)

    class SignedIn:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope, receive, send) -> None:
            if viewer is not None:
                scope[IDENTITY_KEY] = Identity(viewer, Via.SESSION, csrf="c" * 64, session="s")
            scope[PAGE_KEY] = error_page
            await self.app(scope, receive, send)

    def failed(request: Request, error: Exception) -> Response:
        assert isinstance(error, HeadgateError)
        return answer(request, error)

    def missing(request: Request, error: Exception) -> Response:
        return answer(request, not_found(request))

    app = Starlette(
        routes=list(routes(world)),
        middleware=[
            Middleware(SecurityHeadersMiddleware),
            Middleware(SignedIn),
            Middleware(SameOriginMiddleware),
        ],
        exception_handlers={HeadgateError: failed, 404: missing},
    )
    app.router.redirect_slashes = False
    return app


@contextlib.contextmanager
def serving(world: World, viewer: Principal | None) -> Iterator[str]:
    """A real server on a free port; yields its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        loops: list[asyncio.AbstractEventLoop] = []

        async def run() -> None:
            loops.append(asyncio.get_running_loop())
            await server.serve(sockets=[listener])

        config = uvicorn.Config(
            make_app(world, viewer), log_config=None, lifespan="off", timeout_graceful_shutdown=5
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            loops[0].call_soon_threadsafe(world.closing.set)
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive(), "the server did not stop"
