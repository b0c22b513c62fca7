"""Dependency confusion: names of one's own that come, or could come, from somewhere else.

An installer that asks two indexes takes the higher version, whoever published it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from headgate.deps.compare import Added
from headgate.deps.findings import finding_of, other_index
from headgate.deps.lockfiles import manifest_for
from headgate.deps.lockfiles.interface import Declared, IndexSetting, Role
from headgate.deps.policy.concern import Concern
from headgate.model.dependency_policy import DependencyPolicy, Registry
from headgate.model.finding import Finding, Severity
from headgate.model.patterns import name_matches

_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")

Settings = Mapping[str, tuple[IndexSetting, ...]]
"""Every index that a file names, by path."""


def index_findings(new: Added, policy: DependencyPolicy, severity: Severity) -> Iterator[Finding]:
    """Lines that send the installer to an index which the policy does not name, or to two."""
    for one in new.indexes:
        if "extra-index" in one.text and (own := _registry_of(one, policy)) is not None:
            yield finding_of(_two_indexes(own), one.span, one.text)
        elif not _permitted(one, policy):
            yield other_index(one, severity)


def misplaced(new: Added, policy: DependencyPolicy, settings: Settings) -> Iterator[Finding]:
    """Packages of one's own that a lockfile takes from somewhere else than from their registry."""
    for move in new.difference.moves:
        one = move.after
        registry = None if one is None else _home(one, policy)
        if one is None or registry is None or not one.version or not _locks(one.span.path):
            continue
        if one.source:
            at_home = _same_place(one.source, registry.address)
        else:
            named = settings.get(one.span.path, ())
            at_home = any(
                _same_place(address, registry.address)
                for setting in named
                for address in _ADDRESS.findall(setting.text)
            )
        if not at_home:
            yield finding_of(_elsewhere(one, registry), one.span, one.requirement)


def _two_indexes(registry: Registry) -> Concern:
    return Concern(
        "confusion",
        "Two indexes that may answer for the same name",
        f"The registry {registry.name} is asked besides another index, and whoever publishes a "
        "higher version of one of its names there is installed instead.",
        "Ask the registry alone, with --index-url, and let it pass on to the public index.",
        Severity.HIGH,
    )


def _elsewhere(one: Declared, registry: Registry) -> Concern:
    return Concern(
        "confusion",
        "Package of one's own from somewhere else",
        f"`{one.name}` must come from the registry {registry.name} ({registry.place}), and the "
        "lockfile does not take it from there: somebody else may have published the name.",
        f"Lock it anew with {registry.name} as its index.",
        Severity.HIGH,
        lasting=True,
    )


def _home(one: Declared, policy: DependencyPolicy) -> Registry | None:
    return next(
        (
            registry
            for registry in policy.registries
            if registry.ecosystem == one.ecosystem and name_matches(one.name, registry.packages)
        ),
        None,
    )


def _registry_of(one: IndexSetting, policy: DependencyPolicy) -> Registry | None:
    addresses: list[str] = _ADDRESS.findall(one.text)
    return next(
        (
            registry
            for registry in policy.registries
            if any(_same_place(address, registry.address) for address in addresses)
        ),
        None,
    )


def _permitted(one: IndexSetting, policy: DependencyPolicy) -> bool:
    """Whether every address in a line is one that the policy names, and it names any."""
    addresses: list[str] = _ADDRESS.findall(one.text)
    index = policy.index.get(one.ecosystem, "")
    known = [r.address for r in policy.registries if r.ecosystem == one.ecosystem]
    known += [index] if index else []
    hosts = {host.lower() for host in policy.sources.registries}
    return bool(addresses) and all(
        any(_same_place(address, place) for place in known)
        or (urlsplit(address).hostname or "") in hosts
        for address in addresses
    )


def _same_place(address: str, home: str) -> bool:
    """Whether an address is below that of an index; credentials do not count."""
    one, other = urlsplit(address), urlsplit(home)
    if (one.hostname, one.port) != (other.hostname, other.port):
        return False
    base = other.path.rstrip("/").removesuffix("/simple")
    return one.path == base or one.path.startswith(f"{base}/")


def _locks(path: str) -> bool:
    manifest = manifest_for(path)
    return manifest is not None and manifest.role is Role.LOCK
