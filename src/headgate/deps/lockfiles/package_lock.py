"""package-lock.json and npm-shrinkwrap.json of npm, versions 1 to 3."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any, cast

from headgate.deps.lockfiles.builder import Builder, kind_of
from headgate.deps.lockfiles.graph import reach
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, Scope, SourceKind
from headgate.deps.lockfiles.json_text import json_object, key
from headgate.deps.lockfiles.lines import Lines
from headgate.deps.lockfiles.npm_source import npm_source

_NEEDS = ("dependencies", "peerDependencies", "optionalDependencies")
_LOOSE = Relation.UNKNOWN
_MODULES = "node_modules/"
_DEEPEST = 100


class PackageLock:
    """What npm installs."""

    ecosystem = "npm"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        name = posixpath.basename(path)
        return name in ("package-lock.json", "npm-shrinkwrap.json")

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        if (found := json_object(data, builder)) is not None:
            text, values = found
            version = values.get("lockfileVersion", 1)
            if version not in (1, 2, 3):
                builder.problem(f"version {str(version)[:20]} of this format is not known", 1)
            elif "packages" in values:
                _packages(builder, Lines(text), builder.mapping(values["packages"], "packages", 1))
            elif version == 1:
                lines = Lines(text)
                given = builder.mapping(values.get("dependencies"), "dependencies", 1)
                _nested(builder, lines, given, 0)
            else:
                builder.problem("`packages` is missing", 1)
        return builder.done()


def _packages(builder: Builder, lines: Lines, packages: Mapping[str, Any]) -> None:
    """Versions 2 and 3: a flat table by place in the tree."""
    direct: set[str] = set()
    edges: dict[str, list[str]] = {}
    for place, given in packages.items():
        entry = _entry(given)
        name = place.rpartition(_MODULES)[2]
        if _MODULES in place:
            for section in _NEEDS:
                edges.setdefault(name, []).extend(_entry(entry.get(section)))
            continue
        for section in (*_NEEDS, "devDependencies"):
            for name in _entry(entry.get(section)):
                # npm looks in the workspace's own modules first.
                own = f"{place}/{_MODULES}{name}" if place else f"{_MODULES}{name}"
                direct.add(own if own in packages else f"{_MODULES}{name}")
    needed = reach(edges, (place.rpartition(_MODULES)[2] for place in direct))
    for place, given in packages.items():
        line = lines.find(f"{key(place)}: {{", f"{key(place)}:")
        entry = builder.mapping(given, f"packages.{place[:80]}", line)
        for section in (*_NEEDS, "devDependencies"):
            builder.mapping(entry.get(section), section, line)
        _, modules, name = place.rpartition(_MODULES)
        if not modules:
            continue  # The project's own code, or that of a workspace.
        target = ""
        if entry.get("link"):
            target = builder.text(entry.get("resolved"), "resolved", line)
            if target in packages:
                continue
            target = f"./{target}"
        relation = Relation.DIRECT if place in direct else Relation.TRANSITIVE
        # What nothing needs was not put there by npm.
        _declare(builder, name, entry, line, relation if name in needed else _LOOSE, target)


def _entry(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _declare(
    builder: Builder,
    place: str,
    entry: Mapping[str, Any],
    line: int,
    relation: Relation,
    target: str,
) -> None:
    alias = entry.get("name")
    name = alias if isinstance(alias, str) else place
    resolved = target or builder.text(entry.get("resolved"), "resolved", line)
    version = builder.text(entry.get("version"), "version", line)
    source, kind = npm_source(builder, name, resolved, line)
    builder.declare(
        "npm",
        name,
        f"{name} {version}",
        line,
        source,
        version=version,
        relation=relation,
        scope=_scope(entry),
        kind=kind,
        hashes=_hashes(entry, builder, line),
        licence=_licence(entry.get("license")),
        requires=(*_entry(entry.get("dependencies")), *_entry(entry.get("optionalDependencies"))),
    )


def _nested(builder: Builder, lines: Lines, given: Mapping[str, Any], depth: int) -> None:
    """Version 1: packages in packages, as directories in directories."""
    if depth > _DEEPEST:
        builder.problem("packages are nested too deeply", lines.find())
        return
    for place, one in given.items():
        line = lines.find(f"{key(place)}: {{", f"{key(place)}:")
        entry = builder.mapping(one, place[:80], line)
        version = builder.text(entry.get("version"), "version", line)
        resolved = builder.text(entry.get("resolved"), "resolved", line)
        name = place
        if version.startswith("npm:"):
            name, _, version = version[4:].rpartition("@")
        elif ":" in version or version.startswith((".", "/")):
            version, resolved = "", version
        source, kind = npm_source(builder, name, resolved, line)
        if not version and kind is SourceKind.REGISTRY and not source:
            builder.problem(f"`{place[:80]}` has no version", line)
            continue
        # A package without dependencies may say `false` here.
        needs = entry.get("requires") or None
        builder.declare(
            "npm",
            name,
            f"{name} {version or resolved}",
            line,
            source,
            version=version,
            relation=Relation.TRANSITIVE if depth else Relation.UNKNOWN,
            scope=_scope(entry),
            kind=kind_of(resolved) if source else kind,
            hashes=_hashes(entry, builder, line),
            requires=tuple(builder.mapping(needs, "requires", line)),
        )
        inner = builder.mapping(entry.get("dependencies"), "dependencies", line)
        _nested(builder, lines, inner, depth + 1)


def _scope(entry: Mapping[str, Any]) -> Scope:
    return Scope.DEVELOPMENT if entry.get("dev") is True else Scope.PRODUCTION


def _hashes(entry: Mapping[str, Any], builder: Builder, line: int) -> list[str]:
    return builder.text(entry.get("integrity"), "integrity", line).split()


def _licence(given: object) -> str:
    return given if isinstance(given, str) else ""
