"""What only several files together tell: versions from parents, directness from manifests."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from headgate.deps.lockfiles import manifest_for
from headgate.deps.lockfiles.graph import Wanted
from headgate.deps.lockfiles.interface import Declared, Parsed, Problem, Relation, Role, Scope
from headgate.deps.lockfiles.maven import MANAGED
from headgate.deps.lockfiles.nuget import CENTRAL

_PROPERTY = re.compile(r"\$[{(]([^{}()]+)[})]")
_ROUNDS = 10
_EDGELESS = ("Pipfile", "pylock")


def resolve(parsed: Mapping[str, Parsed]) -> dict[str, Parsed]:
    """The same files, with what they tell about each other filled in."""
    found = dict(parsed)
    for path, one in parsed.items():
        name = posixpath.basename(path)
        if any(i.constraint for i in one.includes):
            found[path] = _constrained(path, one, parsed)
        elif name == "pom.xml" or name.endswith(".pom"):
            found[path] = _maven(path, one, parsed)
        elif name == "go.sum":
            found[path] = _used(path, one, parsed)
        elif name.endswith("proj"):
            found[path] = _central(path, one, parsed)
    for path, one in found.items():
        open_ = any(d.relation is Relation.UNKNOWN for d in one.declared)
        # Cargo's lockfile does not tell development from production; its manifests do.
        if _is_lock(path) and (open_ or posixpath.basename(path) == "Cargo.lock"):
            found[path] = _related(path, one, found)
    for path, problems in _circles(parsed).items():
        found[path] = replace(found[path], problems=(*found[path].problems, *problems))
    return found


def _circles(files: Mapping[str, Parsed]) -> dict[str, list[Problem]]:
    """What is wrong with includes that come back to where they started, as no tool takes them."""
    left = {path: {i.path for i in one.includes} for path, one in files.items() if one.includes}
    while left:
        included = {path for paths in left.values() for path in paths}
        ends = {path for path in left if path not in included or not left[path] & left.keys()}
        if not ends:
            break
        left = {path: paths for path, paths in left.items() if path not in ends}
    return {
        path: [
            Problem(f"including `{one.path[:80]}` leads in a circle", one.span)
            for one in files[path].includes
            if one.path in left
        ]
        for path in left
    }


def constraints_only(parsed: Mapping[str, Parsed]) -> set[str]:
    """Paths that other files include only to bind versions: they ask for nothing themselves."""
    bound = {i.path for one in parsed.values() for i in one.includes if i.constraint}
    asked = {i.path for one in parsed.values() for i in one.includes if not i.constraint}
    return {path for path in bound - asked if path in parsed and _is_constraints(path)}


def _is_constraints(path: str) -> bool:
    """A file that is a list of requirements by its own name as well keeps its own weight."""
    return manifest_for(path) is None or "constraint" in posixpath.basename(path).lower()


def _is_lock(path: str) -> bool:
    manifest = manifest_for(path)
    return manifest is not None and manifest.role is Role.LOCK


# -- pip's constraints -----------------------------------------------------------------------


def _constrained(path: str, one: Parsed, files: Mapping[str, Parsed]) -> Parsed:
    pins: dict[str, Declared] = {}
    for include in one.includes:
        if include.constraint and include.path in files:
            for pin in files[include.path].declared:
                pins.setdefault(pin.name, pin)
    declared = tuple(
        replace(d, version=pins[d.name].version, hashes=d.hashes or pins[d.name].hashes)
        if not d.version and not d.source and d.name in pins
        else d
        for d in one.declared
    )
    return replace(one, declared=declared)


# -- Maven's parents and properties ----------------------------------------------------------


def _maven(path: str, one: Parsed, files: Mapping[str, Parsed]) -> Parsed:
    facts: dict[str, str] = {}
    for parent in reversed(list(_parents(path, files))):
        facts.update(parent.facts)
    # What a project calls its own is its own, not its parent's.
    facts.update(one.facts)
    declared: list[Declared] = []
    problems = list(one.problems)
    for d in one.declared:
        name = _filled(d.name, facts)
        asked = d.version or facts.get(f"{MANAGED}{name}", "")
        version = _filled(asked, facts)
        if "${" in name:
            problems.append(
                Problem(f"`{d.name[:80]}` hangs on a property that is not in the tree", d.span)
            )
        if any(mark in version for mark in ("${", "[", "(", ",", " ")):
            version = ""
        declared.append(replace(d, name=name, version=version))
    return replace(one, declared=tuple(declared), problems=tuple(problems))


def _parents(path: str, files: Mapping[str, Parsed]) -> Iterator[Parsed]:
    seen = {path}
    while True:
        includes = files[path].includes
        if not includes or includes[0].path not in files or includes[0].path in seen:
            return
        path = includes[0].path
        seen.add(path)
        yield files[path]


def _filled(text: str, facts: Mapping[str, str]) -> str:
    for _ in range(_ROUNDS):
        new = _PROPERTY.sub(lambda match: facts.get(match[1], match[0]), text)
        if new == text or len(new) > 400:
            break
        text = new
    return text


# -- Go's sums -------------------------------------------------------------------------------


def _used(path: str, one: Parsed, files: Mapping[str, Parsed]) -> Parsed:
    """A go.sum without the modules that were only looked at, if a go.mod beside it tells them.

    Since Go 1.17, go.mod names everything that is built.
    """
    module = files.get(posixpath.join(posixpath.dirname(path), "go.mod"))
    version = dict(module.facts).get("go", "") if module is not None else ""
    numbers = [int(part) for part in version.split(".")[:2] if part.isdecimal() and len(part) < 5]
    if module is None or numbers < [1, 17]:
        return one
    built = {(d.name, d.version) for d in module.declared}
    return replace(one, declared=tuple(d for d in one.declared if (d.name, d.version) in built))


# -- NuGet's central versions ----------------------------------------------------------------


def _central(path: str, one: Parsed, files: Mapping[str, Parsed]) -> Parsed:
    facts: dict[str, str] = {}
    for directory in reversed(list(_above(posixpath.dirname(path)))):
        for name in ("Directory.Build.props", "Directory.Packages.props"):
            shared = files.get(posixpath.join(directory, name))
            if shared is not None:
                facts.update(shared.facts)
    facts.update(one.facts)
    declared: list[Declared] = []
    for d in one.declared:
        version = d.version or facts.get(f"{CENTRAL}{d.name.lower()}", "")
        version = _filled(version, facts).strip("[] ")
        declared.append(replace(d, version="" if any(m in version for m in "$(,*") else version))
    return replace(one, declared=tuple(declared))


def _above(directory: str) -> Iterator[str]:
    """The directory and those above it, up to the root of the project."""
    while directory:
        yield directory
        directory = posixpath.dirname(directory)
    yield ""


# -- lockfiles and their manifests -----------------------------------------------------------


def _related(path: str, one: Parsed, files: Mapping[str, Parsed]) -> Parsed:
    """A lockfile with its direct dependencies marked, as the manifests beside and below say."""
    ecosystems = {d.ecosystem for d in one.declared}
    production: set[str] = set()
    development: set[str] = set()
    for d in _wanted_by(path, files):
        if d.ecosystem in ecosystems:
            (production if d.scope is Scope.PRODUCTION else development).add(d.name)
    if not production and not development:
        return one
    edges: dict[str, list[str]] = {}
    for d in one.declared:
        edges.setdefault(d.name, []).extend(d.requires)
    wanted = Wanted(edges, production, development)
    # Pipenv, and pip as it writes pylock.toml, do not say what needs what.
    told = any(edges.values()) or not posixpath.basename(path).startswith(_EDGELESS)
    declared: list[Declared] = []
    for d in one.declared:
        relation, scope = wanted[d.name]
        if relation is Relation.UNKNOWN and not told:
            relation = Relation.TRANSITIVE  # The file does not say what needs what.
        if d.scope is Scope.DEVELOPMENT or not told:
            scope = d.scope
        if d.relation is not Relation.UNKNOWN and relation is Relation.UNKNOWN:
            relation = d.relation
        declared.append(d.related(relation, scope))
    return replace(one, declared=tuple(declared))


def _wanted_by(lock: str, files: Mapping[str, Parsed]) -> Iterable[Declared]:
    """What the manifests say that a lockfile may serve: those in its directory and below."""
    directory = posixpath.dirname(lock)
    prefix = f"{directory}/" if directory else ""
    for path, parsed in files.items():
        if path.startswith(prefix) and not _is_lock(path):
            yield from parsed.declared


def unlocked(parsed: Mapping[str, Parsed]) -> list[Declared]:
    """Direct dependencies that no file binds to a version: what gets installed is open.

    A lockfile binds the manifests of its ecosystem in its directory and below. Problems make a
    lockfile bind nothing.
    """
    locked: dict[tuple[str, str], set[str]] = {}
    for path, one in parsed.items():
        if _is_lock(path):
            for d in one.declared:
                if d.version or d.source:
                    place = (posixpath.dirname(path), d.ecosystem)
                    locked.setdefault(place, set()).add(d.name)
    found: list[Declared] = []
    for path, one in parsed.items():
        if _is_lock(path):
            continue
        for d in one.declared:
            if d.version or d.hashes or d.source:
                continue
            above = _above(posixpath.dirname(path))
            if not any(d.name in locked.get((place, d.ecosystem), ()) for place in above):
                found.append(d)
    return found
