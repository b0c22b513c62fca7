"""Only this server's own pages may act in the name of whoever is signed in to them."""

from __future__ import annotations

from hmac import compare_digest
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from headgate.model.errors import Denied
from headgate.server.auth.identity import Identity, Via
from headgate.server.errors import answer

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"


class ForeignRequest(Denied):
    """The browser says that another site made it send this."""


def from_elsewhere(request: HTTPConnection) -> bool:
    """Whether a browser says that another origin caused this request.

    Clients that are no browsers send neither header and carry no ambient credentials.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return False
    return urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()


def check_csrf(identity: Identity, given: str) -> None:
    """Raises ForeignRequest when what a browser can send on its own lacks the session's token."""
    if identity.via in (Via.TOKEN, Via.OPERATOR):
        return  # no browser ever sends these on its own
    if identity.via is Via.BASIC:
        # A browser that was once asked for them by /git sends them with every later request.
        raise ForeignRequest(
            "Basic credentials are for git and for reading; they change nothing here.",
            "Send the token as `Authorization: Bearer hg_…`.",
        )
    if not identity.csrf or not compare_digest(identity.csrf.encode(), given.encode()):
        raise ForeignRequest(
            "The form does not belong to this session.", "Reload the page and try again."
        )


class SameOriginMiddleware:
    """Refuses every unsafe request that another origin caused, however it is authenticated."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            request = Request(scope)
            if from_elsewhere(request):
                error = ForeignRequest(
                    "Another site made the browser send this.", "Use Headgate's own pages."
                )
                await answer(request, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
