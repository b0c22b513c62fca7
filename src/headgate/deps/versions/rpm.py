"""Versions of RPM packages. Source: rpm-version(7), and rpmvercmp of rpm."""

from __future__ import annotations

import re
from functools import lru_cache

from headgate.deps.versions.interface import LONGEST, bad

Segment = tuple[int, int, str]
RpmKey = tuple[int, tuple[Segment, ...], tuple[Segment, ...]]

_SEGMENTS = re.compile(r"~|\^|[0-9]+|[A-Za-z]+", re.ASCII)
_TILDE, _END, _CARET, _WORD, _NUMBER = range(5)
"""What stands first comes first: `1~rc` before `1` before `1^git` before `1a` before `1.1`."""


class Rpm:
    """Epoch, version, release; what is neither letter nor digit only separates."""

    def key(self, version: str) -> RpmKey:
        """(epoch, version, release); no release comes before every release. Raises BadVersion."""
        epoch, colon, rest = version.partition(":")
        if not colon or not (epoch.isascii() and epoch.isdecimal()):
            epoch, rest = "0", version
        if not rest or len(version) > LONGEST or any(c.isspace() for c in version):
            raise bad(version, "RPM packages")
        if "-" not in rest:
            return int(epoch), _segments(rest), ()
        number, _, release = rest.rpartition("-")
        return int(epoch), _segments(number), _segments(release)


@lru_cache(maxsize=4096)
def _segments(text: str) -> tuple[Segment, ...]:
    return (*(_segment(found) for found in _SEGMENTS.findall(text)), (_END, 0, ""))


def _segment(text: str) -> Segment:
    if text == "~":
        return _TILDE, 0, ""
    if text == "^":
        return _CARET, 0, ""
    return (_NUMBER, int(text), "") if text.isdecimal() else (_WORD, 0, text)
