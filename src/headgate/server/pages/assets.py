"""Style sheets, scripts and the icon, all from this server and from memory."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headgate.model.errors import NotFound
from headgate.server.pages.render import STATIC

FOREVER = "public, max-age=31536000, immutable"

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".md": "text/markdown",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is and compressed."""

    type: str
    plain: bytes
    packed: bytes


class Assets:
    """Serves the files below `static/`; they are few, small, and never change while it runs.

    An address that names the content's digest may be kept for ever.
    """

    def __init__(self) -> None:
        self._files: dict[str, Asset] = {}
        for path in STATIC.rglob("*"):
            if path.is_file() and path.suffix in TYPES:
                data = path.read_bytes()
                name = path.relative_to(STATIC).as_posix()
                self._files[name] = Asset(TYPES[path.suffix], data, gzip.compress(data, 6, mtime=0))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        found = self._files.get(request.url.path.removeprefix("/static/"))
        if found is None or request.method not in ("GET", "HEAD"):
            raise NotFound(f"There is nothing at {request.url.path}.", "Check the address.")
        headers = {
            "cache-control": FOREVER if "v" in request.query_params else "no-cache",
            "vary": "accept-encoding",
        }
        body = found.plain
        if "gzip" in request.headers.get("accept-encoding", ""):
            body = found.packed
            headers["content-encoding"] = "gzip"
        await Response(body, headers=headers, media_type=found.type)(scope, receive, send)
