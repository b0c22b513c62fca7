"""Versions of Python's packages: PEP 440, and what PyPI took before it."""

from __future__ import annotations

import re
from typing import Any

from packaging.version import InvalidVersion, Version

from headgate.deps.versions.interface import LONGEST, bad

_LEGACY = re.compile(r"([0-9]+|[a-z]+|\.|-)", re.ASCII)
_READ_AS = {"pre": "c", "preview": "c", "-": "final-", "rc": "c", "dev": "@"}


class PyPI:
    """PEP 440; versions older than it come before all of its own, ordered as setuptools did."""

    def key(self, version: str) -> tuple[int, Any]:
        """(1, version) by PEP 440, or (0, parts); raises BadVersion for no text at all."""
        if not version.strip() or len(version) > LONGEST:
            raise bad(version, "PyPI")
        try:
            return 1, Version(version)
        except InvalidVersion:
            return 0, _legacy(version.lower())


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
