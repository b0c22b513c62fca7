"""Who asks, and whether the request was meant: identities, sessions, and the walls around them."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import Scope

from headgate.model.principal import Principal
from headgate.server.auth.identity import (
    Identity,
    Via,
    csrf_token,
    current_identity,
    current_principal,
    principal_or_none,
)
from headgate.server.auth.operator import OperatorSocket

__all__ = [
    "Identity",
    "OperatorSocket",
    "Via",
    "csrf_token",
    "current_identity",
    "current_principal",
    "principal_of_scope",
    "principal_or_none",
]


async def principal_of_scope(house: object, scope: Scope) -> Principal:
    """The principal behind an ASGI scope that came through the application's middleware.

    Raises NotSignedIn. The house is not asked again: the middleware did.
    """
    del house
    return current_principal(HTTPConnection(scope))
