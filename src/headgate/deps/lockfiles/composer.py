"""composer.json and composer.lock, of PHP's Composer."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any, cast

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, Scope, SourceKind
from headgate.deps.lockfiles.json_text import key, read_object
from headgate.deps.lockfiles.lines import Lines
from headgate.deps.lockfiles.python_lock import text_of

_NAME = re.compile(r"[a-z0-9_.-]+/[a-z0-9_.-]+", re.IGNORECASE)
_PACKAGIST = ("https://packagist.org/", "https://repo.packagist.org", "https://packagist.com/")
_EXACT = re.compile(r"v?\d+(?:\.\d+)+(?:-[\w.]+)?")


class ComposerJson:
    """What a PHP project asks for."""

    ecosystem = "composer"
    role = Role.MANIFEST

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "composer.json"

    def parse(self, path: str, data: bytes) -> Parsed:
        return read_object(path, data, _read_composer_json)


def _read_composer_json(builder: Builder, text: str, values: Mapping[str, Any]) -> None:
    for section, scope in (
        ("require", Scope.PRODUCTION),
        ("require-dev", Scope.DEVELOPMENT),
    ):
        lines = Lines(text)
        line = lines.find(f"{key(section)}:", key(section))
        for name, wanted in builder.mapping(values.get(section), section, line).items():
            line = lines.find(f"{key(name)}:", key(name))
            if "/" not in name:
                continue  # PHP itself and its extensions.
            if not isinstance(wanted, str) or not _NAME.fullmatch(name):
                builder.problem(f"`{name[:80]}` in `{section}` is no dependency", line)
                continue
            builder.declare(
                "composer",
                name.lower(),
                f"{name} {wanted}",
                line,
                version=wanted if _EXACT.fullmatch(wanted) else "",
                scope=scope,
            )
    _repositories(builder, values.get("repositories"), Lines(text))


def _repositories(builder: Builder, given: object, lines: Lines) -> None:
    listed = (
        list(cast("Mapping[str, object]", given).values())
        if isinstance(given, dict)
        else builder.sequence(given, "repositories", 1)
    )
    line = lines.find('"repositories"')
    for one in listed:
        entry: Mapping[str, Any] = cast("Any", one) if isinstance(one, dict) else {}
        address = text_of(entry, "url")
        if address and text_of(entry, "type") != "path" and not address.startswith(_PACKAGIST):
            builder.host("composer", address, line)


class ComposerLock:
    """What Composer installs. Whether a package is direct is told by composer.json."""

    ecosystem = "composer"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "composer.lock"

    def parse(self, path: str, data: bytes) -> Parsed:
        return read_object(path, data, _read_composer_lock)


def _read_composer_lock(builder: Builder, text: str, values: Mapping[str, Any]) -> None:
    lines = Lines(text)
    if "packages" not in values:
        builder.problem("`packages` is missing", 1)
    for section, scope in (
        ("packages", Scope.PRODUCTION),
        ("packages-dev", Scope.DEVELOPMENT),
    ):
        for one in builder.sequence(values.get(section), section, 1):
            entry = builder.mapping(one, section, 1)
            name = text_of(entry, "name")
            line = lines.find(f'"name": {key(name)},', f'"name":{key(name)}')
            _locked(builder, entry, line, scope)


def _locked(builder: Builder, entry: Mapping[str, Any], line: int, scope: Scope) -> None:
    name = text_of(entry, "name")
    version = builder.text(entry.get("version"), "version", line)
    if not _NAME.fullmatch(name) or not version:
        builder.problem(f"`{name[:80]}` is no package and version", line)
        return
    source, kind = _source(builder, entry, line)
    dist = builder.mapping(entry.get("dist"), "dist", line)
    shasum = text_of(dist, "shasum")
    # Archives of forges have no hash of their own; the commit is what binds the content.
    reference = text_of(dist, "reference") or text_of(
        builder.mapping(entry.get("source"), "source", line), "reference"
    )
    hashes = [f"sha1:{shasum}"] if shasum else [f"git:{reference}"] if reference else []
    licences = entry.get("license")
    words = cast("list[object]", licences) if isinstance(licences, list) else [licences]
    needs = builder.mapping(entry.get("require"), "require", line)
    builder.declare(
        "composer",
        name.lower(),
        f"{name} {version}",
        line,
        source,
        version=version,
        relation=Relation.UNKNOWN,
        scope=scope,
        kind=kind,
        hashes=[one for one in hashes if " " not in one],
        # Several licences are a choice, as Composer defines them.
        licence=" OR ".join(str(one) for one in words if one),
        requires=[one.lower() for one in needs if "/" in one],
    )


def _source(builder: Builder, entry: Mapping[str, Any], line: int) -> tuple[str, SourceKind]:
    notified = text_of(entry, "notification-url")
    dist = builder.mapping(entry.get("dist"), "dist", line)
    given = builder.mapping(entry.get("source"), "source", line)
    if text_of(dist, "type") == "path":
        return text_of(dist, "url") or ".", SourceKind.PATH
    if notified.startswith(_PACKAGIST):
        return "", SourceKind.REGISTRY
    if notified:
        builder.host("composer", notified, line)
        return "", SourceKind.REGISTRY
    if address := text_of(given, "url"):
        return f"git+{address}#{text_of(given, 'reference')}", SourceKind.GIT
    if address := text_of(dist, "url"):
        return address, SourceKind.URL
    return "", SourceKind.REGISTRY
