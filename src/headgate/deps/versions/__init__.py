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
    "Bioconductor": "semver:SemVer",
    "Bitnami": "semver:SemVer",
    "ConanCenter": "semver:SemVer",
    "crates.io": "semver:SemVer",
    "Docker Hardened Images": "semver:SemVer",
    "GHC": "semver:SemVer",
    "Hex": "semver:SemVer",
    "Julia": "semver:SemVer",
    "Kubernetes": "semver:SemVer",
    "npm": "semver:SemVer",
    "SwiftURL": "semver:SemVer",
    "VSCode": "semver:SemVer",
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
