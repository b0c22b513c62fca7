"""Sessions of browsers, and the one-time codes that open them."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.responses import Response

from headgate.model.errors import NotSignedIn
from headgate.model.ids import PrincipalId
from headgate.model.principal import Principal
from headgate.store.database import Transaction

SESSION_SECONDS = 12 * 3600
LINK_SECONDS = 10 * 60

COOKIE = "headgate_session"
SECURE_COOKIE = "__Host-headgate_session"
"""Over TLS: the browser then takes it from this host only, and never over plain HTTP."""

Random = Callable[[int], bytes]
"""So many random bytes; `secrets.token_bytes` outside of tests."""


def digest_of(secret: str) -> str:
    """What is stored of a cookie or a code; both hold 256 random bits, so no salt is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def redeem_link(tx: Transaction, code: str) -> Principal:
    """The principal whom a code signs in; the code is used up. Raises NotSignedIn."""
    digest = digest_of(code)
    link = tx.sessions.find(digest, "link")
    if link is None:
        raise NotSignedIn(
            "This sign-in link was used before or has expired.",
            "Ask for another: `headgate signin-link NAME`.",
        )
    tx.sessions.end(digest)
    principal = tx.principals.get(link.principal)
    if principal.disabled:
        raise NotSignedIn(f"The principal {principal.name} is disabled.", "Ask an operator.")
    return principal


def open_session(tx: Transaction, principal: PrincipalId, now: float, random: Random) -> str:
    """Begin a session; returns the value for its cookie."""
    cookie = _secret(random)
    csrf = random(32).hex()
    tx.sessions.add(principal, "session", digest_of(cookie), csrf, now + SESSION_SECONDS)
    return cookie


def session_cookie(request: HTTPConnection) -> str:
    """The session cookie of a request; empty without one."""
    return request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE, "")


def set_cookie(response: Response, value: str, *, url: str) -> None:
    """Give the browser its session; `url` is the public address, which decides on `Secure`."""
    secure = url.startswith("https:")
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        value,
        max_age=SESSION_SECONDS,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def clear_cookie(response: Response, *, url: str) -> None:
    """Take the session from the browser."""
    secure = url.startswith("https:")
    response.delete_cookie(
        SECURE_COOKIE if secure else COOKIE,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def _secret(random: Random) -> str:
    return urlsafe_b64encode(random(32)).rstrip(b"=").decode("ascii")
