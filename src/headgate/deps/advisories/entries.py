"""What a record says of one package, as it is kept: small, and ready to be asked."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from headgate.deps.advisories.ranges import Place, Range, Truth, order_name, ordered
from headgate.deps.advisories.record import Affected

_WORTH_PACKING = 240
"""Bytes above which packing pays for the time it takes."""


_DECODE = json.JSONDecoder().raw_decode


class Entry(NamedTuple):
    """What a record says of one package in one release of its ecosystem."""

    release: str
    ranges: Sequence[Range]
    versions: Sequence[str]
    """Those that lie in none of the ranges; an advisory lists the others as well."""
    only_commits: bool


def entry_of(affected: Affected) -> Entry:
    """An entry whose ranges are in order and whose list holds only what they leave out."""
    order = order_name(affected.ecosystem, affected.release)
    ranges = [ordered(order, events) for events in affected.ranges]
    versions = [
        one
        for one in dict.fromkeys(affected.versions)
        if not ranges or Place(order, one).within(ranges, ()) is not Truth.YES
    ]
    return Entry(affected.release, ranges, versions, affected.only_commits)


def packed(entries: Iterable[Entry]) -> bytes:
    """Entries as bytes."""
    kept = list(dict.fromkeys(json.dumps(one, separators=(",", ":")) for one in entries))
    data = f"[{','.join(kept)}]".encode()
    return zlib.compress(data, 6) if len(data) > _WORTH_PACKING else data


def unpacked(data: bytes) -> list[Entry]:
    """The entries again."""
    text = data if data[:1] == b"[" else zlib.decompress(data)
    # What is ours begins and ends without white space, and need not be looked through for its
    # encoding: half of the time is saved.
    return [Entry(*one) for one in _DECODE(text.decode())[0]]
