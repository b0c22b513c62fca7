"""Versions of Go modules and of Go itself. Source: go.dev/ref/mod#versions."""

from __future__ import annotations

import re

from headgate.deps.versions.semver import SemVer, SemVerKey

_TOOLCHAIN = re.compile(r"(?:go)?([0-9]+(?:\.[0-9]+){1,2})(rc|beta)([0-9]+)", re.ASCII)


class Go:
    """Semantic Versioning: `+incompatible` says nothing of the order, and the pre-release of a
    pseudo-version begins with its time. `go1.21rc2` is `1.21.0-rc.2`, as the Go database has it.
    """

    def __init__(self) -> None:
        self._semver = SemVer()

    def key(self, version: str) -> SemVerKey:
        """As of Semantic Versioning; raises BadVersion."""
        found = _TOOLCHAIN.fullmatch(version)
        if found is not None:
            number, stage, count = found.groups()
            number += ".0" * (2 - number.count("."))
            return self._semver.key(f"{number}-{stage}.{count}")
        return self._semver.key(version.removeprefix("go"))
