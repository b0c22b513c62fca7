"""Versions of gems. Source: Gem::Version of RubyGems."""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import Any

from headgate.deps.versions.interface import LONGEST, bad

_VERSION = re.compile(
    r"\s*[0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\s*", re.ASCII
)
_SEGMENT = re.compile(r"[0-9]+|[a-z]+", re.ASCII | re.IGNORECASE)


class RubyGems:
    """Numbers and words; a word comes before every number, `-` is `.pre.`, a gap is 0."""

    def key(self, version: str) -> Any:
        """The segments without what ends in zeros; raises BadVersion."""
        if len(version) > LONGEST or not _VERSION.fullmatch(version):
            raise bad(version, "RubyGems")
        found = _SEGMENT.findall(version.replace("-", ".pre."))
        segments = [int(part) if part.isdecimal() else part for part in found]
        word = next((i for i, part in enumerate(segments) if isinstance(part, str)), len(segments))
        return _KEY((*_trimmed(segments[:word]), *_trimmed(segments[word:])))


Segments = tuple[int | str, ...]


def _trimmed(segments: list[int | str]) -> list[int | str]:
    while segments and segments[-1] == 0:
        segments.pop()
    return segments


def _compare(a: Segments, b: Segments) -> int:
    for left, right in zip_longest(a, b, fillvalue=0):
        match left, right:
            case int(), int():
                order = (left > right) - (left < right)
            case str(), str():
                order = (left > right) - (left < right)
            case str(), _:
                order = -1
            case _:
                order = 1
        if order:
            return order
    return 0


_KEY = cmp_to_key(_compare)
