"""uv.lock, of uv."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any, cast

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.graph import Wanted
from headgate.deps.lockfiles.interface import Parsed, Role, SourceKind
from headgate.deps.lockfiles.python_lock import (
    file_hashes,
    for_development,
    normalised,
    python_name,
    text_of,
    usual_index,
)
from headgate.deps.lockfiles.toml_text import toml_packages

_Key = tuple[str, str]
_Package = tuple[int, str, Mapping[str, Any]]


class UvLock:
    """What uv installs."""

    ecosystem = "pypi"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "uv.lock"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        if (found := toml_packages(data, builder, "package")) is None:
            return builder.done()
        head, entries = found
        if head.get("version") != 1:
            builder.problem(f"version {str(head.get('version'))[:20]} is not known", 1)
            return builder.done()
        packages: list[_Package] = []
        for line, entry in entries:
            if name := python_name(builder, entry, line):
                packages.append((line, name, entry))
        _Reader(builder, packages).read()
        return builder.done()


class _Reader:
    """Joins the packages with what wants them."""

    def __init__(self, builder: Builder, packages: list[_Package]) -> None:
        self._builder = builder
        self._packages = packages
        self._versions: dict[str, list[str]] = {}
        for _, name, entry in packages:
            self._versions.setdefault(name, []).append(text_of(entry, "version"))

    def read(self) -> None:
        edges: dict[_Key, list[_Key]] = {}
        production: set[_Key] = set()
        development: set[_Key] = set()
        own: list[_Key] = []
        for line, name, entry in self._packages:
            needs = self._names(entry.get("dependencies"), line)
            extras = self._tables(entry, "optional-dependencies", line)
            groups = self._tables(entry, "dev-dependencies", line)
            key = (name, text_of(entry, "version"))
            if self._is_own(entry, line):
                own.append(key)
                production.update(needs)
                for extra, names in extras.items():
                    (development if for_development(extra) else production).update(names)
                for names in groups.values():
                    development.update(names)
            edges[key] = [*needs, *(one for names in extras.values() for one in names)]
        for key in own:
            edges[key] = []
        wanted = Wanted(edges, production, development)
        for line, name, entry in self._packages:
            key = (name, text_of(entry, "version"))
            if self._is_own(entry, line):
                continue
            self._declare(line, name, entry, wanted, [one for one, _ in edges[key]])

    def _declare(
        self, line: int, name: str, entry: Mapping[str, Any], wanted: Wanted, needs: list[str]
    ) -> None:
        builder = self._builder
        version = builder.text(entry.get("version"), "version", line)
        given = builder.mapping(entry.get("source"), "source", line)
        source, kind = "", SourceKind.REGISTRY
        if "registry" in given:
            usual_index(builder, text_of(given, "registry"), line)
        elif "git" in given:
            source, kind = f"git+{text_of(given, 'git')}", SourceKind.GIT
        elif "url" in given:
            source, kind = text_of(given, "url"), SourceKind.URL
        elif "path" in given or "directory" in given or "editable" in given or "virtual" in given:
            source = next((str(v) for v in given.values()), "")
            kind = SourceKind.PATH
        else:
            builder.problem(f"`{name[:80]}` has no source that is known", line)
        files = [*builder.sequence(entry.get("wheels"), "wheels", line)]
        if "sdist" in entry:
            files.append(entry["sdist"])
        relation, scope = wanted[(name, version)]
        builder.declare(
            "pypi",
            name,
            f"{name}=={version}" if version else name,
            line,
            source,
            version=version,
            relation=relation,
            scope=scope,
            kind=kind,
            hashes=file_hashes(builder, files, line),
            requires=needs,
        )

    def _is_own(self, entry: Mapping[str, Any], line: int) -> bool:
        """Whether this is the project itself, or a member of its workspace."""
        given = self._builder.mapping(entry.get("source"), "source", line)
        return "editable" in given or "virtual" in given

    def _tables(self, entry: Mapping[str, Any], key: str, line: int) -> dict[str, list[_Key]]:
        given = self._builder.mapping(entry.get(key), key, line)
        return {name: self._names(listed, line) for name, listed in given.items()}

    def _names(self, listed: object, line: int) -> list[_Key]:
        found: list[_Key] = []
        for one in self._builder.sequence(listed, "dependencies", line):
            item: Mapping[str, Any] = cast("Any", one) if isinstance(one, dict) else {}
            name = normalised(text_of(item, "name"))
            if not name:
                self._builder.problem("a dependency has no name", line)
                continue
            version = text_of(item, "version")
            versions = [version] if version else self._versions.get(name, [""])
            found.extend((name, known) for known in versions)
        return found
