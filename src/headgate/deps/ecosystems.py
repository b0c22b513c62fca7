"""Ecosystems by their three names: the type of a package URL, OSV's, and the one people say."""

from __future__ import annotations

PURL_TYPES = {
    "cargo": "crates.io",
    "composer": "Packagist",
    "conan": "ConanCenter",
    "cran": "CRAN",
    "gem": "RubyGems",
    "githubactions": "GitHub Actions",
    "golang": "Go",
    "hackage": "Hackage",
    "hex": "Hex",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pub": "Pub",
    "pypi": "PyPI",
    "swift": "SwiftURL",
}
"""Types of package-urls, and the ecosystems of OSV whose packages they name."""

_OSV = PURL_TYPES | {"deb": "Debian"}

_INDEXES = {
    "cargo": "crates.io",
    "composer": "Packagist",
    "docker": "container",
    "gem": "RubyGems",
    "githubactions": "GitHub Actions",
    "golang": "Go",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pypi": "PyPI",
}


def osv_ecosystem(kind: str) -> str:
    """OSV's name of a package URL's type; the type itself where OSV has none."""
    return _OSV.get(kind, kind)


def said(kind: str) -> str:
    """As people call it."""
    return _INDEXES.get(kind, kind)


def has_advisories(kind: str) -> bool:
    """Whether OSV publishes advisories about packages of this type."""
    return kind in _OSV
