"""What a change adds to the declared dependencies: a function over the files before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headgate.deps.lockfiles import manifest_for
from headgate.deps.lockfiles.interface import (
    Declared,
    Include,
    IndexSetting,
    Manifest,
    Parsed,
    Problem,
)
from headgate.deps.lockfiles.requirements_txt import RequirementsTxt

_INCLUDED: Manifest = RequirementsTxt()


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one tree that declare dependencies, read."""

    parsed: Mapping[str, Parsed]
    """By path."""
    missing: tuple[Include, ...] = ()
    """Files that others include and that were not given."""


@dataclass(frozen=True, slots=True)
class Added:
    """What one tree declares and another did not."""

    declared: tuple[Declared, ...]
    indexes: tuple[IndexSetting, ...]
    problems: tuple[Problem, ...]


def is_manifest(path: str) -> bool:
    """Whether a file declares dependencies, by its name."""
    return manifest_for(path) is not None


def read_files(files: Mapping[str, bytes]) -> Files:
    """Read every manifest among the files, and those that manifests include, by path."""
    parsed: dict[str, Parsed] = {}
    missing: dict[str, Include] = {}
    waiting = [path for path in files if is_manifest(path)]
    while waiting:
        path = waiting.pop(0)
        if path in parsed:
            continue
        parsed[path] = (manifest_for(path) or _INCLUDED).parse(path, files[path])
        for include in parsed[path].includes:
            if include.path in files:
                waiting.append(include.path)
            else:
                missing.setdefault(include.path, include)
    return Files(parsed, tuple(missing.values()))


def added(before: Files, after: Files) -> Added:
    """What is new in `after`; moving a dependency from one file to another adds nothing."""
    known = {_identity(one) for one in _all(before)}
    declared: dict[tuple[str, str, str], Declared] = {}
    for one in _all(after):
        if _identity(one) not in known:
            declared.setdefault(_identity(one), one)
    settings = {(s.ecosystem, s.text) for p in before.parsed.values() for s in p.indexes}
    troubles = {(p.span.path, p.message) for f in before.parsed.values() for p in f.problems}
    return Added(
        tuple(sorted(declared.values(), key=lambda d: (d.span.path, d.span.line, d.name))),
        tuple(
            s
            for p in after.parsed.values()
            for s in p.indexes
            if (s.ecosystem, s.text) not in settings
        ),
        tuple(
            p
            for f in after.parsed.values()
            for p in f.problems
            if (p.span.path, p.message) not in troubles
        ),
    )


def _all(files: Files) -> Iterable[Declared]:
    return (one for parsed in files.parsed.values() for one in parsed.declared)


def _identity(one: Declared) -> tuple[str, str, str]:
    return one.ecosystem, one.name, one.source
