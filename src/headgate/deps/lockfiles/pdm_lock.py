"""pdm.lock, of PDM."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, Scope, SourceKind
from headgate.deps.lockfiles.python_lock import (
    file_hashes,
    for_development,
    normalised,
    packages_and_files,
    python_name,
    text_of,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class PdmLock:
    """What PDM installs. Whether a package is direct is told by pyproject.toml."""

    ecosystem = "pypi"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "pdm.lock"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        # PDM before 2.8 kept the hashes of all packages in one table, by name and version.
        packages, files = packages_and_files(data, builder)
        for line, entry in packages:
            # A package with an extra is written once more; it is the same package.
            if not entry.get("extras"):
                _package(builder, entry, line, files)
        return builder.done()


def _package(
    builder: Builder, entry: Mapping[str, Any], line: int, files: Mapping[str, Any]
) -> None:
    if not (name := python_name(builder, entry, line)):
        return
    version = builder.text(entry.get("version"), "version", line)
    source, kind = "", SourceKind.REGISTRY
    if address := text_of(entry, "git"):
        revision = text_of(entry, "revision") or text_of(entry, "ref")
        source, kind = f"git+{address}@{revision}", SourceKind.GIT
    elif address := text_of(entry, "url"):
        source, kind = address, SourceKind.URL
    elif address := text_of(entry, "path"):
        source, kind = address, SourceKind.PATH
    groups = [str(one) for one in builder.sequence(entry.get("groups"), "groups", line)]
    only = bool(groups) and all(one != "default" and for_development(one) for one in groups)
    listed = entry.get("files", files.get(f"{entry.get('name')} {version}"))
    needs = builder.sequence(entry.get("dependencies"), "dependencies", line)
    names = [_NAME.match(one) for one in needs if isinstance(one, str)]
    builder.declare(
        "pypi",
        name,
        f"{name}=={version}",
        line,
        source,
        version=version,
        relation=Relation.UNKNOWN,
        scope=Scope.DEVELOPMENT if only else Scope.PRODUCTION,
        kind=kind,
        hashes=file_hashes(builder, builder.sequence(listed, "files", line), line),
        requires=[normalised(match[0]) for match in names if match],
    )
