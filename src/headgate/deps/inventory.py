"""The packages of one tree, each once: what files ask for joined with what lockfiles install."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from headgate.deps.compare import Files, everything, problems
from headgate.deps.lockfiles.interface import (
    Declared,
    Problem,
    Relation,
    Scope,
    SourceKind,
)
from headgate.deps.purl import package_url
from headgate.deps.resolve import unlocked
from headgate.model.finding import Span


@dataclass(frozen=True, slots=True)
class Component:
    """One package in one version from one source, wherever the tree mentions it."""

    ecosystem: str
    name: str
    version: str
    """Empty when nothing binds it: what gets installed is open."""
    purl: str
    source: str = ""
    kind: SourceKind = SourceKind.REGISTRY
    relation: Relation = Relation.UNKNOWN
    scope: Scope = Scope.PRODUCTION
    hashes: tuple[str, ...] = ()
    licence: str = ""
    """As a file of the tree states it."""
    requires: tuple[str, ...] = ()
    """Package URLs of components of this inventory that it needs."""
    places: tuple[Span, ...] = ()
    """Where it is mentioned, where a human asked for it first."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a tree depends on, and what of that could not be read."""

    components: tuple[Component, ...] = ()
    """By package URL."""
    unpinned: tuple[Declared, ...] = ()
    """Direct dependencies that no file binds to a version."""
    problems: tuple[Problem, ...] = ()
    """While there are any, the list may be incomplete."""
    files: tuple[str, ...] = field(default=())
    """That were read."""


_ORDER = (Relation.DIRECT, Relation.TRANSITIVE, Relation.UNKNOWN)


def inventory(files: Files) -> Inventory:
    """The inventory of a tree. What lies in the tree itself is no component."""
    given = [one for one in everything(files) if one.kind is not SourceKind.PATH]
    open_ = unlocked(files.parsed)
    left = set(open_)
    bound = {(d.ecosystem, d.name) for d in given if d.version or d.source}
    groups: dict[tuple[str, str, str, str], list[Declared]] = {}
    for one in given:
        # A range stands for the version that a lockfile chose for it.
        range_ = not one.version and not one.source
        if range_ and (one.ecosystem, one.name) in bound and one not in left:
            continue
        groups.setdefault((one.ecosystem, one.name, one.version, one.source), []).append(one)
    # What a human asked for says so, even where the lockfile cannot tell.
    wanted: dict[tuple[str, str], list[Declared]] = {}
    for one in given:
        if one.relation is Relation.DIRECT:
            wanted.setdefault((one.ecosystem, one.name), []).append(one)
    urls = {key: package_url(group[0]) for key, group in groups.items()}
    by_name: dict[tuple[str, str], list[str]] = {}
    for key, url in urls.items():
        by_name.setdefault(key[:2], []).append(url)
    components = [
        _component(group, urls[key], by_name, wanted.get(key[:2], []))
        for key, group in groups.items()
    ]
    components.sort(key=lambda c: (c.purl, c.source))
    unique = {c.purl: c for c in reversed(components)}
    return Inventory(
        tuple(sorted(unique.values(), key=lambda c: c.purl)),
        tuple(open_),
        tuple(sorted(problems(files), key=lambda p: (p.span.path, p.span.line))),
        tuple(path for path in sorted(files.parsed) if "\0" not in path),
    )


def _component(
    group: list[Declared],
    url: str,
    by_name: dict[tuple[str, str], list[str]],
    wanted: Iterable[Declared],
) -> Component:
    first = group[0]
    direct = [one for one in wanted if one.source == first.source or not one.source]
    relation = min((one.relation for one in group), key=_ORDER.index)
    if relation is Relation.UNKNOWN and direct:
        relation = Relation.DIRECT
    production = any(one.scope is Scope.PRODUCTION for one in group)
    needs = sorted(
        {u for one in group for n in one.requires for u in by_name.get((one.ecosystem, n), ())}
    )
    asked = [one.span for one in direct] if relation is Relation.DIRECT else []
    places = dict.fromkeys([*asked, *(one.span for one in group)])
    return Component(
        first.ecosystem,
        first.name,
        first.version,
        url,
        first.source,
        first.kind,
        relation,
        Scope.PRODUCTION if production else Scope.DEVELOPMENT,
        tuple(sorted({h for one in group for h in one.hashes})),
        next((one.licence for one in group if one.licence), ""),
        tuple(u for u in needs if u != url),
        tuple(places),
    )
