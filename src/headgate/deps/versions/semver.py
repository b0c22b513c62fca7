"""Semantic Versioning 2.0.0, read as leniently as npm and OSV read it."""

from __future__ import annotations

import re

from headgate.deps.versions.interface import LONGEST, bad

Identifier = tuple[int, int, str]
SemVerKey = tuple[tuple[int, ...], int, tuple[Identifier, ...]]

_VERSION = re.compile(
    r"[=vV\s]*([0-9]+(?:\.[0-9]+)*)(?:-([0-9A-Za-z.-]+)|([A-Za-z][0-9A-Za-z.-]*))?(?:\+.*)?\s*",
    re.ASCII,
)


class SemVer:
    """Numbers, then pre-releases before the release; what stands after `+` does not count.

    A leading `v`, fewer or more than three numbers, zeros in front and a pre-release without its
    hyphen are taken, as registries hold such versions.
    """

    def key(self, version: str) -> SemVerKey:
        """(numbers, 0 for a pre-release or 1, identifiers); raises BadVersion."""
        found = _VERSION.fullmatch(version) if len(version) <= LONGEST else None
        if found is None:
            raise bad(version, "Semantic Versioning")
        numbers, pre = found[1], found[2] or found[3]
        return (release(numbers), 1, ()) if pre is None else (release(numbers), 0, identifiers(pre))


def release(text: str) -> tuple[int, ...]:
    """The numbers of `1.2.3`: at least three, and no zeros at the end behind them."""
    numbers = [int(part) for part in text.split(".")]
    numbers += [0] * (3 - len(numbers))
    while len(numbers) > 3 and numbers[-1] == 0:
        del numbers[-1]
    return tuple(numbers)


def identifiers(text: str) -> tuple[Identifier, ...]:
    """Identifiers of a pre-release or a build: numbers come before words."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in text.split(".")
    )
