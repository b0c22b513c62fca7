"""What a change does to the declared dependencies: a function over the files before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from headgate.deps.difference import Difference, compare
from headgate.deps.limits import largest, too_large
from headgate.deps.lockfiles import manifest_for
from headgate.deps.lockfiles.interface import (
    Declared,
    Include,
    IndexSetting,
    Manifest,
    Parsed,
    Problem,
    Relation,
    Role,
    SourceKind,
)
from headgate.deps.lockfiles.requirements_txt import RequirementsTxt
from headgate.deps.resolve import constraints_only, resolve
from headgate.model.finding import Span

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
    """New packages, and packages that were there and are asked for by the project itself now.
    What lies in the project's own tree is no package."""
    indexes: tuple[IndexSetting, ...]
    problems: tuple[Problem, ...]
    difference: Difference = field(default_factory=Difference)
    """Everything that differs, what was removed and what moved to another version included."""


def is_manifest(path: str) -> bool:
    """Whether a file declares or locks dependencies, by its name."""
    return manifest_for(path) is not None


def read_file(path: str, data: bytes) -> Parsed:
    """What one file says by itself; any file that is no manifest by name is a list for pip.

    Never raises: a reader that fails on a file is a problem of that file.
    """
    if len(data) > largest(path):
        return Parsed(problems=(too_large(path),))
    try:
        return (manifest_for(path) or _INCLUDED).parse(path, data)
    except Exception as error:  # A fault of ours must not let a change through, nor stop it dead.
        why = f"its reader failed ({type(error).__name__}), which is a fault of Headgate"
        return Parsed(problems=(Problem(why, Span(path, 1)),))


def read_files(files: Mapping[str, bytes | Parsed]) -> Files:
    """Read every manifest among the files, and those that manifests include, by path.

    What is given as `Parsed` was read before, by `read_file`.
    """
    parsed: dict[str, Parsed] = {}
    missing: dict[str, Include] = {}
    waiting = [path for path in files if is_manifest(path)]
    while waiting:
        path = waiting.pop()
        if path in parsed:
            continue
        given = files[path]
        parsed[path] = read_file(path, given) if isinstance(given, bytes) else given
        for include in parsed[path].includes:
            if include.path in files:
                waiting.append(include.path)
            elif not include.optional:
                missing.setdefault(include.path, include)
    resolved = resolve(parsed)
    for path in constraints_only(parsed):
        resolved[path] = replace(resolved[path], declared=())
    return Files({path: resolved[path] for path in sorted(resolved)}, tuple(missing.values()))


def added(before: Files, after: Files) -> Added:
    """What is new in `after`; moving a dependency from one file to another adds nothing."""
    old = everything(before)
    known = {_identity(one) for one in old}
    asked = {_identity(one) for one in old if one.relation is not Relation.TRANSITIVE}
    declared: dict[tuple[str, str, str], Declared] = {}
    for one in everything(after):
        known_as_it_is = known if one.relation is Relation.TRANSITIVE else asked
        if one.kind is not SourceKind.PATH and _identity(one) not in known_as_it_is:
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
        compare(old, everything(after)),
    )


def everything(files: Files) -> list[Declared]:
    """What all the files declare, manifests first: there a human wrote what is wanted."""
    found: list[Declared] = []
    for role in (Role.MANIFEST, Role.LOCK):
        for path, parsed in files.parsed.items():
            if _role(path) is role:
                found.extend(parsed.declared)
    return found


def _role(path: str) -> Role:
    manifest = manifest_for(path)
    return Role.MANIFEST if manifest is None else manifest.role


def _identity(one: Declared) -> tuple[str, str, str]:
    return one.ecosystem, one.name, one.source


def problems(files: Files) -> Iterable[Problem]:
    """What could not be read, or was included and not there."""
    for parsed in files.parsed.values():
        yield from parsed.problems
    for include in files.missing:
        yield Problem(f"`{include.path}` is included and not there", include.span)
