"""Who is the principal of a request: a token, a session cookie, or the operator's own socket."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from headgate.authority.tokens import lookup_of
from headgate.model.errors import HeadgateError, NotSignedIn
from headgate.model.principal import OPERATOR, Principal
from headgate.server.auth.limiter import AttemptLimiter, TooManyAttempts
from headgate.server.auth.operator import OPERATOR_KEY
from headgate.server.auth.sessions import digest_of, session_cookie
from headgate.store.database import Database

IDENTITY_KEY = "headgate.identity"
"""Scope key under which the middleware leaves what it established."""

ANY_USER = frozenset({"", "token", "git"})
"""User names of Basic credentials that name nobody in particular."""

REMEDY = "Sign in at /signin, or send a token: `Authorization: Bearer hg_…`."


class Via(StrEnum):
    """How the principal of a request was established."""

    TOKEN = "token"
    BASIC = "basic"
    SESSION = "session"
    OPERATOR = "operator socket"


@dataclass(frozen=True, slots=True)
class Identity:
    """A principal, and the way it was established."""

    principal: Principal
    via: Via
    csrf: str = ""
    """What forms of this session must carry; empty when there is no session."""
    session: str = ""
    """Digest of the session's cookie."""


class Verifier(Protocol):
    """Tells whether a token's secret belongs to a stored hash; slow on purpose."""

    def verify(self, secret: str, stored_hash: str) -> bool: ...

    def known(self, secret: str) -> bool:
        """Whether this secret was verified a moment ago, so that no limit need apply."""
        ...


def current_identity(request: HTTPConnection) -> Identity:
    """The identity behind a request.

    Raises NotSignedIn (or its kind TooManyAttempts), saying what was wrong with the credentials.
    """
    found: Identity | HeadgateError | None = request.scope.get(IDENTITY_KEY)
    if isinstance(found, Identity):
        return found
    if isinstance(found, HeadgateError):
        raise found
    raise NotSignedIn("This needs somebody to be signed in.", REMEDY)


def current_principal(request: HTTPConnection) -> Principal:
    """The principal behind a request; raises NotSignedIn when there is none."""
    return current_identity(request).principal


def principal_or_none(request: HTTPConnection) -> Principal | None:
    """The principal behind a request, for what may be seen without one."""
    found = request.scope.get(IDENTITY_KEY)
    return found.principal if isinstance(found, Identity) else None


def csrf_token(request: HTTPConnection) -> str:
    """What a form of this session must carry in its field `csrf`; empty without a session."""
    found = request.scope.get(IDENTITY_KEY)
    return found.csrf if isinstance(found, Identity) else ""


class Authenticator:
    """Establishes identities from the database; shared by the middleware and the sign-in form."""

    def __init__(
        self,
        db: Database,
        verifier: Verifier,
        limiter: AttemptLimiter,
        clock: Callable[[], float],
    ) -> None:
        self._db = db
        self._verifier = verifier
        self._limiter = limiter
        self._clock = clock
        # Each comparison takes some 20 MB; a crowd of guesses must not take them all at once.
        self._comparing = asyncio.Semaphore(2)

    async def by_token(self, secret: str, client: str) -> Principal:
        """The principal that a token belongs to.

        `client` is the address it came from. Raises NotSignedIn or TooManyAttempts.
        """
        secret = secret.strip()
        lookup = lookup_of(secret)
        if not lookup:
            raise NotSignedIn("That is not a Headgate token; tokens begin with hg_.", REMEDY)
        # A token that was right a moment ago stays usable while others guess from its address,
        # and comparing it again costs nothing.
        known = self._verifier.known(secret)
        if not known:
            self._limiter.check(client, lookup)
        with self._db.read() as tx:
            stored = tx.tokens.by_lookup(lookup)
            principal = tx.principals.get(stored.principal) if stored else None
        now = self._clock()
        right = stored is not None and (
            self._verifier.verify(secret, stored.hash)
            if known
            else await self._compare(secret, stored.hash)
        )
        if stored is None or principal is None or not right:
            self._limiter.failed(client, lookup)
            raise NotSignedIn(
                "The token is not valid.", "Ask an operator for another: `headgate token issue`."
            )
        if stored.revoked is not None:
            raise NotSignedIn("The token was revoked.", "Ask an operator for another.")
        if stored.expires is not None and stored.expires <= now:
            raise NotSignedIn("The token has expired.", "Ask an operator for another.")
        return _enabled(principal)

    async def _compare(self, secret: str, stored_hash: str) -> bool:
        async with self._comparing:
            return await asyncio.to_thread(self._verifier.verify, secret, stored_hash)

    def by_session(self, cookie: str) -> Identity:
        """The identity of a session cookie; raises NotSignedIn when it ended."""
        digest = digest_of(cookie)
        with self._db.read() as tx:
            session = tx.sessions.find(digest, "session")
            principal = tx.principals.get(session.principal) if session else None
        if session is None or principal is None:
            raise NotSignedIn("The session has ended.", "Sign in again at /signin.")
        return Identity(_enabled(principal), Via.SESSION, session.csrf, digest)

    def operator(self) -> Identity:
        """The identity of whoever may open the operator's socket."""
        with self._db.read() as tx:
            return Identity(tx.principals.by_name(OPERATOR), Via.OPERATOR)

    async def identify(self, request: HTTPConnection) -> Identity | None:
        """Who sends this request; None without any credentials. Raises NotSignedIn."""
        client = request.client.host if request.client else "unix"
        header = request.headers.get("authorization", "")
        if header:
            return await self._by_header(header, client)
        if request.scope.get(OPERATOR_KEY):
            return self.operator()
        cookie = session_cookie(request)
        return self.by_session(cookie) if cookie else None

    async def _by_header(self, header: str, client: str) -> Identity:
        scheme, _, value = header.partition(" ")
        match scheme.lower():
            case "bearer":
                return Identity(await self.by_token(value, client), Via.TOKEN)
            case "basic":
                user, secret = _basic(value)
                principal = await self.by_token(secret, client)
                if user not in ANY_USER and user != principal.name:
                    raise NotSignedIn(
                        f"The token does not belong to {user!r}.",
                        "Give the name it was issued for, or the user name `token`.",
                    )
                return Identity(principal, Via.BASIC)
            case _:
                raise NotSignedIn(
                    "Only Bearer and Basic credentials are understood.",
                    "Send `Authorization: Bearer hg_…`.",
                )


def _enabled(principal: Principal) -> Principal:
    if principal.disabled:
        raise NotSignedIn(f"The principal {principal.name} is disabled.", "Ask an operator.")
    return principal


def _basic(value: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise NotSignedIn("The Basic credentials cannot be read.", REMEDY) from None
    user, separator, secret = text.partition(":")
    if not separator:
        raise NotSignedIn("The Basic credentials hold no password.", "The password is the token.")
    return user, secret


class IdentityMiddleware:
    """Leaves the identity, or the reason why there is none, in every request's scope."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            found: Identity | HeadgateError | None
            try:
                found = await self._authenticator.identify(HTTPConnection(scope))
            except (NotSignedIn, TooManyAttempts) as error:
                # Not an answer yet: the sign-in form and static files need nobody.
                found = error
            scope[IDENTITY_KEY] = found
        await self._app(scope, receive, send)
