"""Bodies of requests: JSON from programs, forms from pages, checked against what is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, cast

from starlette.requests import Request

from headgate.model.errors import BadInput
from headgate.server.api.numbers import DIGITS, LARGEST
from headgate.server.errors import is_form

SMALL_BODY = 1 << 20
"""Bytes."""


class TooLarge(BadInput):
    """The body is larger than this use-case takes."""

    status = 413


class Kind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    NUMBER = "number"
    FILES = "files"
    """An object of file names and their text."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body."""

    name: str
    meaning: str
    kind: Kind = Kind.TEXT
    required: bool = False
    longest: int = 10_000
    """Characters of a text."""


@dataclass(frozen=True, slots=True)
class Body:
    """The fields that were given, already checked."""

    values: Mapping[str, Any]
    csrf: str = ""
    back: str = ""
    """Where a page wants to be led after its form; empty: the use-case decides."""

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)

    def number(self, name: str) -> int | None:
        return self.values.get(name)

    def files(self, name: str) -> dict[str, bytes]:
        return self.values.get(name, {})


async def read_body(request: Request, fields: tuple[Field, ...], limit: int = SMALL_BODY) -> Body:
    """Read and check a body of at most `limit` bytes. Raises BadInput, TooLarge."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise TooLarge(f"The body is larger than {limit} bytes.")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes.")
    if is_form(request):
        return _from_form(request, bytes(data), fields)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if data and kind != "application/json":
        raise BadInput(
            f"A body of the type {kind or 'unknown'!r} cannot be read.",
            "Send JSON with `Content-Type: application/json`.",
        )
    given = _object(bytes(data)) if data else {}
    return Body(_checked(given, fields), request.headers.get("x-csrf-token", ""))


def _object(data: bytes) -> dict[str, Any]:
    try:
        given: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The body is not JSON: {error}.") from None
    if not isinstance(given, dict):
        raise BadInput("The body must be a JSON object.")
    return cast("dict[str, Any]", given)


def _from_form(request: Request, data: bytes, fields: tuple[Field, ...]) -> Body:
    from urllib.parse import parse_qsl

    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise BadInput("Forms must be sent URL-encoded.")
    try:
        pairs = parse_qsl(
            data.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50
        )
    except ValueError:
        raise BadInput("The form cannot be read.") from None
    given: dict[str, Any] = dict(pairs)
    csrf = str(given.pop("csrf", "")) or request.headers.get("x-csrf-token", "")
    back = local_path(str(given.pop("back", "")))
    for field in fields:
        if field.kind is Kind.NUMBER and field.name in given:
            text = str(given[field.name]).strip()
            if not text:
                del given[field.name]
            elif text.isascii() and text.isdecimal() and len(text) <= DIGITS:
                given[field.name] = int(text)
    return Body(_checked(given, fields), csrf, back)


def local_path(path: str) -> str:
    """The path if it stays on this server, else empty: never a redirect to elsewhere."""
    plain = path.isprintable() and "\\" not in path and not any(c.isspace() for c in path)
    return path if path.startswith("/") and not path.startswith("//") and plain else ""


def _checked(given: Mapping[str, Any], fields: tuple[Field, ...]) -> dict[str, Any]:
    known = {field.name: field for field in fields}
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            all_known = "Known: " + (", ".join(known) or "none") + "."
            hint = f"Did you mean {near[0]!r}?" if near else all_known
            raise BadInput(f"The field {name[:100]!r} is not known.", hint)
    values: dict[str, Any] = {}
    for field in fields:
        value = given.get(field.name)
        if value is None or (value == "" and field.required):
            if field.required:
                raise BadInput(f"The field {field.name!r} is missing: {field.meaning}.")
            continue
        values[field.name] = _value(field, value)
    return values


def _value(field: Field, value: Any) -> Any:
    match field.kind:
        case Kind.TEXT:
            if not isinstance(value, str):
                raise BadInput(f"The field {field.name!r} must be a text.")
            if len(value) > field.longest:
                raise BadInput(
                    f"The field {field.name!r} is longer than {field.longest} characters."
                )
            if "\0" in value or not _encodable(value):
                raise BadInput(f"The field {field.name!r} holds characters that no text has.")
            return value.strip()
        case Kind.NUMBER:
            if not isinstance(value, int) or isinstance(value, bool):
                raise BadInput(f"The field {field.name!r} must be a whole number.")
            if abs(value) > LARGEST:
                raise BadInput(
                    f"The field {field.name!r} must be a number of at most {DIGITS} digits."
                )
            return value
        case Kind.FILES:
            return _files(field, value)


def _files(field: Field, value: Any) -> dict[str, bytes]:
    if not isinstance(value, dict) or not all(
        isinstance(text, str) and _encodable(text)
        for text in cast("dict[str, Any]", value).values()
    ):
        raise BadInput(f"The field {field.name!r} must be an object of file names and their text.")
    files = cast("dict[str, str]", value)
    return {name: text.encode() for name, text in files.items()}


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
