"""Versions of Debian's packages, and of all that dpkg or opam order. Source: deb-version(7)."""

from __future__ import annotations

import re
from functools import lru_cache

from headgate.deps.versions.interface import LONGEST, bad

Part = tuple[tuple[int, ...], int]
DpkgKey = tuple[int, tuple[Part, ...], tuple[Part, ...]]

_END: Part = ((0,), 0)
_PARTS = re.compile(r"([^0-9]*)([0-9]*)", re.ASCII)
_BROKEN = re.compile(r"[\x00-\x20\x7f]")


class Dpkg:
    """Epoch, version of the origin, revision; `~` comes before everything, even the end."""

    def key(self, version: str) -> DpkgKey:
        """(epoch, version, revision); raises BadVersion."""
        epoch, colon, rest = version.partition(":")
        if not colon:
            epoch, rest = "0", version
        if not rest or len(version) > LONGEST or _BROKEN.search(version) or not _number(epoch):
            raise bad(version, "Debian's packages")
        origin, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
        return int(epoch), _parts(origin), _parts(revision)


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[Part, ...]:
    return (
        *(
            ((*(_order(c) for c in words), 0), int(digits or 0))
            for words, digits in _PARTS.findall(text or "0")  # nothing is as 0
            if words or digits
        ),
        _END,
    )


def _order(character: str) -> int:
    if character == "~":
        return -1
    code = ord(character)
    return code if character.isascii() and character.isalpha() else code + 256
