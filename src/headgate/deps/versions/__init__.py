"""Orderings of versions: one module per way of ordering, and which ecosystem uses which.

The ecosystems are those of the OSV schema, ecosystems.json. Those without an order (`Android`,
`GIT`, `OSS-Fuzz`) are not listed: of their versions only equality can be told.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from headgate.deps.versions.interface import BadVersion, Key, Ordering

__all__ = ["ORDERINGS", "BadVersion", "Key", "Ordering", "compare", "ordering_of"]

ORDERINGS: dict[str, str] = {
    "AlmaLinux": "rpm:Rpm",
    "Alpaquita": "apk:Apk",
    "Alpine": "apk:Apk",
    "Azure Linux": "rpm:Rpm",
    "BellSoft Hardened Containers": "apk:Apk",
    "Bioconductor": "semver:SemVer",
    "Bitnami": "semver:SemVer",
    "Chainguard": "apk:Apk",
    "CleanStart": "apk:Apk",
    "ConanCenter": "semver:SemVer",
    "CRAN": "dotted:Cran",
    "crates.io": "semver:SemVer",
    "Debian": "dpkg:Dpkg",
    "Docker Hardened Images": "semver:SemVer",
    "Echo": "dpkg:Dpkg",
    "Echo:Maven": "maven:Maven",
    "Echo:npm": "rebuilt:EchoNpm",
    "Echo:PyPI": "pypi:PyPI",
    "GHC": "semver:SemVer",
    "GitHub Actions": "actions:Actions",
    "Go": "golang:Go",
    "Hackage": "dotted:Hackage",
    "Hex": "semver:SemVer",
    "Julia": "pub:Pub",
    "Kubernetes": "semver:SemVer",
    "Linux": "kernel:Kernel",
    "Mageia": "rpm:Rpm",
    "Maven": "maven:Maven",
    "MinimOS": "apk:Apk",
    "npm": "semver:SemVer",
    "NuGet": "nuget:NuGet",
    "opam": "dpkg:Dpkg",
    "openEuler": "rpm:Rpm",
    "openSUSE": "rpm:Rpm",
    "Packagist": "packagist:Packagist",
    "Photon OS": "rpm:Rpm",
    "Pub": "pub:Pub",
    "PyPI": "pypi:PyPI",
    "Red Hat": "rpm:Rpm",
    "Rocky Linux": "rpm:Rpm",
    "Root:Alpine": "rebuilt:RootAlpine",
    "Root:Debian": "rebuilt:RootDebian",
    "Root:Maven": "rebuilt:RootMaven",
    "Root:npm": "rebuilt:RootNpm",
    "Root:PyPI": "rebuilt:RootPyPI",
    "Root:Ubuntu": "rebuilt:RootDebian",
    "RubyGems": "rubygems:RubyGems",
    "SUSE": "rpm:Rpm",
    "SwiftURL": "semver:SemVer",
    "Ubuntu": "dpkg:Dpkg",
    "VSCode": "semver:SemVer",
    "Wolfi": "apk:Apk",
}
"""By ecosystem, or by ecosystem and first word after the colon where that decides."""


def ordering_of(ecosystem: str) -> Ordering | None:
    """The ordering of an ecosystem, whatever its release; None where there is none."""
    base, _, rest = ecosystem.partition(":")
    if base == "TuxCare":  # `TuxCare:Red Hat`: the order of what it rebuilds.
        return None if rest.startswith("TuxCare") else ordering_of(rest)
    named = ORDERINGS.get(f"{base}:{rest.partition(':')[0]}") or ORDERINGS.get(base)
    return None if named is None else _load(named)


@cache
def _load(named: str) -> Ordering:
    module, _, name = named.partition(":")
    return getattr(import_module(f"headgate.deps.versions.{module}"), name)()


def compare(ordering: Ordering, a: str, b: str) -> int:
    """-1 where `a` comes before `b`, 0 where they are one version to the ecosystem, else 1.

    Raises BadVersion where one of them is none.
    """
    left, right = ordering.key(a), ordering.key(b)
    return -1 if left < right else int(right < left)
