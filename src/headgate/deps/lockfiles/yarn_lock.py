"""yarn.lock, of yarn 1 in its own format and of yarn 2 and later in YAML."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from headgate.deps.lockfiles.builder import Builder, decoded, kind_of
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, SourceKind
from headgate.deps.lockfiles.npm_source import npm_source
from headgate.deps.lockfiles.yaml_text import yaml_block

_BERRY = re.compile(rb"^__metadata:", re.MULTILINE)
_PATTERN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[^",\s][^",]*')
_FIELD = re.compile(r'  ("(?:[^"\\]|\\.)*"|[^\s":]+) ("(?:[^"\\]|\\.)*"|\S+)\s*')
_NEED = re.compile(r'    ("(?:[^"\\]|\\.)*"|[^\s":]+) ("(?:[^"\\]|\\.)*"|\S.*)')
_REFERENCE = re.compile(r"(@[^@/]+/[^@]+|[^@]+)@(.*)", re.DOTALL)


@dataclass(slots=True)
class _Entry:
    """One block of a yarn 1 lockfile."""

    line: int
    patterns: list[str]
    fields: dict[str, str] = field(default_factory=dict[str, str])
    needs: list[str] = field(default_factory=list[str])


class YarnLock:
    """What yarn installs."""

    ecosystem = "npm"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "yarn.lock"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        if _BERRY.search(data):
            _berry(builder, data)
        elif (text := decoded(data, builder)) is not None:
            for entry in _entries(builder, text):
                _classic(builder, entry)
        return builder.done()


def _entries(builder: Builder, text: str) -> Iterator[_Entry]:
    entry: _Entry | None = None
    inside = ""
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip()
        if not line or line.lstrip().startswith("#"):
            continue
        if line[0] != " ":
            if entry is not None:
                yield entry
            entry = None
            patterns = _PATTERN.findall(line[:-1]) if line.endswith(":") else ()
            if not patterns:
                builder.problem(f"`{line[:80]}` is no entry of a yarn.lock", number)
                continue
            entry = _Entry(number, [_plain(one) for one in patterns])
            inside = ""
        elif entry is None:
            builder.problem(f"`{line.strip()[:80]}` belongs to no entry", number)
        elif line in ("  dependencies:", "  optionalDependencies:"):
            inside = line
        elif inside and (need := _NEED.fullmatch(line)):
            entry.needs.append(_plain(need[1]))
        elif match := _FIELD.fullmatch(line):
            inside = ""
            entry.fields[_plain(match[1])] = _plain(match[2])
        else:
            builder.problem(f"`{line.strip()[:80]}` is not understood", number)
    if entry is not None:
        yield entry


def _plain(word: str) -> str:
    if word[0] != '"':
        return word.strip()
    if "\\" not in word:
        return word[1:-1]
    try:
        return str(json.loads(word))
    except ValueError:
        return word[1:-1]


def _classic(builder: Builder, entry: _Entry) -> None:
    match = _REFERENCE.fullmatch(entry.patterns[0])
    version = entry.fields.get("version", "")
    if match is None or not version:
        builder.problem(f"`{entry.patterns[0][:80]}` has no version", entry.line)
        return
    name, wanted = match[1], match[2]
    if wanted.startswith("npm:") and (alias := _REFERENCE.fullmatch(wanted[4:])):
        name = alias[1]
    resolved = entry.fields.get("resolved", "")
    if not resolved and wanted.startswith(("file:", "link:", "./", "../")):
        resolved = wanted
    source, kind = npm_source(builder, name, resolved, entry.line)
    hashes = entry.fields.get("integrity", "").split()
    if not hashes and kind is SourceKind.REGISTRY and "#" in resolved:
        hashes = [f"sha1:{resolved.rpartition('#')[2]}"]
    builder.declare(
        "npm",
        name,
        f"{name} {version}",
        entry.line,
        source,
        version=version,
        relation=Relation.UNKNOWN,
        kind=kind,
        hashes=hashes,
        requires=entry.needs,
    )


def _berry(builder: Builder, data: bytes) -> None:
    block = yaml_block(data, builder, plain=True)
    if block is None:
        return
    for place, given in block.items():
        line = block.line(place)
        entry = builder.mapping(given, place[:80], line)
        if place == "__metadata":
            continue
        resolution = builder.text(entry.get("resolution"), "resolution", line)
        match = _REFERENCE.fullmatch(resolution)
        if match is None:
            builder.problem(f"`{place[:80]}` has no resolution", line)
            continue
        name, where = match[1], match[2]
        scheme, _, rest = where.partition(":")
        if scheme == "workspace":
            continue
        version = builder.text(entry.get("version"), "version", line)
        source, kind = "", SourceKind.REGISTRY
        if scheme == "patch":  # The package is inside, and a file of the project changes it.
            inner = _REFERENCE.fullmatch(unquote(rest.partition("#")[0]))
            version = inner[2].removeprefix("npm:") if inner else version
        elif scheme == "npm":
            archive = unquote(where.partition("::__archiveUrl=")[2])
            source, kind = npm_source(builder, name, archive, line)
        elif scheme in ("file", "link", "portal"):
            source, kind = where, SourceKind.PATH
        else:
            source, kind = where, kind_of(where)
        checksum = builder.text(entry.get("checksum"), "checksum", line)
        builder.declare(
            "npm",
            name,
            f"{name} {version}",
            line,
            source,
            version="" if version == "0.0.0-use.local" else version,
            relation=Relation.UNKNOWN,
            kind=kind,
            hashes=[checksum] if checksum else [],
            requires=tuple(builder.mapping(entry.get("dependencies"), "dependencies", line)),
        )
