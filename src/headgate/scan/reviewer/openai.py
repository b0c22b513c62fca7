"""An endpoint that speaks the chat completions of OpenAI, as many servers do, over HTTP.

One POST per attempt, nothing followed, nothing kept: https://platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import json
import os
import ssl
import time
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from headgate.model.reviewer import ReviewerPolicy
from headgate.scan.reviewer.address import Place, permitted
from headgate.scan.reviewer.interface import NOTHING, NotAnswered, Reply, Usage, estimated
from headgate.scan.text import printable

ATTEMPTS = 4
_AGAIN = frozenset({408, 429, 500, 502, 503, 504, 529})
_FIRST_WAIT = 0.5
"""Seconds before the second attempt, twice as long before each further one."""
_PER_TOKEN = 32
"""Bytes of an answer that is read, per token that it may have."""
_LEAST = 256 << 10
_LONGEST_CAUSE = 160


class OpenAIEndpoint:
    """Asks one model at one address."""

    def __init__(self, policy: ReviewerPolicy, key: str = "") -> None:
        """`key`: sent as a bearer token; empty: none is sent."""
        self._policy = policy
        self._key = key
        self._most = max(_LEAST, _PER_TOKEN * policy.tokens_per_answer)
        self._until = 0.0
        """When the review must be over, by the monotonic clock; set by the first question."""

    async def ask(self, body: bytes) -> Reply:
        """See `Endpoint`. The time that the policy gives is for all questions together."""
        if not self._key.isascii() or not self._key.isprintable():
            raise NotAnswered(
                "The key of the endpoint has characters that no key has: store or set it again."
            )
        self._until = self._until or time.monotonic() + self._policy.timeout
        sent = 0
        try:
            async with asyncio.timeout(self._left):
                place = await permitted(self._policy)
                async with self._client(place) as client:
                    for attempt in range(1, ATTEMPTS + 1):
                        sent = attempt
                        try:
                            return await self._once(client, place, body)
                        except _Later as later:
                            await self._wait(later, attempt)
        except TimeoutError:
            raise NotAnswered(
                f"{self._name} did not answer within {self._policy.timeout:g} s: allow more with "
                "`timeout` under [reviewer], or take a faster model.",
                # Whoever is slow may still be paid.
                Usage(estimated(body), 0, estimated=True) if sent else NOTHING,
            ) from None
        raise AssertionError("the last attempt returns or raises")

    @property
    def _left(self) -> float:
        """Seconds."""
        return self._until - time.monotonic()

    @property
    def _name(self) -> str:
        return f"The endpoint {urlsplit(self._policy.endpoint).netloc}"

    def _client(self, place: Place) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            # Nothing is followed, so that plain HTTP stays what it is.
            verify=_authorities() if place.scheme == "https" else False,
            # A proxy of the environment would be a third place that code goes to.
            trust_env=not place.near,
            follow_redirects=False,
            timeout=self._policy.timeout,
        )

    async def _once(self, client: httpx.AsyncClient, place: Place, body: bytes) -> Reply:
        """One attempt, at the first address where somebody listens. Raises _Later when another
        one may help, NotAnswered when none does."""
        for address in place.addresses[:-1]:
            with contextlib.suppress(_Nobody):
                return await self._at(client, place, address, body)
        return await self._at(client, place, (place.addresses or (place.host,))[-1], body)

    async def _at(
        self, client: httpx.AsyncClient, place: Place, address: str, body: bytes
    ) -> Reply:
        try:
            async with client.stream(
                "POST",
                self._url(place, address),
                content=body,
                headers=self._headers(place),
                extensions={"sni_hostname": place.host},
            ) as response:
                status = response.status_code
                if response.is_redirect:
                    to = printable(response.headers.get("location", ""))[:_LONGEST_CAUSE]
                    raise NotAnswered(
                        f"{self._name} sends on to {to or 'another place'} ({status}), and code is "
                        "sent to the place that the policy names only: correct `endpoint` under "
                        "[reviewer]."
                    )
                data = await self._read(response, status)
        except ssl.SSLError as error:
            raise self._untrusted(error) from None
        except httpx.TimeoutException:
            raise TimeoutError from None
        except httpx.HTTPError as error:
            raise self._unreached(error, body) from None
        if status == 200:
            return self._reply(data, body)
        why = self._cause(data)
        if status in _AGAIN:
            raise _Later(status, why, response.headers)
        raise NotAnswered(self._refusal(status, why))

    def _url(self, place: Place, address: str) -> str:
        parts = urlsplit(self._policy.endpoint)
        bracketed = f"[{address}]" if ":" in address else address
        return f"{place.scheme}://{bracketed}:{place.port}{parts.path}/chat/completions"

    def _headers(self, place: Place) -> dict[str, str]:
        headers = {
            "Host": urlsplit(self._policy.endpoint).netloc,
            "Content-Type": "application/json",
            "Accept": "application/json",
            # Small answers; and no compressed one that grows.
            "Accept-Encoding": "identity",
            "User-Agent": "headgate",
        }
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return headers

    async def _read(self, response: httpx.Response, status: int) -> bytes:
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("", "identity"):
            # Never unpacked: a few bytes, packed more than once, would fill the memory.
            raise NotAnswered(
                f"{self._name} answered in a compressed form that was not asked for: have it, or "
                "what stands before it, heed `Accept-Encoding: identity`.",
                Usage(0, self._policy.tokens_per_answer, estimated=True),
            )
        data = bytearray()
        async for chunk in response.aiter_raw():
            data += chunk
            if len(data) > self._most:
                if status != 200:
                    break
                raise NotAnswered(
                    f"{self._name} answered with more than {self._most >> 10} KiB, which no answer "
                    f"of {self._policy.tokens_per_answer} tokens is: is it an endpoint for chat "
                    "completions?",
                    Usage(0, self._policy.tokens_per_answer, estimated=True),
                )
        return bytes(data)

    # -- what is said of answers -------------------------------------------------------------

    def _reply(self, data: bytes, body: bytes) -> Reply:
        unpaid = Usage(estimated(body), estimated(data), estimated=True)
        strange = f"{self._name} did not answer as an endpoint for chat completions does"
        try:
            value: Any = json.loads(data)
            choice = value["choices"][0]
            message = choice["message"]
            text, refusal = message.get("content"), message.get("refusal")
        except RecursionError:
            raise NotAnswered(f"{strange} (its JSON is nested too deeply).", unpaid) from None
        except ValueError:
            raise NotAnswered(
                f"{strange} (it is not JSON): correct `endpoint` under [reviewer], which mostly "
                "ends in /v1.",
                unpaid,
            ) from None
        except (KeyError, IndexError, TypeError, AttributeError):
            raise NotAnswered(f"{strange} (there is no message in it).", unpaid) from None
        usage = _usage(value.get("usage")) or unpaid
        if isinstance(refusal, str) and refusal and not text:
            why = self._clean(refusal)
            raise NotAnswered(f"The model refused to review: {why}", usage)
        if not isinstance(text, str):
            raise NotAnswered(f"{strange} (there is no text in its message).", usage)
        return Reply(text, usage, choice.get("finish_reason") == "length")

    def _cause(self, data: bytes) -> str:
        """What an error says, on one line, without the key."""
        try:
            value: Any = json.loads(data)
        except (ValueError, RecursionError):
            return ""
        error = cast("Mapping[str, Any]", value).get("error") if isinstance(value, dict) else None
        if isinstance(error, dict):
            error = cast("Mapping[str, Any]", error).get("message")
        return self._clean(error) if isinstance(error, str) else ""

    def _clean(self, text: str) -> str:
        if self._key:
            text = text.replace(self._key, "***")
        line = printable(" ".join(text.split()))
        return line if len(line) <= _LONGEST_CAUSE else f"{line[: _LONGEST_CAUSE - 1]}…"

    def _refusal(self, status: int, why: str) -> str:
        said = f" ({why})" if why else ""
        if status in (401, 403):
            which = "the key" if self._key else "us, as no key is configured"
            remedy = "set `key-secret` or `key-env` under [reviewer] to a valid one"
            return f"{self._name} refused {which} with {status}{said}: {remedy}."
        if status == 404:
            return (
                f"{self._name} does not know this address or the model {self._policy.model} (404)"
                f"{said}: correct `endpoint` or `model` under [reviewer]."
            )
        if status == 413:
            return f"{self._name} finds the question too large (413): lower `tokens-per-review`."
        return (
            f"{self._name} refused the question with {status}{said}: see whether it knows the "
            "`answer-format` and `limit-name` that [reviewer] gives."
        )

    def _untrusted(self, error: ssl.SSLError) -> NotAnswered:
        why = getattr(error, "verify_message", "") or error.reason or "TLS failed"
        return NotAnswered(
            f"The certificate of {self._name[4:]} is not trusted ({why}): have the machine trust "
            "its authority, or name it in SSL_CERT_FILE."
        )

    def _unreached(self, error: httpx.HTTPError, body: bytes) -> NotAnswered:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLError):
                return self._untrusted(cause)
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, httpx.ConnectError):
            return _Nobody(
                f"{self._name} cannot be reached: start it, or correct `endpoint` under [reviewer]."
            )
        why = self._clean(str(error)) or type(error).__name__
        return NotAnswered(
            f"{self._name} broke off ({why}): see its log.",
            Usage(estimated(body), 0, estimated=True),
        )

    async def _wait(self, later: _Later, attempt: int) -> None:
        """Wait for the next attempt. Raises NotAnswered when there is none in time."""
        said = f" ({later.why})" if later.why else ""
        what = "is asked too often" if later.status == 429 else "is in trouble"
        pause = _FIRST_WAIT * 2 ** (attempt - 1) if later.wait is None else later.wait
        left = self._left
        if attempt == ATTEMPTS or pause >= left:
            times = f"{attempt} times" if attempt > 1 else "once"
            asks = f", and wants {pause:.0f} s before the next" if pause >= left else ""
            raise NotAnswered(
                f"{self._name} {what} and answered {later.status}{said} {times}{asks}: try again "
                "later."
            )
        await asyncio.sleep(pause)


class _Nobody(NotAnswered):
    """Nobody listens at an address."""


class _Later(Exception):
    """Another attempt may help."""

    def __init__(self, status: int, why: str, headers: Mapping[str, str]) -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.wait = _retry_after(headers.get("retry-after", ""))
        """Seconds that the endpoint asks for; None when it does not say."""


def _retry_after(value: str) -> float | None:
    """RFC 9110, section 10.2.3: seconds or a date."""
    if value.strip().isdecimal():
        return min(float(value), 1e6)
    try:
        when = email.utils.parsedate_to_datetime(value)
        return max(0.0, when.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _usage(value: Any) -> Usage | None:
    if not isinstance(value, dict):
        return None
    fields = cast("Mapping[str, Any]", value)
    sent, received = fields.get("prompt_tokens"), fields.get("completion_tokens")
    for one in (sent, received):
        if isinstance(one, bool) or not isinstance(one, int) or not 0 <= one < 1 << 31:
            return None
    if not sent:
        # No question is of no tokens: it was not counted.
        return None
    return Usage(cast("int", sent), cast("int", received))


def _authorities() -> ssl.SSLContext:
    """Whose certificates are believed: the machine's, and Mozilla's; or SSL_CERT_FILE's only."""
    context = httpx.create_ssl_context()
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        context.load_default_certs()
    return context
