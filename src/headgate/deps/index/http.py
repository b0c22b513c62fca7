"""Asking an index over HTTP: several names at once, within limits, never taking doubt for yes."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from netrc import NetrcParseError
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx

from headgate.deps.index.interface import Answer, Existence

AT_ONCE = 8
ATTEMPTS = 2
ENOUGH = 64 << 10
"""Bytes of an answer that are looked at, where its beginning tells all that is asked."""
WHOLE = 48 << 20
"""Bytes of the largest document that is read whole; the npm registry has some of 30 MB."""

K = TypeVar("K")
_AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Page:
    """The beginning of what an index answered with 200."""

    type: str
    """Media type, without parameters."""
    text: str
    whole: bool
    """Whether `text` is all of it."""


_UNASKED = Answer(Existence.UNKNOWN, "was not asked")


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one request: a page, or why there is none."""

    page: Page | None
    refusal: Answer = _UNASKED


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document to ask for."""

    url: str
    accept: str
    most: int = ENOUGH
    """Bytes of it that are read."""


@dataclass(frozen=True, slots=True)
class Question:
    """How to ask for one name, and how to read the answer."""

    url: str
    accept: str
    judge: Callable[[Page], Answer]


async def ask(questions: Mapping[str, Question], patience: float) -> Mapping[str, Answer]:
    """The answers, by name. `patience` is in seconds, for each request as a whole."""
    wanted = {name: Wanted(q.url, q.accept) for name, q in questions.items()}
    replies = await fetch(wanted, patience)
    return {
        name: reply.refusal if reply.page is None else questions[name].judge(reply.page)
        for name, reply in replies.items()
    }


async def fetch(wanted: Mapping[K, Wanted], patience: float) -> Mapping[K, Reply]:
    """The documents, several at once. Never raises for what the network does.

    A netrc file of the account says who is asking, where an index wants to know.
    """
    if not wanted:
        return {}
    limit = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(
        verify=authorities(),
        auth=_account(),
        timeout=patience,
        follow_redirects=True,
        max_redirects=4,
        headers={"User-Agent": "headgate"},
    ) as client:

        async def one(what: Wanted) -> Reply:
            async with limit:
                return await _fetch(client, what, patience)

        replies = await asyncio.gather(*(one(what) for what in wanted.values()))
    return dict(zip(wanted, replies, strict=True))


def _account() -> httpx.Auth | None:
    named = os.environ.get("NETRC")
    file = Path(named) if named else Path("~/.netrc").expanduser()
    try:
        return httpx.NetRCAuth(str(file)) if file.is_file() else None
    except (OSError, NetrcParseError):
        return None


def authorities() -> ssl.SSLContext:
    """Whose certificates are believed: those of the machine, as pip and git do, which may have an
    authority of its own in front of an index; and Mozilla's, where the machine has none.

    SSL_CERT_FILE and SSL_CERT_DIR replace all of them.
    """
    context = httpx.create_ssl_context()
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        context.load_default_certs()
    return context


def shown(address: str) -> str:
    """An address without user and password."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def unknown(names: Iterable[str], why: str) -> Mapping[str, Answer]:
    """The same doubt about every name."""
    return {name: Answer(Existence.UNKNOWN, why) for name in names}


async def _fetch(client: httpx.AsyncClient, what: Wanted, patience: float) -> Reply:
    reply = Reply(None)
    for _ in range(ATTEMPTS):
        try:
            # httpx limits each read; only this limits an answer that drips in byte by byte.
            async with asyncio.timeout(patience):
                again, reply = await _fetch_once(client, what)
        except (TimeoutError, httpx.TimeoutException):
            return Reply(None, Answer(Existence.UNKNOWN, f"did not answer within {patience:g} s"))
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            why = str(error) or type(error).__name__
            refusal = Answer(Existence.UNKNOWN, f"could not be reached ({why})")
            again, reply = True, Reply(None, refusal)
        if not again:
            break
    return reply


async def _fetch_once(client: httpx.AsyncClient, what: Wanted) -> tuple[bool, Reply]:
    """Whether to ask again, and the answer so far."""
    async with client.stream("GET", what.url, headers={"Accept": what.accept}) as response:
        if response.status_code in (404, 410):
            return False, Reply(None, Answer(Existence.MISSING))
        if response.status_code != 200:
            again = response.status_code in _AGAIN
            said = Answer(Existence.UNKNOWN, f"answered {response.status_code}")
            return again, Reply(None, said)
        data = bytearray()
        whole = True
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > what.most:
                whole = False
                break
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        text = bytes(data[: what.most]).decode("utf-8", "replace")
        return False, Reply(Page(kind, text, whole))
