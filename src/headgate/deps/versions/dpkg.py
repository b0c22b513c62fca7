"""Versions of Debian's packages, and of all that dpkg or opam order. Source: deb-version(7)."""

from __future__ import annotations

import re
from functools import lru_cache

from headgate.deps.versions.interface import LONGEST, bad

Part = tuple[tuple[int, ...], int]
DpkgKey = tuple[int, tuple[Part, ...], tuple[Part, ...]]

_END: Part = ((0,), 0)
_PARTS = re.compile(r"([^0-9]*)([0-9]*)", re.ASCII)
_VERSION = re.compile(r"(?:([0-9]+):)?([A-Za-z0-9.+~:_-]+)", re.ASCII)


class Dpkg:
    """Epoch, version of the origin, revision; `~` comes before everything, even the end."""

    def key(self, version: str) -> DpkgKey:
        """(epoch, version, revision); raises BadVersion."""
        found = _VERSION.fullmatch(version) if len(version) <= LONGEST else None
        if found is None or (found[1] is None and ":" in version):
            raise bad(version, "Debian's packages")
        rest = found[2]
        origin, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
        return int(found[1] or 0), _parts(origin), _parts(revision)


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
