"""A record of the OSV schema, read strictly: what cannot be read as a whole is not used in part.

Source: ossf.github.io/osv-schema, version 1.7.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from headgate.deps.advisories.names import ecosystem_and_release, package_name
from headgate.model.errors import BadInput

KINDS = {"introduced": "i", "fixed": "f", "last_affected": "l", "limit": "x"}
"""Kinds of events, and how they are written in ranges."""

LARGEST = 64 * 1024 * 1024
"""Bytes of the largest record that is read."""

Event = tuple[str, str]
"""(kind, version)."""

_MODIFIED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}")


class BadRecord(BadInput):
    """A record that cannot be read.

    `about` has what packages it names, as (ecosystem, name), as far as that could be told.
    """

    def __init__(self, message: str, about: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.about = tuple(dict.fromkeys(about))


@dataclass(frozen=True, slots=True)
class Affected:
    """What a record says of one package in one release of its ecosystem."""

    ecosystem: str
    """Without its release, as OSV spells it."""
    release: str
    name: str
    """As the ecosystem compares names."""
    ranges: tuple[tuple[Event, ...], ...]
    """Without those of commits."""
    versions: tuple[str, ...]
    only_commits: bool = False
    """Whether nothing but ranges of commits is said, or nothing at all: no version can be told."""


@dataclass(frozen=True, slots=True)
class Record:
    """One advisory."""

    id: str
    modified: str
    """RFC 3339, as written."""
    aliases: tuple[str, ...]
    """Other identifiers of the same, without the record's own."""
    summary: str
    severities: tuple[tuple[str, str], ...]
    """(type, vector) as in the schema, then ("rating", word) where the database gives one."""
    withdrawn: bool
    affected: tuple[Affected, ...]


def parse(data: bytes | str) -> Record:
    """Read a record; raises BadRecord with what packages it is about."""
    if len(data) > LARGEST:
        raise BadRecord(f"it has more than {LARGEST // 2**20} MiB.", _glimpsed(data))
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        found = json.loads(text)
        if "\\ud" in text or "\\uD" in text:  # Halves of characters cannot be kept.
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BadRecord(f"it is not JSON: {reason}.", _glimpsed(data)) from None
    if not isinstance(found, dict):
        raise BadRecord("it is not a JSON object.", _glimpsed(data))
    record = cast("dict[str, Any]", found)
    try:
        return _record(record)
    except BadRecord as error:
        raise BadRecord(error.message, _named(record)) from None


def _record(found: Mapping[str, Any]) -> Record:
    name = _text(found, "id")
    modified = _text(found, "modified")
    if not _MODIFIED.match(modified):
        raise BadRecord(f"`modified` is not a time: {modified[:40]!r}.")
    aliases = _texts(found, "aliases")
    upstream = _texts(found, "upstream")
    if len(upstream) == 1:  # A distribution's record of one advisory; of several it is its own.
        aliases += upstream
    return Record(
        name,
        modified,
        tuple(one for one in dict.fromkeys(aliases) if one != name),
        " ".join(str(found.get("summary") or "").split())[:200],
        tuple(_severities(found)),
        bool(found.get("withdrawn")),
        tuple(_affected(one) for one in _objects(found, "affected") if "package" in one),
    )


def _affected(found: Mapping[str, Any]) -> Affected:
    package = found["package"]
    if not isinstance(package, dict):
        raise BadRecord("`affected.package` is not an object.")
    package = cast("dict[str, Any]", package)
    ecosystem, release = ecosystem_and_release(_text(package, "ecosystem"))
    ranges: list[tuple[Event, ...]] = []
    for one in _objects(found, "ranges"):
        kind = _text(one, "type")
        if kind not in ("SEMVER", "ECOSYSTEM", "GIT"):
            raise BadRecord(f"`ranges.type` is {kind[:40]!r}, which is no type of ranges.")
        events = tuple(event for entry in _objects(one, "events") for event in _events(entry))
        if kind == "GIT":
            continue
        if not any(kind == "i" for kind, _ in events):
            raise BadRecord("`ranges.events` has no `introduced`.")
        ranges.append(events)
    versions = tuple(_texts(found, "versions"))
    return Affected(
        ecosystem,
        release,
        package_name(ecosystem, release, _text(package, "name")),
        tuple(ranges),
        versions,
        not ranges and not versions,
    )


def _events(entry: Mapping[str, Any]) -> Iterable[Event]:
    events = [(short, _text(entry, kind)) for kind, short in KINDS.items() if kind in entry]
    if not events:
        raise BadRecord("`ranges.events` has an event of no kind.")
    return events


def _severities(found: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    places = [found, *(one for one in _objects(found, "affected"))]
    given = dict.fromkeys(
        (_text(one, "type"), " ".join(_text(one, "score").split()))
        for place in places
        for one in _objects(place, "severity")
    )
    yield from given
    specific = found.get("database_specific")
    if isinstance(specific, dict):
        rating = cast("dict[str, Any]", specific).get("severity")
        if isinstance(rating, str):
            yield "rating", " ".join(rating.split())[:20]


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    if not isinstance(value, str) or not value.strip():
        raise BadRecord(f"`{key}` is missing or not a text.")
    return value.strip()


def _texts(found: Mapping[str, Any], key: str) -> list[str]:
    value = found.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(
        isinstance(one, str) for one in cast("list[object]", value)
    ):
        raise BadRecord(f"`{key}` is not a list of texts.")
    return cast("list[str]", value)


def _objects(found: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = found.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(
        isinstance(one, dict) for one in cast("list[object]", value)
    ):
        raise BadRecord(f"`{key}` is not a list of objects.")
    return cast("list[dict[str, Any]]", value)


def _named(found: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """The packages that a broken record names, as far as they can be read."""
    affected = found.get("affected")
    for one in cast("list[Any]", affected) if isinstance(affected, list) else []:
        package = cast("dict[str, Any]", one).get("package") if isinstance(one, dict) else None
        if isinstance(package, dict):
            given = cast("dict[str, Any]", package)
            yield _package(str(given.get("ecosystem") or ""), str(given.get("name") or ""))


_PAIR = re.compile(
    r'"(name|ecosystem)"\s*:\s*"([^"\\]{1,200})"[^{}]{0,300}?"(name|ecosystem)"\s*:\s*"([^"\\]{1,200})"'
)


def _glimpsed(data: bytes | str) -> Iterable[tuple[str, str]]:
    """The packages that a text names which is not JSON: cut off, or broken elsewhere."""
    text = data[:LARGEST]
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    for one, first, other, second in _PAIR.findall(text):
        if one != other:
            ecosystem, name = (first, second) if one == "ecosystem" else (second, first)
            yield _package(ecosystem, name)


def _package(ecosystem: str, name: str) -> tuple[str, str]:
    base, release = ecosystem_and_release(ecosystem)
    return base, package_name(base, release, name)
