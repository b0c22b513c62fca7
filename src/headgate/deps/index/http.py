"""Asking an index over HTTP: several names at once, within limits, never taking doubt for yes."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import httpx

from headgate.deps.index.interface import Answer, Existence

AT_ONCE = 8
ATTEMPTS = 2
ENOUGH = 64 << 10
"""Bytes of an answer that are looked at."""

_AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Page:
    """The beginning of what an index answered with 200."""

    type: str
    """Media type, without parameters."""
    text: str
    whole: bool
    """Whether `text` is all of it."""


@dataclass(frozen=True, slots=True)
class Question:
    """How to ask for one name, and how to read the answer."""

    url: str
    accept: str
    judge: Callable[[Page], Answer]


async def ask(questions: Mapping[str, Question], patience: float) -> Mapping[str, Answer]:
    """The answers, by name. `patience` is in seconds, for each request as a whole."""
    if not questions:
        return {}
    limit = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(
        verify=authorities(),
        timeout=patience,
        follow_redirects=True,
        max_redirects=4,
        headers={"User-Agent": "headgate"},
    ) as client:

        async def one(question: Question) -> Answer:
            async with limit:
                return await _ask(client, question, patience)

        answers = await asyncio.gather(*(one(question) for question in questions.values()))
    return dict(zip(questions, answers, strict=True))


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


async def _ask(client: httpx.AsyncClient, question: Question, patience: float) -> Answer:
    answer = Answer(Existence.UNKNOWN, "was not asked")
    for _ in range(ATTEMPTS):
        try:
            # httpx limits each read; only this limits an answer that drips in byte by byte.
            async with asyncio.timeout(patience):
                again, answer = await _ask_once(client, question)
        except (TimeoutError, httpx.TimeoutException):
            return Answer(Existence.UNKNOWN, f"did not answer within {patience:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            why = str(error) or type(error).__name__
            again, answer = True, Answer(Existence.UNKNOWN, f"could not be reached ({why})")
        if not again:
            break
    return answer


async def _ask_once(client: httpx.AsyncClient, question: Question) -> tuple[bool, Answer]:
    """Whether to ask again, and the answer so far."""
    async with client.stream("GET", question.url, headers={"Accept": question.accept}) as response:
        if response.status_code in (404, 410):
            return False, Answer(Existence.MISSING)
        if response.status_code != 200:
            again = response.status_code in _AGAIN
            return again, Answer(Existence.UNKNOWN, f"answered {response.status_code}")
        data = b""
        whole = True
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > ENOUGH:
                whole = False
                break
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        page = Page(kind, data[:ENOUGH].decode("utf-8", "replace"), whole)
        return False, question.judge(page)
