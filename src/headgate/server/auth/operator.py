"""The operator's unix socket: who can open it owns the data directory."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

OPERATOR_KEY = "headgate.operator_socket"
"""Scope key that only the listener on the operator's socket sets."""


class OperatorSocket:
    """Wraps the application for the listener on the operator's unix socket (mode 0600).

    Never put it around a listener that anybody else can reach: requests without credentials act
    as the operator.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, OPERATOR_KEY: True}
        await self._app(scope, receive, send)
