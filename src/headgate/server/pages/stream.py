"""Server-sent events: an answer that ends when the reader leaves or the server stops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.types import Receive, Scope, Send

from headgate.model.errors import NotFound, NotSignedIn

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that dead connections are noticed."""

BEAT = b": beat\n\n"


def message(html: str, *, id: str = "", event: str = "") -> bytes:
    """One event; without a name the browser swaps its content into the page."""
    lines = [f"event: {event}"] if event else []
    if id:
        lines.append(f"id: {id}")
    lines.extend(f"data: {line}" for line in html.replace("\r", "").split("\n"))
    return ("\n".join(lines) + "\n\n").encode("utf-8", "backslashreplace")


class EventStream:
    """Sends what a source yields, as long as somebody listens and `closing` is not set."""

    def __init__(self, source: AsyncIterator[bytes], closing: asyncio.Event) -> None:
        self._source = source
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"text/event-stream; charset=utf-8"),
                    (b"cache-control", b"no-store"),
                    (b"x-accel-buffering", b"no"),
                ],
            }
        )
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_left(receive))
        closing = asyncio.create_task(self._closing.wait())
        waiting = {sending, leaving, closing}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(leaving, closing, return_exceptions=True)
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await sending
        if not leaving.done() or leaving.cancelled():
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send) -> None:
        try:
            async for chunk in self._source:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (NotSignedIn, NotFound):
            return  # The reader may see this no more: asking again says why.
        finally:
            close = getattr(self._source, "aclose", None)
            if close is not None:
                await close()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
