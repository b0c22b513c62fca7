"""Gemfile.lock, of Ruby's Bundler."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from headgate.deps.lockfiles.builder import Builder, decoded
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, SourceKind

_USUAL = ("https://rubygems.org/", "https://rubygems.org", "http://rubygems.org/")
_SPEC = re.compile(r"    ([\w.-]+) \(([^()\s]+)\)")
_NEED = re.compile(r"      ([\w.-]+)(?: \(.*\))?")
_WANTED = re.compile(r"  ([\w.-]+)(!?)(?: \(.*\))?(!?)")
_CHECKSUM = re.compile(r"  ([\w.-]+) \(([^()\s]+)\)(?: (.*))?")
_SECTIONS = {"GIT", "PATH", "GEM", "PLUGIN SOURCE"}
_OTHERS = {"PLATFORMS", "RUBY VERSION", "BUNDLED WITH"}


@dataclass(slots=True)
class _Spec:
    name: str
    version: str
    line: int
    section: str
    source: str
    needs: list[str] = field(default_factory=list[str])


class GemfileLock:
    """What Bundler installs."""

    ecosystem = "gem"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) in ("Gemfile.lock", "gems.locked")

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        reader = _Reader(builder)
        for number, raw in enumerate((decoded(data, builder) or "").split("\n"), 1):
            if line := raw.rstrip():
                reader.line(line, number)
        reader.declare()
        return builder.done()


class _Reader:
    """Goes over the sections once."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._section = ""
        self._source: dict[str, str] = {}
        self._specs: list[_Spec] = []
        self._direct: set[str] = set()
        self._sums: dict[tuple[str, str], list[str]] = {}

    def line(self, line: str, number: int) -> None:
        if line[0] != " ":
            if line.startswith("<<<<<<<"):
                self._builder.problem("this has conflicts that nobody resolved", number)
            self._section, self._source = line, {}
            if line not in {*_SECTIONS, *_OTHERS, "DEPENDENCIES", "CHECKSUMS"}:
                self._builder.problem(f"`{line[:80]}` is no section that is known", number)
        elif self._section in _SECTIONS:
            self._package(line, number)
        elif self._section == "DEPENDENCIES":
            if match := _WANTED.fullmatch(line):
                self._direct.add(match[1])
            else:
                self._builder.problem(f"`{line.strip()[:80]}` is no dependency", number)
        elif self._section == "CHECKSUMS":
            if match := _CHECKSUM.fullmatch(line):
                sums = [one.replace("=", ":", 1) for one in (match[3] or "").split(",") if one]
                self._sums.setdefault((match[1], match[2]), []).extend(sums)
            else:
                self._builder.problem(f"`{line.strip()[:80]}` is no checksum", number)

    def _package(self, line: str, number: int) -> None:
        if match := _SPEC.fullmatch(line):
            spec = _Spec(match[1], match[2], number, self._section, self._address())
            self._specs.append(spec)
        elif match := _NEED.fullmatch(line):
            if self._specs:
                self._specs[-1].needs.append(match[1])
        elif re.fullmatch(r"  \w+:(?: .*)?", line):
            name, _, value = line.strip().partition(":")
            self._source[name] = value.strip()
            if name == "remote" and self._section == "GEM" and value.strip() not in _USUAL:
                self._builder.host("gem", value.strip(), number)
        else:
            self._builder.problem(f"`{line.strip()[:80]}` is not understood", number)

    def _address(self) -> str:
        remote = self._source.get("remote", "")
        if self._section == "GIT":
            return f"git+{remote}#{self._source.get('revision', '')}"
        return remote if self._section == "PATH" else ""

    def declare(self) -> None:
        kinds = {"GIT": SourceKind.GIT, "PATH": SourceKind.PATH}
        for spec in self._specs:
            self._builder.declare(
                "gem",
                spec.name,
                f"{spec.name} {spec.version}",
                spec.line,
                spec.source,
                version=spec.version,
                relation=Relation.DIRECT if spec.name in self._direct else Relation.TRANSITIVE,
                kind=kinds.get(spec.section, SourceKind.REGISTRY),
                hashes=self._sums.get((spec.name, spec.version), ()),
                requires=spec.needs,
            )
