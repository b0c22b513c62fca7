"""Style sheets, scripts and the icon, all from this server."""

from __future__ import annotations

from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from headgate.server.pages.render import STATIC

FOREVER = b"public, max-age=31536000, immutable"


class Assets:
    """Static files; an address that names the content's digest may be kept for ever."""

    def __init__(self) -> None:
        self._files = StaticFiles(directory=STATIC)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                named = b"v=" in scope.get("query_string", b"")
                message["headers"].append((b"cache-control", FOREVER if named else b"no-cache"))
            await send(message)

        await self._files(scope, receive, keep)
