"""The application: API, pages, git, health and metrics behind one set of walls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from headgate.model.errors import CouldNotRun, HeadgateError
from headgate.server.api import api_routes
from headgate.server.api.house import UseCases
from headgate.server.auth.csrf import SameOriginMiddleware
from headgate.server.auth.headers import SecurityHeadersMiddleware
from headgate.server.auth.hosts import HostMiddleware
from headgate.server.auth.identity import Authenticator, IdentityMiddleware
from headgate.server.auth.limiter import AttemptLimiter
from headgate.server.auth.operator import OperatorSocket
from headgate.server.auth.pages import SignIn
from headgate.server.errors import PAGE_KEY, ErrorPage, answer, not_found
from headgate.server.metrics import Metrics, MetricsMiddleware
from headgate.server.pages.special import error_page, signin_page

log = structlog.get_logger()


def create_app(
    house: UseCases,
    *,
    git_app: ASGIApp | None,
    pages_routes: Sequence[BaseRoute],
) -> ASGIApp:
    """Assemble the application.

    `git_app` is mounted at /git and finds its principal with `current_principal(Request(scope))`.
    For the operator's unix socket wrap the result in `operator_app`.
    """
    limiter = AttemptLimiter(house.clock)
    authenticator = Authenticator(house.db, house.tokens, limiter, house.clock)
    metrics = Metrics(house.db, house.policy)
    signin = SignIn(
        house.db,
        house.settings.url,
        authenticator,
        limiter,
        house.clock,
        house.random,
        signin_page,
    )
    routes: list[BaseRoute] = [
        Route("/healthz", _health(house), methods=["GET"]),
        Route("/metrics", metrics.page, methods=["GET"]),
        *signin.routes(),
        *api_routes(house),
    ]
    if git_app is not None:
        routes.append(Mount("/git", git_app))
    routes.extend(pages_routes)
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(_ErrorPages, error_page),
            Middleware(HostMiddleware, house.settings),
            Middleware(SameOriginMiddleware),
            Middleware(IdentityMiddleware, authenticator),
        ],
        exception_handlers={
            HeadgateError: _headgate_error,
            HTTPException: _http_error,
            Exception: _defect,
        },
    )
    app.router.redirect_slashes = False
    # Around all of it, so that the answer to a defect is counted and carries the headers, too.
    return MetricsMiddleware(SecurityHeadersMiddleware(app), metrics)


def operator_app(app: ASGIApp) -> ASGIApp:
    """The same application for the listener on the operator's unix socket (mode 0600)."""
    return OperatorSocket(app)


class _ErrorPages:
    """Lets every layer below render errors alike."""

    def __init__(self, app: ASGIApp, page: ErrorPage) -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[PAGE_KEY] = self._page
        await self._app(scope, receive, send)


def _health(house: UseCases) -> Callable[[Request], Awaitable[Response]]:
    async def health(request: Request) -> Response:
        """Answers when the database does; tells nothing else, as it needs nobody."""
        with house.db.read() as tx:
            tx.events.last()
        return JSONResponse({"ok": True})

    return health


def _headgate_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HeadgateError)
    return answer(request, error)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return answer(request, not_found(request))
    said = HeadgateError(f"{error.detail}.", "See /api/ for the addresses there are.")
    said.status = error.status_code
    response = answer(request, said)
    response.headers.update(error.headers or {})
    return response


def _defect(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, exc_info=error)
    said = CouldNotRun(
        "Headgate failed at this request; its log says how.", "Tell the operator, or try again."
    )
    said.status = 500
    return answer(request, said)
