"""Cargo.toml and Cargo.lock, of Rust's Cargo."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, cast

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, Scope, SourceKind
from headgate.deps.lockfiles.python_lock import text_of
from headgate.deps.lockfiles.toml_text import read_table, toml_packages
from headgate.model.toml.lines import Path, key_lines

_USUAL = (
    "registry+https://github.com/rust-lang/crates.io-index",
    "sparse+https://index.crates.io/",
)
_SECTIONS = {
    "dependencies": Scope.PRODUCTION,
    "dev-dependencies": Scope.DEVELOPMENT,
    "dev_dependencies": Scope.DEVELOPMENT,
    "build-dependencies": Scope.PRODUCTION,
    "build_dependencies": Scope.PRODUCTION,
}
"""Build scripts run with everything at hand and decide what is compiled: they are production."""


class CargoToml:
    """What a Rust package asks for."""

    ecosystem = "cargo"
    role = Role.MANIFEST

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "Cargo.toml"

    def parse(self, path: str, data: bytes) -> Parsed:
        return read_table(path, data, _read_cargo_toml)


def _read_cargo_toml(builder: Builder, text: str, values: Mapping[str, Any]) -> None:
    lines = key_lines(text)
    for place, table, scope in _tables(builder, values):
        for name, wanted in table.items():
            line = lines.get((*place, name), lines.get(place, 1))
            _wanted(builder, name, wanted, line, scope)
    _patches(builder, values, lines)


def _tables(
    builder: Builder, values: Mapping[str, Any]
) -> Iterator[tuple[Path, Mapping[str, Any], Scope]]:
    places: list[tuple[Path, Mapping[str, Any]]] = [((), values)]
    targets = builder.mapping(values.get("target"), "target", 1)
    for target, given in targets.items():
        places.append((("target", target), builder.mapping(given, target[:80], 1)))
    workspace = builder.mapping(values.get("workspace"), "workspace", 1)
    places.append((("workspace",), workspace))
    for place, tables in places:
        for section, scope in _SECTIONS.items():
            if section in tables:
                yield (*place, section), builder.mapping(tables[section], section, 1), scope


def _wanted(builder: Builder, name: str, wanted: object, line: int, scope: Scope) -> None:
    if not isinstance(wanted, (str, dict)):
        builder.problem(f"`{name[:80]}` is no dependency", line)
        return
    entry: Mapping[str, Any] = cast("Any", wanted) if isinstance(wanted, dict) else {}
    if entry.get("workspace") is True:
        return  # Told by the workspace's own Cargo.toml.
    text = wanted if isinstance(wanted, str) else text_of(entry, "version")
    real = text_of(entry, "package") or name
    source, kind = _source(entry)
    index = text_of(entry, "registry-index") or text_of(entry, "registry")
    if index and not source:
        builder.host("cargo", index, line)
    exact = text[1:].strip() if text.startswith("=") and "," not in text else ""
    builder.declare(
        "cargo",
        real,
        f"{real} {text}".strip(),
        line,
        source,
        version=exact if exact.count(".") >= 2 and "*" not in exact else "",
        scope=scope,
        kind=kind,
    )


def _patches(builder: Builder, values: Mapping[str, Any], lines: Mapping[Path, int]) -> None:
    """What replaces packages wherever they are used counts when it comes from elsewhere."""
    tables: list[tuple[Path, object]] = [(("replace",), values.get("replace"))]
    for index, given in builder.mapping(values.get("patch"), "patch", 1).items():
        tables.append((("patch", index), given))
    for place, given in tables:
        for name, wanted in builder.mapping(given, ".".join(map(str, place)), 1).items():
            if isinstance(wanted, dict):
                entry = cast("Mapping[str, Any]", wanted)
                source, kind = _source(entry)
                real = text_of(entry, "package") or name.partition(":")[0]
                line = lines.get((*place, name), 1)
                builder.declare("cargo", real, f"{real} {source}", line, source, kind=kind)


def _source(entry: Mapping[str, Any]) -> tuple[str, SourceKind]:
    if address := text_of(entry, "git"):
        at = text_of(entry, "rev") or text_of(entry, "tag") or text_of(entry, "branch")
        return f"git+{address}" + (f"#{at}" if at else ""), SourceKind.GIT
    if (path := text_of(entry, "path")) and not text_of(entry, "version"):
        return path, SourceKind.PATH
    return "", SourceKind.REGISTRY


class CargoLock:
    """What Cargo compiles. Which packages are only for development is told by Cargo.toml."""

    ecosystem = "cargo"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "Cargo.lock"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        if (found := toml_packages(data, builder, "package")) is None:
            return builder.done()
        head, packages = found
        # Cargo before 1.47 kept the hashes of all packages in one table, and the root beside them.
        sums = builder.mapping(head.get("metadata"), "metadata", 1)
        direct: set[str] = set()
        for line, entry in packages:
            if not entry.get("source"):
                direct.update(_needs(builder, entry, line))
        direct.update(_needs(builder, builder.mapping(head.get("root"), "root", 1), 1))
        for line, entry in packages:
            _locked(builder, entry, line, direct, sums)
        return builder.done()


def _needs(builder: Builder, entry: Mapping[str, Any], line: int) -> list[str]:
    given = builder.sequence(entry.get("dependencies"), "dependencies", line)
    return [one.partition(" ")[0] for one in given if isinstance(one, str) and one]


def _locked(
    builder: Builder,
    entry: Mapping[str, Any],
    line: int,
    direct: set[str],
    sums: Mapping[str, Any],
) -> None:
    name = builder.text(entry.get("name"), "name", line)
    version = builder.text(entry.get("version"), "version", line)
    given = builder.text(entry.get("source"), "source", line)
    if not name or not version:
        builder.problem("a package has no name or no version", line)
        return
    if not given:
        return  # A member of the workspace.
    source, kind = "", SourceKind.REGISTRY
    if given.startswith("git+"):
        source, kind = given, SourceKind.GIT
    elif given not in _USUAL:
        builder.host("cargo", given, line)
    checksum = text_of(entry, "checksum") or text_of(sums, f"checksum {name} {version} ({given})")
    builder.declare(
        "cargo",
        name,
        f"{name} {version}",
        line,
        source,
        version=version,
        relation=Relation.DIRECT if name in direct else Relation.TRANSITIVE,
        kind=kind,
        hashes=[f"sha256:{checksum}"] if checksum and checksum != "<none>" else [],
        requires=_needs(builder, entry, line),
    )
