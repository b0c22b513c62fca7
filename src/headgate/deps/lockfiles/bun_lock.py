"""bun.lock, Bun's lockfile in JSON with comments."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any, cast

from headgate.deps.lockfiles.builder import Builder, kind_of
from headgate.deps.lockfiles.graph import Wanted
from headgate.deps.lockfiles.interface import Parsed, Role, SourceKind
from headgate.deps.lockfiles.json_text import json_object, key
from headgate.deps.lockfiles.lines import Lines
from headgate.deps.lockfiles.npm_source import USUAL, without_login

_PRODUCTION = ("dependencies", "optionalDependencies", "peerDependencies")
_REFERENCE = re.compile(r"((?:@[^/@]+/)?[^/@]+)@(.+)", re.DOTALL)
_PARTS = re.compile(r"@[^/]+/[^/]+|[^/]+")


class BunLock:
    """What Bun installs."""

    ecosystem = "npm"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "bun.lock"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        if (found := json_object(data, builder, relaxed=True)) is not None:
            text, values = found
            if values.get("lockfileVersion") not in (0, 1, 2):
                builder.problem("this version of the format is not known", 1)
            else:
                _read(builder, Lines(text), values)
        return builder.done()


def _read(builder: Builder, lines: Lines, values: Mapping[str, Any]) -> None:
    packages = builder.mapping(values.get("packages"), "packages", 1)
    production: set[str] = set()
    development: set[str] = set()
    for place, given in builder.mapping(values.get("workspaces"), "workspaces", 1).items():
        workspace = builder.mapping(given, f"workspaces.{place[:80]}", 1)
        for section in (*_PRODUCTION, "devDependencies"):
            into = development if section == "devDependencies" else production
            into.update(builder.mapping(workspace.get(section), section, 1))
    edges: dict[str, list[str]] = {}
    for place, given in packages.items():
        edges[place] = [_place(packages, place, name) for name in _needs(given)]
    wanted = Wanted(edges, production, development)
    for place, given in packages.items():
        line = lines.find(f"{key(place)}: [", f"{key(place)}:")
        entry = builder.sequence(given, f"packages.{place[:80]}", line)
        reference = entry[0] if entry and isinstance(entry[0], str) else ""
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            builder.problem(f"`{place[:80]}` is no package", line)
            continue
        name, where = match[1], match[2]
        if where.startswith("workspace:"):
            continue
        source, version, kind = "", where, SourceKind.REGISTRY
        if ":" in where or where.startswith((".", "/")):
            source, version = where, ""
            kind = SourceKind.PATH if where.startswith(("file:", "link:")) else kind_of(where)
        elif len(entry) > 1 and isinstance(entry[1], str) and entry[1]:
            index = entry[1].rstrip("/")
            if not index.startswith(USUAL):
                builder.host("npm", without_login(index), line)
        last = entry[-1]
        hashes = [last] if kind is SourceKind.REGISTRY and _is_hash(last) else []
        relation, scope = wanted[place]
        builder.declare(
            "npm",
            name,
            f"{name} {where}",
            line,
            source,
            version=version,
            relation=relation,
            scope=scope,
            kind=kind,
            hashes=hashes,
            requires=[_PARTS.findall(one)[-1] for one in edges[place] if one],
        )


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("sha512-", "sha256-", "sha1-"))


def _needs(entry: object) -> list[str]:
    names: list[str] = []
    for item in cast("list[object]", entry) if isinstance(entry, list) else []:
        if isinstance(item, dict):
            info = cast("Mapping[str, object]", item)
            for section in _PRODUCTION:
                given = info.get(section)
                if isinstance(given, dict):
                    names.extend(cast("Mapping[str, object]", given))
    return names


def _place(packages: Mapping[str, Any], of: str, name: str) -> str:
    """Which of several versions a package gets: the one nearest to it in the tree."""
    parts = _PARTS.findall(of)
    while parts:
        candidate = "/".join([*parts, name])
        if candidate in packages:
            return candidate
        parts.pop()
    return name
