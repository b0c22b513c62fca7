"""Versions of Python's packages: PEP 440, and what PyPI took before it."""

from __future__ import annotations

import re
from typing import Any

from packaging.version import InvalidVersion, Version

from headgate.deps.versions.interface import LONGEST, bad

_OLDER = re.compile(r"[A-Za-z0-9._:+-]+", re.ASCII)
_LEGACY = re.compile(r"([0-9]+|[a-z]+|\.|-)", re.ASCII)
_READ_AS = {"pre": "c", "preview": "c", "-": "final-", "rc": "c", "dev": "@"}


class PyPI:
    """PEP 440; versions older than it come before all of its own, ordered as setuptools did.

    A specifier (`>=3`) and a mere word (`latest`) are no versions, though setuptools took them.
    """

    def key(self, version: str) -> Any:
        """The version by PEP 440, or an older one; raises BadVersion."""
        if len(version) > LONGEST:
            raise bad(version, "PyPI")
        try:
            return Version(version)
        except InvalidVersion:
            if not _OLDER.fullmatch(version) or version.isalpha():
                raise bad(version, "PyPI") from None
            return _Older(_legacy(version.lower()))


class _Older:
    """A version that PEP 440 does not know: before all that it knows."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[str, ...]) -> None:
        self.parts = parts

    def __lt__(self, other: object) -> bool:
        return self.parts < other.parts if isinstance(other, _Older) else True

    def __gt__(self, other: object) -> bool:  # Asked by Version.__lt__, which does not know us.
        return self.parts > other.parts if isinstance(other, _Older) else False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Older) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)


def _legacy(version: str) -> tuple[str, ...]:
    """The parts of a version as setuptools compared them until 2022: `LegacyVersion`."""
    parts: list[str] = []
    for found in _LEGACY.split(version):
        part = _READ_AS.get(found, found)
        if not part or part == ".":
            continue
        _append(parts, part.zfill(8) if part[0] in "0123456789" else f"*{part}")
    _append(parts, "*final")
    return tuple(parts)


def _append(parts: list[str], part: str) -> None:
    if part.startswith("*"):
        if part < "*final":
            while parts and parts[-1] == "*final-":
                parts.pop()
        while parts and parts[-1] == "00000000":
            parts.pop()
    parts.append(part)
