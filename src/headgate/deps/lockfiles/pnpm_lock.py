"""pnpm-lock.yaml, versions 5 to 9 of the format."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.graph import Wanted
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, Scope, SourceKind
from headgate.deps.lockfiles.npm_source import npm_source
from headgate.deps.lockfiles.plain_yaml import Block
from headgate.deps.lockfiles.yaml_text import yaml_block

_PRODUCTION = ("dependencies", "optionalDependencies")
_SECTIONS = (*_PRODUCTION, "devDependencies")
_OLD = re.compile(r"(?:[^/]*)/((?:@[^/]+/)?[^/@][^/]*)/([^/_(]+)(?:[_(].*)?")
_NEW = re.compile(r"/?((?:@[^/@]+/)?[^/@]+)@([^(]+)(?:\(.*)?")


class PnpmLock:
    """What pnpm installs."""

    ecosystem = "npm"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "pnpm-lock.yaml"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        block = yaml_block(data, builder, plain=True)
        if block is not None:
            version = str(block.get("lockfileVersion") or "")
            major = version.partition(".")[0]
            if major in ("5", "6", "7", "8", "9"):
                _Reader(builder, block, int(major)).read()
            else:
                builder.problem(f"version `{version[:20]}` of this format is not known", 1)
        return builder.done()


class _Reader:
    """Joins importers, packages and snapshots."""

    def __init__(self, builder: Builder, block: Block, major: int) -> None:
        self._builder = builder
        self._block = block
        self._major = major
        self._packages = builder.mapping(block.get("packages"), "packages", block.line("packages"))
        given = block.get("snapshots") if major >= 9 else block.get("packages")
        self._snapshots = builder.mapping(given, "snapshots", block.line("snapshots"))

    def read(self) -> None:
        edges = {place: self._needs(place, given) for place, given in self._snapshots.items()}
        production: set[str] = set()
        development: set[str] = set()
        for section, name, version in self._importers():
            place = self._place(name, version)
            (production if section in _PRODUCTION else development).add(place)
        wanted = Wanted(edges, production, development)
        best: dict[str, tuple[Relation, Scope]] = {}
        for place in self._snapshots:
            base = place.partition("(")[0] if self._major >= 9 else place
            best[base] = _better(best.get(base), wanted[place])
        for place, given in self._packages.items():
            relation, scope = best.get(place, (Relation.UNKNOWN, Scope.PRODUCTION))
            self._declare(place, given, relation, scope, edges)

    def _importers(self) -> list[tuple[str, str, str]]:
        line = self._block.line("importers")
        given = self._builder.mapping(self._block.get("importers"), "importers", line)
        found: list[tuple[str, str, str]] = []
        for importer in [self._block] if not given else list(given.values()):
            one = self._builder.mapping(importer, "importers", line)
            for section in _SECTIONS:
                for name, wanted in self._builder.mapping(one.get(section), section, line).items():
                    version: object = wanted
                    if isinstance(wanted, Block):
                        version = wanted.get("version")
                    if isinstance(version, str) and not version.startswith("link:"):
                        found.append((section, name, version))
        return found

    def _needs(self, place: str, given: object) -> list[str]:
        entry = self._builder.mapping(given, place[:80], 1)
        return [
            self._place(name, version)
            for section in _PRODUCTION
            for name, version in self._builder.mapping(entry.get(section), section, 1).items()
            if isinstance(version, str) and not version.startswith("link:")
        ]

    def _place(self, name: str, version: str) -> str:
        """The key of a package in this file, from a name and what stands beside it."""
        for candidate in (
            version,
            f"{name}@{version}",
            f"/{name}@{version}",
            f"/{name}/{version}",
        ):
            if candidate in self._snapshots:
                return candidate
        return f"{name}@{version}"

    def _declare(
        self,
        place: str,
        given: object,
        relation: Relation,
        scope: Scope,
        edges: Mapping[str, list[str]],
    ) -> None:
        builder = self._builder
        lines = self._packages.lines if isinstance(self._packages, Block) else {}
        line = lines.get(place, 1)
        entry = builder.mapping(given, place[:80], line)
        resolution = builder.mapping(entry.get("resolution"), "resolution", line)
        match = (_OLD if self._major < 6 else _NEW).fullmatch(place)
        name = _text(entry, "name") or (match[1] if match else "")
        version = _text(entry, "version") or (match[2] if match else "")
        integrity = builder.text(resolution.get("integrity"), "integrity", line)
        source, kind = "", SourceKind.REGISTRY
        if len(resolution) != 1 or not integrity:
            source, kind = self._source(place, name, resolution, line)
        if kind is not SourceKind.REGISTRY and not _text(entry, "version"):
            version = ""
        if not name:
            builder.problem(f"`{place[:80]}` is no package", line)
            return
        builder.declare(
            "npm",
            name,
            f"{name} {version}".strip(),
            line,
            source,
            version=version,
            relation=relation,
            scope=scope,
            kind=kind,
            hashes=integrity.split(),
            requires=[_name(one, self._major) for one in edges.get(place, ())],
        )

    def _source(
        self, place: str, name: str, resolution: Mapping[str, Any], line: int
    ) -> tuple[str, SourceKind]:
        if repository := _text(resolution, "repo"):
            return f"git+{repository}#{_text(resolution, 'commit')}", SourceKind.GIT
        if directory := _text(resolution, "directory"):
            return directory, SourceKind.PATH
        tarball = _text(resolution, "tarball")
        if tarball.startswith("file:"):
            return tarball, SourceKind.PATH
        if not tarball and not _text(resolution, "integrity"):
            self._builder.problem(f"`{place[:80]}` has no resolution that is known", line)
        return npm_source(self._builder, name, tarball, line)


def _better(a: tuple[Relation, Scope] | None, b: tuple[Relation, Scope]) -> tuple[Relation, Scope]:
    """Of two uses of one package, what holds for it: the closer relation, the wider scope."""
    if a is None:
        return b
    order = (Relation.DIRECT, Relation.TRANSITIVE, Relation.UNKNOWN)
    relation = min(a[0], b[0], key=order.index)
    scope = Scope.PRODUCTION if Scope.PRODUCTION in (a[1], b[1]) else Scope.DEVELOPMENT
    return relation, scope


def _name(place: str, major: int) -> str:
    match = (_OLD if major < 6 else _NEW).fullmatch(place)
    return match[1] if match else place


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""
