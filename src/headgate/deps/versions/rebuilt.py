"""Versions of packages that Echo and Root rebuild: those of the origin with a number appended."""

from __future__ import annotations

import re

from headgate.deps.versions.apk import Apk
from headgate.deps.versions.dpkg import Dpkg
from headgate.deps.versions.interface import Key, Ordering
from headgate.deps.versions.maven import Maven
from headgate.deps.versions.pypi import PyPI
from headgate.deps.versions.semver import SemVer

_ECHO = re.compile(r"\+echo\.([0-9]{1,9})", re.ASCII)
_ROOT = re.compile(r"(.+?)[+.]root\.io\.([0-9]{1,9})", re.ASCII)


class EchoNpm:
    """Semantic Versioning, then the number behind `+echo.`."""

    def __init__(self) -> None:
        self._origin = SemVer()

    def key(self, version: str) -> tuple[Key, int]:
        """(place of the origin, rebuild); raises BadVersion."""
        found = _ECHO.search(version)
        return self._origin.key(version), int(found[1]) if found else 0


class _Root:
    """The order of the origin, then the number behind `root.io.`."""

    origin: Ordering

    def key(self, version: str) -> tuple[Key, int]:
        """(place of the origin, rebuild); raises BadVersion."""
        found = _ROOT.fullmatch(version)
        if found is None:
            return self.origin.key(version), 0
        return self.origin.key(found[1]), int(found[2])


class RootAlpine(_Root):
    """Root's builds for Alpine."""

    origin = Apk()


class RootDebian(_Root):
    """Root's builds for Debian and Ubuntu."""

    origin = Dpkg()


class RootMaven(_Root):
    """Root's builds of Java's packages."""

    origin = Maven()


class RootNpm(_Root):
    """Root's builds of JavaScript's packages."""

    origin = SemVer()


class RootPyPI(_Root):
    """Root's builds of Python's packages."""

    origin = PyPI()
