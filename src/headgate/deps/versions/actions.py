"""Versions of GitHub Actions: tags, of which only whole ones have a place."""

from __future__ import annotations

import re

from headgate.deps.versions.interface import bad
from headgate.deps.versions.semver import SemVer, SemVerKey

_WHOLE = re.compile(r"v?[0-9]{1,9}\.[0-9]+\.[0-9]+(?:[.+-].*)?", re.ASCII | re.IGNORECASE)


class Actions:
    """Semantic Versioning of whole tags: `v4` moves from release to release and names none, and
    a commit's hash has no place among versions.
    """

    def __init__(self) -> None:
        self._semver = SemVer()

    def key(self, version: str) -> SemVerKey:
        """As of Semantic Versioning; raises BadVersion."""
        if not _WHOLE.fullmatch(version):
            raise bad(version, "an action, with all three numbers")
        return self._semver.key(version)
