"""poetry.lock, of Poetry 1 and 2."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, Scope, SourceKind
from headgate.deps.lockfiles.python_lock import (
    file_hashes,
    normalised,
    packages_and_files,
    python_name,
    text_of,
    usual_index,
)

_KINDS = {
    "git": SourceKind.GIT,
    "url": SourceKind.URL,
    "directory": SourceKind.PATH,
    "file": SourceKind.PATH,
}


class PoetryLock:
    """What Poetry installs. Whether a package is direct is told by pyproject.toml."""

    ecosystem = "pypi"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "poetry.lock"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        # Poetry before 1.5 kept the hashes of all packages in one table.
        packages, files = packages_and_files(data, builder)
        for line, entry in packages:
            _package(builder, entry, line, files)
        return builder.done()


def _package(
    builder: Builder, entry: Mapping[str, Any], line: int, files: Mapping[str, Any]
) -> None:
    if not (name := python_name(builder, entry, line)):
        return
    version = builder.text(entry.get("version"), "version", line)
    given = builder.mapping(entry.get("source"), "source", line)
    address, kind = text_of(given, "url"), SourceKind.REGISTRY
    if given and (word := text_of(given, "type")) != "legacy":
        if word not in _KINDS:
            builder.problem(f"`{word[:40]}` is no source that is known", line)
            return
        kind = _KINDS[word]
        revision = text_of(given, "resolved_reference") or text_of(given, "reference")
        source = f"git+{address}@{revision}" if kind is SourceKind.GIT else address
    else:
        source = ""
        usual_index(builder, address, line)
    listed = entry.get("files", files.get(str(entry.get("name"))))
    builder.declare(
        "pypi",
        name,
        f"{name}=={version}",
        line,
        source,
        version=version,
        relation=Relation.UNKNOWN,
        scope=_scope(builder, entry, line),
        kind=kind,
        hashes=file_hashes(builder, builder.sequence(listed, "files", line), line),
        requires=[
            normalised(one)
            for one in builder.mapping(entry.get("dependencies"), "dependencies", line)
        ],
    )


def _scope(builder: Builder, entry: Mapping[str, Any], line: int) -> Scope:
    groups = [str(one) for one in builder.sequence(entry.get("groups"), "groups", line)]
    # Poetry installs every group but `main` only where the project is developed.
    only = "main" not in groups if groups else entry.get("category") == "dev"
    return Scope.DEVELOPMENT if only else Scope.PRODUCTION
