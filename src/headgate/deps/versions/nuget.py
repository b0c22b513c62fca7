"""Versions of NuGet. Source: learn.microsoft.com, NuGet, Package versioning."""

from __future__ import annotations

from headgate.deps.versions.semver import SemVer, SemVerKey


class NuGet:
    """Semantic Versioning with up to four numbers; the case of letters does not count."""

    def __init__(self) -> None:
        self._semver = SemVer()

    def key(self, version: str) -> SemVerKey:
        """As of Semantic Versioning; raises BadVersion."""
        return self._semver.key(version.lower())
