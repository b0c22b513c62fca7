"""How ecosystems and packages are named, so that two names for one thing compare as equal."""

from __future__ import annotations

import re

from headgate.deps.ecosystems import PURL_TYPES
from headgate.deps.versions import ORDERINGS

UNORDERED = frozenset({"Android", "FreeBSD", "GIT", "OSS-Fuzz", "Root", "TuxCare"})
"""Ecosystems of the OSV schema of whose versions only equality can be told."""

KNOWN = frozenset(name.partition(":")[0] for name in ORDERINGS) | UNORDERED
"""Every ecosystem of the OSV schema, without releases."""

_SPELLED = {name.lower(): name for name in KNOWN} | PURL_TYPES
_PEP_503 = re.compile(r"[-_.]+")
_LOWER = frozenset(
    {"Bitnami", "ConanCenter", "GitHub Actions", "Hex", "NuGet", "Packagist", "Pub", "VSCode"}
    | {"Debian", "Ubuntu"}  # Debian Policy 5.6.1: names have no capitals.
)


def ecosystem_and_release(text: str) -> tuple[str, str]:
    """`Debian:12` as (`Debian`, `12`), spelled as OSV does whatever the case.

    Releases of Alpine lose their `v`. An ecosystem that is not known is given back as it stands.
    """
    base, _, release = text.strip().partition(":")
    base = _SPELLED.get(base.strip().lower(), base.strip())
    release = release.strip()
    if base in ("Alpine", "Alpaquita") and re.match(r"v[0-9]", release):
        release = release[1:]
    return base, release


def same_release(ecosystem: str, asked: str, stated: str) -> bool:
    """Whether what is said of one release holds for the one asked about.

    No release stands for every one, and so does a part before a colon: `enterprise_linux:9`
    for `enterprise_linux:9::appstream`; a minor release is of its major one: `9.4` of `9`.
    Ubuntu's `22.04` is `22.04:LTS` and `Pro:22.04:LTS`.
    """
    if asked == stated or not asked or not stated:
        return True
    if ecosystem == "Ubuntu":
        plain = stated.removesuffix(":LTS")
        return asked in (plain, plain.removeprefix("Pro:"), f"{stated}:LTS")
    return (
        stated.startswith(f"{asked}:")
        or asked.startswith(f"{stated}:")
        or (stated.isdecimal() and asked.startswith(f"{stated}.") and ":" not in asked)
    )


def package_name(ecosystem: str, release: str, name: str) -> str:
    """A name as the ecosystem compares it."""
    name = name.strip()
    if ecosystem in ("Echo", "Root", "TuxCare") and release:
        inner, inner_release = ecosystem_and_release(release)
        return package_name(inner, inner_release, name)
    if ecosystem == "PyPI":
        return _PEP_503.sub("-", name).lower()
    if ecosystem == "crates.io":
        return name.replace("_", "-").lower()
    if ecosystem == "Maven":
        return name if ":" in name else name.replace("/", ":", 1)
    if ecosystem == "SwiftURL":
        bare = re.sub(r"^[a-z+]+://", "", name, flags=re.IGNORECASE)
        return bare.rstrip("/").removesuffix(".git").lower()
    return name.lower() if ecosystem in _LOWER else name
