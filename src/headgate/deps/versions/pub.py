"""Versions of Dart and Julia, whose builds count. Source: pub.dev/packages/pub_semver."""

from __future__ import annotations

from headgate.deps.versions.semver import Identifier, SemVer, SemVerKey, identifiers


class Pub:
    """Semantic Versioning, and of two builds of one version the later one comes later."""

    def __init__(self) -> None:
        self._semver = SemVer()

    def key(self, version: str) -> tuple[SemVerKey, tuple[Identifier, ...]]:
        """(place by Semantic Versioning, identifiers of the build); raises BadVersion."""
        build = version.partition("+")[2].strip()
        return self._semver.key(version), identifiers(build) if build else ()
