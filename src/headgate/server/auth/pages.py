"""Signing in and out: with a token, or with a one-time link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from headgate.model.errors import HeadgateError, NotSignedIn
from headgate.model.principal import Principal
from headgate.server.api.body import Field, local_path, read_body
from headgate.server.auth.csrf import check_csrf
from headgate.server.auth.identity import Authenticator, current_identity
from headgate.server.auth.limiter import AttemptLimiter
from headgate.server.auth.sessions import (
    Random,
    clear_cookie,
    open_session,
    redeem_link,
    set_cookie,
)
from headgate.server.errors import answer
from headgate.store.database import Database

FORM = (
    Field("token", "a token", longest=256),
    Field("code", "the code of a sign-in link", longest=256),
    Field("next", "where to go afterwards", longest=2000),
)


@dataclass(frozen=True, slots=True)
class SignInView:
    """What the sign-in page shows."""

    problem: str
    """Why the last attempt failed; empty at first."""
    code: str
    """Set when a link was opened from another site: the page then asks before using it up."""
    next: str


SignInPage = Callable[[Request, SignInView], Response]


class SignIn:
    """The routes /signin and /signout."""

    def __init__(
        self,
        db: Database,
        url: str,
        authenticator: Authenticator,
        limiter: AttemptLimiter,
        clock: Callable[[], float],
        random: Random,
        page: SignInPage,
    ) -> None:
        self._db = db
        self._url = url
        self._authenticator = authenticator
        self._limiter = limiter
        self._clock = clock
        self._random = random
        self._page = page

    def routes(self) -> list[Route]:
        """GET and POST /signin, POST /signout."""
        return [
            Route("/signin", self.form, methods=["GET"], name="signin"),
            Route("/signin", self.sign_in, methods=["POST"]),
            Route("/signout", self.sign_out, methods=["POST"], name="signout"),
        ]

    async def form(self, request: Request) -> Response:
        """The form; or, for a link that the reader opened, the sign-in itself."""
        code = request.query_params.get("code", "")[:256]
        target = local_path(request.query_params.get("next", ""))
        if code and _opened_by_reader(request):
            return await self._finish(request, "", code, target)
        return self._page(request, SignInView("", code, target))

    async def sign_in(self, request: Request) -> Response:
        """What the form sends."""
        try:
            body = await read_body(request, FORM)
        except HeadgateError as error:
            return answer(request, error)
        return await self._finish(
            request, body.text("token"), body.text("code"), local_path(body.text("next"))
        )

    async def sign_out(self, request: Request) -> Response:
        """End the session of this browser."""
        try:
            identity = current_identity(request)
            check_csrf(identity, (await read_body(request, ())).csrf)
        except HeadgateError as error:
            return answer(request, error)
        if identity.session:
            with self._db.write() as tx:
                tx.sessions.end(identity.session)
        response = RedirectResponse("/signin", status_code=303)
        clear_cookie(response, url=self._url)
        return response

    async def _finish(self, request: Request, token: str, code: str, target: str) -> Response:
        client = request.client.host if request.client else "unix"
        try:
            cookie = self._by_code(code, client) if code else await self._by_token(token, client)
        except NotSignedIn as error:
            response = self._page(request, SignInView(str(error), "", target))
            response.status_code = error.status
            return response
        response = RedirectResponse(target or "/", status_code=303)
        set_cookie(response, cookie, url=self._url)
        return response

    async def _by_token(self, token: str, client: str) -> str:
        return self._open(await self._authenticator.by_token(token, client))

    def _by_code(self, code: str, client: str) -> str:
        self._limiter.check(client, "link")
        try:
            with self._db.write() as tx:
                principal = redeem_link(tx, code)
        except NotSignedIn:
            self._limiter.failed(client, "link")
            raise
        return self._open(principal)

    def _open(self, principal: Principal) -> str:
        with self._db.write() as tx:
            return open_session(tx, principal.id, self._clock(), self._random)


def _opened_by_reader(request: Request) -> bool:
    """Whether the reader opened the address, and neither a prefetch nor another site did."""
    headers = request.headers
    if "prefetch" in headers.get("sec-purpose", "") or "prefetch" in headers.get("purpose", ""):
        return False
    return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
