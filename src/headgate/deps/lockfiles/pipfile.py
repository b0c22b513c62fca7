"""Pipfile and Pipfile.lock, of Pipenv."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any, cast

from packaging.utils import canonicalize_name

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, Scope, SourceKind
from headgate.deps.lockfiles.json_text import key, read_object
from headgate.deps.lockfiles.lines import Lines
from headgate.deps.lockfiles.python_lock import text_of, usual_index
from headgate.deps.lockfiles.toml_text import read_table
from headgate.model.toml.lines import key_lines

_SCOPES = {"default": Scope.PRODUCTION, "develop": Scope.DEVELOPMENT}
_TABLES = {"packages": Scope.PRODUCTION, "dev-packages": Scope.DEVELOPMENT}
_KEYS = {"_meta", "packages", "dev-packages", "source", "requires", "scripts", "pipenv", "pipfile"}


class PipfileLock:
    """What Pipenv installs."""

    ecosystem = "pypi"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "Pipfile.lock"

    def parse(self, path: str, data: bytes) -> Parsed:
        return read_object(path, data, _read_pipfile_lock)


def _read_pipfile_lock(builder: Builder, text: str, values: Mapping[str, Any]) -> None:
    lines = Lines(text)
    meta = builder.mapping(values.get("_meta"), "_meta", 1)
    for item in builder.sequence(meta.get("sources"), "_meta.sources", 1):
        entry = builder.mapping(item, "_meta.sources", 1)
        usual_index(builder, text_of(entry, "url"), lines.find('"sources"'))
    for group, given in values.items():
        if group == "_meta":
            continue
        line = lines.find(f"{key(group)}:")
        scope = _SCOPES.get(group, Scope.PRODUCTION)
        for name, one in builder.mapping(given, group[:80], line).items():
            line = lines.find(f"{key(name)}: {{", key(name))
            _locked(builder, name, builder.mapping(one, name[:80], line), line, scope)


def _locked(builder: Builder, name: str, entry: Mapping[str, Any], line: int, scope: Scope) -> None:
    version = builder.text(entry.get("version"), "version", line).removeprefix("==")
    source, kind = _source(entry)
    hashes = builder.sequence(entry.get("hashes"), "hashes", line)
    builder.declare(
        "pypi",
        canonicalize_name(name),
        f"{name}=={version}" if version else name,
        line,
        source,
        version=version,
        relation=Relation.UNKNOWN,
        scope=scope,
        kind=kind,
        hashes=[str(one) for one in hashes],
    )


def _source(entry: Mapping[str, Any]) -> tuple[str, SourceKind]:
    if address := text_of(entry, "git"):
        return f"git+{address}@{text_of(entry, 'ref')}", SourceKind.GIT
    if path := text_of(entry, "path"):
        return path, SourceKind.PATH
    if file := text_of(entry, "file"):
        return file, SourceKind.URL if "://" in file else SourceKind.PATH
    return "", SourceKind.REGISTRY


class Pipfile:
    """What a project asks of Pipenv."""

    ecosystem = "pypi"
    role = Role.MANIFEST

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "Pipfile"

    def parse(self, path: str, data: bytes) -> Parsed:
        return read_table(path, data, _read_pipfile)


def _read_pipfile(builder: Builder, text: str, values: Mapping[str, Any]) -> None:
    lines = key_lines(text)
    for index, item in enumerate(builder.sequence(values.get("source"), "source", 1)):
        line = lines.get(("source", index, "url"), 1)
        usual_index(builder, text_of(builder.mapping(item, "source", line), "url"), line)
    for table, given in values.items():
        # Any other table is a category of packages of its own.
        if table in _KEYS - set(_TABLES):
            continue
        scope = _TABLES.get(table, Scope.PRODUCTION)
        line = lines.get((table,), 1)
        for name, wanted in builder.mapping(given, table[:80], line).items():
            line = lines.get((table, name), 1)
            _wanted(builder, name, wanted, line, scope)


def _wanted(builder: Builder, name: str, wanted: object, line: int, scope: Scope) -> None:
    entry: Mapping[str, Any] = cast("Any", wanted) if isinstance(wanted, dict) else {}
    text = wanted if isinstance(wanted, str) else text_of(entry, "version")
    if not isinstance(wanted, (str, dict)):
        builder.problem(f"`{name[:80]}` is no dependency", line)
        return
    source, kind = _source(entry)
    version = text[2:].strip() if text.startswith("==") and "*" not in text else ""
    builder.declare(
        "pypi",
        canonicalize_name(name),
        f"{name} {text}".strip(),
        line,
        source,
        version="" if "," in version else version,
        scope=scope,
        kind=kind,
    )
