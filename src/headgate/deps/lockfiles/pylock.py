"""pylock.toml, the lockfile of PEP 751."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, SourceKind
from headgate.deps.lockfiles.python_lock import normalised, python_name, text_of, usual_index
from headgate.deps.lockfiles.toml_text import toml_packages

_FILE = re.compile(r"pylock(?:\.[^.]+)?\.toml")


class Pylock:
    """What any installer of Python packages installs."""

    ecosystem = "pypi"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return _FILE.fullmatch(posixpath.basename(path)) is not None

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        if (found := toml_packages(data, builder, "packages")) is None:
            return builder.done()
        head, packages = found
        if not str(head.get("lock-version")).startswith("1."):
            builder.problem(f"version {str(head.get('lock-version'))[:20]} is not known", 1)
            return builder.done()
        for line, entry in packages:
            _package(builder, entry, line)
        return builder.done()


def _package(builder: Builder, entry: Mapping[str, Any], line: int) -> None:
    if not (name := python_name(builder, entry, line)):
        return
    version = builder.text(entry.get("version"), "version", line)
    source, kind = _source(builder, entry, line)
    usual_index(builder, text_of(entry, "index"), line)
    files = [*builder.sequence(entry.get("wheels"), "wheels", line)]
    files += [entry[key] for key in ("sdist", "archive") if key in entry]
    hashes: list[str] = []
    for file in files:
        table = builder.mapping(builder.mapping(file, "files", line).get("hashes"), "hashes", line)
        hashes += [f"{algorithm}:{value}" for algorithm, value in table.items()]
    needs = builder.sequence(entry.get("dependencies"), "dependencies", line)
    names = [text_of(builder.mapping(one, "dependencies", line), "name") for one in needs]
    builder.declare(
        "pypi",
        name,
        f"{name}=={version}" if version else name,
        line,
        source,
        version=version,
        relation=Relation.UNKNOWN,
        kind=kind,
        hashes=hashes,
        requires=[normalised(one) for one in names if one],
    )


def _source(builder: Builder, entry: Mapping[str, Any], line: int) -> tuple[str, SourceKind]:
    if "vcs" in entry:
        vcs = builder.mapping(entry["vcs"], "vcs", line)
        address = text_of(vcs, "url") or text_of(vcs, "path")
        kind = text_of(vcs, "type") or "git"
        return f"{kind}+{address}@{text_of(vcs, 'commit-id')}", SourceKind.GIT
    if "directory" in entry:
        place = text_of(builder.mapping(entry["directory"], "directory", line), "path")
        return place or ".", SourceKind.PATH
    if "archive" in entry:
        archive = builder.mapping(entry["archive"], "archive", line)
        if address := text_of(archive, "url"):
            return address, SourceKind.URL
        return text_of(archive, "path") or ".", SourceKind.PATH
    return "", SourceKind.REGISTRY
