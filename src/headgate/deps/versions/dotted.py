"""Versions that are lists of numbers: Hackage's and CRAN's.

Sources: Cabal's Distribution.Types.Version; R's `numeric_version`.
"""

from __future__ import annotations

import re

from headgate.deps.versions.interface import LONGEST, bad

_HACKAGE = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
_CRAN = re.compile(r"[0-9]+(?:[.-][0-9]+)*", re.ASCII)


class Hackage:
    """Numbers between dots; `1.0` comes before `1.0.0`."""

    def key(self, version: str) -> tuple[int, ...]:
        """The numbers; raises BadVersion."""
        if len(version) > LONGEST or not _HACKAGE.fullmatch(version):
            raise bad(version, "Hackage")
        return tuple(int(part) for part in version.split("."))


class Cran:
    """Numbers between dots or hyphens, which mean the same; `1.0` comes before `1.0.0`."""

    def key(self, version: str) -> tuple[int, ...]:
        """The numbers; raises BadVersion."""
        if len(version) > LONGEST or not _CRAN.fullmatch(version):
            raise bad(version, "CRAN")
        return tuple(int(part) for part in version.replace("-", ".").split("."))
