"""yarn.lock, of yarn 1 in its own format and of yarn 2 and later in YAML."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
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


@dataclass(frozen=True, slots=True)
class _Entry:
    """One block of a yarn 1 lockfile; lines are counted from 0 at its beginning."""

    line: int
    patterns: tuple[str, ...]
    fields: Mapping[str, str]
    needs: tuple[str, ...]
    problems: tuple[tuple[str, int], ...]


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
            for line, block in _blocks(text):
                for entry in entries(block):
                    for message, at in entry.problems:
                        builder.problem(message, line + at)
                    if entry.patterns:
                        _classic(builder, entry, line + entry.line)
        return builder.done()


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """The text cut at empty lines, and where each piece begins."""
    line = 1
    for block in text.replace("\r\n", "\n").split("\n\n"):
        yield line, block
        line += block.count("\n") + 2


@lru_cache(maxsize=20_000)
def entries(block: str) -> tuple[_Entry, ...]:
    """What a block says. Remembered, as from one state of a lockfile to the next most stay."""
    found: list[_Entry] = []
    problems: list[tuple[str, int]] = []
    patterns: list[str] = []
    fields: dict[str, str] = {}
    needs: list[str] = []
    begin, inside = 0, False

    def close() -> None:
        if patterns or problems:
            found.append(
                _Entry(begin, tuple(patterns), dict(fields), tuple(needs), tuple(problems))
            )
        for one in (problems, patterns, needs):
            one.clear()
        fields.clear()

    for number, raw in enumerate(block.split("\n")):
        line = raw.rstrip()
        if not line or line.lstrip().startswith("#"):
            continue
        if line[0] != " ":
            close()
            begin, inside = number, False
            if line.endswith(":"):
                patterns.extend(_plain(one) for one in _PATTERN.findall(line[:-1]))
            if not patterns:
                problems.append((f"`{line[:80]}` is no entry of a yarn.lock", number))
        elif not patterns:
            problems.append((f"`{line.strip()[:80]}` belongs to no entry", number))
        elif line in ("  dependencies:", "  optionalDependencies:"):
            inside = True
        elif inside and (need := _NEED.fullmatch(line)):
            needs.append(_plain(need[1]))
        elif match := _FIELD.fullmatch(line):
            inside = False
            fields[_plain(match[1])] = _plain(match[2])
        else:
            problems.append((f"`{line.strip()[:80]}` is not understood", number))
    close()
    return tuple(found)


def _plain(word: str) -> str:
    if word[0] != '"':
        return word.strip()
    if "\\" not in word:
        return word[1:-1]
    try:
        return str(json.loads(word))
    except ValueError:
        return word[1:-1]


def _classic(builder: Builder, entry: _Entry, line: int) -> None:
    match = _REFERENCE.fullmatch(entry.patterns[0])
    version = entry.fields.get("version", "")
    if match is None or not version:
        builder.problem(f"`{entry.patterns[0][:80]}` has no version", line)
        return
    name, wanted = match[1], match[2]
    if wanted.startswith("npm:") and (alias := _REFERENCE.fullmatch(wanted[4:])):
        name = alias[1]
    resolved = entry.fields.get("resolved", "")
    if not resolved and wanted.startswith(("file:", "link:", "./", "../")):
        resolved = wanted
    source, kind = npm_source(builder, name, resolved, line)
    hashes = entry.fields.get("integrity", "").split()
    if not hashes and kind is SourceKind.REGISTRY and "#" in resolved:
        hashes = [f"sha1:{resolved.rpartition('#')[2]}"]
    builder.declare(
        "npm",
        name,
        f"{name} {version}",
        line,
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
