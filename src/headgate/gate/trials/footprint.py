"""What an item touches and what its jobs are shown, and so whether two can affect each other. Pure.

Two items conflict when a job of one is shown a path that the other touches, when both touch the
same path, or one a file where the other has a directory, when both can affect one declared scope,
or when they touch different files that belong together: a manifest and its lockfile, two steps of
one series of migrations, two files of one API schema. Whoever touches headgate.toml decides which
jobs there are, and so conflicts with all, and so does whoever is not known well enough. What does
not conflict passes together when each passes alone, as far as jobs decide: each job finds the very
same files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from posixpath import basename, dirname

from headgate.model.patterns import Coverage, coverage, matches
from headgate.model.queue import BranchKey

MANIFESTS: Mapping[str, str] = {
    "Cargo.lock": "cargo",
    "Cargo.toml": "cargo",
    "Gemfile": "bundler",
    "Gemfile.lock": "bundler",
    "Pipfile": "python",
    "Pipfile.lock": "python",
    "composer.json": "composer",
    "composer.lock": "composer",
    "go.mod": "go",
    "go.sum": "go",
    "package-lock.json": "npm",
    "package.json": "npm",
    "pnpm-lock.yaml": "npm",
    "poetry.lock": "python",
    "pyproject.toml": "python",
    "requirements.in": "python",
    "requirements.txt": "python",
    "uv.lock": "python",
    "yarn.lock": "npm",
}
"""Files that say together what a directory depends on."""

SERIES = frozenset({"migrations", "migrate", "alembic"})
"""Directories whose files follow each other, so that two new ones must not be made at once."""


SCHEMAS = (
    ".avdl",
    ".avsc",
    ".capnp",
    ".fbs",
    ".gql",
    ".graphql",
    ".graphqls",
    ".proto",
    ".raml",
    ".smithy",
    ".thrift",
    ".wsdl",
    ".xsd",
)
"""Endings of files that say what programs may ask of each other."""

_DESCRIBED = re.compile(r"(openapi|swagger|asyncapi)\b.*\.(ya?ml|json)", re.IGNORECASE)
"""Names of the same in formats that are used for other things, too."""

SCHEMA_ROOTS = frozenset(
    {"avro", "graphql", "openapi", "proto", "protobuf", "protos", "schema", "schemas", "thrift"}
)
"""Directories that hold one API with all that is below them; elsewhere each directory does."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Paths of a project that a job is shown."""

    project: str
    branches: frozenset[str]
    """Branches of it that may be what the job finds."""
    patterns: tuple[str, ...] = ()
    """None: everything."""
    job: str = ""

    def covers(self, key: BranchKey, paths: frozenset[str]) -> bool:
        """Whether one of these paths of a branch is among them."""
        if key.project != self.project or key.branch not in self.branches:
            return False
        return not self.patterns or matching(self.patterns, paths)


@lru_cache(maxsize=16_384)
def matching(patterns: tuple[str, ...], paths: frozenset[str]) -> bool:
    """Whether one of these paths fits one of the patterns. Asked a directory at a time: a change
    may touch ten thousand files, and is held against all that wait."""
    for directory, inside in _by_directory(paths).items():
        match coverage(directory, patterns):
            case Coverage.ALL:
                return True
            case Coverage.SOME:
                if any(matches(path, patterns) for path in inside):
                    return True
            case Coverage.NONE:
                pass
    return False


@lru_cache(maxsize=4096)
def _by_directory(paths: frozenset[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(dirname(path), []).append(path)
    return found


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one item, or all that must land with it, touches and looks at."""

    touched: Mapping[BranchKey, frozenset[str]] = field(
        default_factory=dict[BranchKey, frozenset[str]]
    )
    moved: Mapping[BranchKey, frozenset[str]] = field(
        default_factory=dict[BranchKey, frozenset[str]]
    )
    """Directories out of which files were moved: git may carry along what others put there."""
    shown: tuple[Shown, ...] = ()
    scopes: Mapping[BranchKey, Mapping[str, str]] = field(
        default_factory=dict[BranchKey, Mapping[str, str]]
    )
    """Declared scopes that it can affect → the touched scope that it is through."""
    unclear: str = ""
    """Why it has to be taken to conflict with all; empty when it need not."""
    solo: bool = False
    """Whether its jobs want artifacts of those ahead: it is tested once those have landed."""

    def and_(self, other: Footprint) -> Footprint:
        """Of both together."""
        return Footprint(
            _both(self.touched, other.touched),
            _both(self.moved, other.moved),
            (*self.shown, *other.shown),
            _all(self.scopes, other.scopes),
            self.unclear or other.unclear,
            self.solo or other.solo,
        )


UNKNOWN = Footprint(unclear="what it touches is not known yet")


@lru_cache(maxsize=4096)
def kin(key: BranchKey, paths: frozenset[str]) -> frozenset[tuple[BranchKey, str]]:
    """Names for what belongs together although it is in different files."""
    found: set[tuple[BranchKey, str]] = set()
    for path in paths:
        name = basename(path)
        kind = MANIFESTS.get(name)
        if kind:
            found.add((key, f"{kind}:{dirname(path)}"))
        if name.endswith(SCHEMAS) or _DESCRIBED.fullmatch(name):
            found.add((key, f"api:{_up_to(path, SCHEMA_ROOTS) or dirname(path)}"))
        if series := _up_to(path, SERIES):
            found.add((key, f"series:{series}"))
    return frozenset(found)


def _up_to(path: str, names: Collection[str]) -> str:
    """The directory of the first of these names that a path is below; empty when there is none."""
    parts = path.split("/")[:-1]
    for at, part in enumerate(parts):
        if part in names:
            return "/".join(parts[: at + 1])
    return ""


@lru_cache(maxsize=4096)
def _above(paths: frozenset[str]) -> frozenset[str]:
    """The directories that hold these paths."""
    found: set[str] = set()
    for path in paths:
        while (path := dirname(path)) and path not in found:
            found.add(path)
    return frozenset(found)


def conflict(one: Footprint, other: Footprint) -> str:
    """How two items can affect each other, in words that fit behind both; empty: they cannot."""
    for each in (one, other):
        if each.unclear:
            return each.unclear
    for key, paths in one.touched.items():
        theirs = other.touched.get(key)
        if theirs is None:
            continue
        if common := paths & theirs:
            return f"both touch {min(common)}"
        if related := kin(key, paths) & kin(key, theirs):
            return f"both touch {min(name for _, name in related)}"
        if clash := (paths & _above(theirs)) | (theirs & _above(paths)):
            return f"one has a file and the other a directory at {min(clash)}"
        if together := _in_one_scope(one.scopes.get(key, {}), other.scopes.get(key, {})):
            return together
        for moved, added in ((one.moved, theirs), (other.moved, paths)):
            if found := _below(moved.get(key, frozenset()), added):
                return f"one of them moves files that are beside {found}"
    for mine, yours in ((one, other), (other, one)):
        for key, paths in yours.touched.items():
            for shown in mine.shown:
                if shown.covers(key, paths):
                    return f"job {shown.job} of one is shown what the other touches"
    return ""


def _in_one_scope(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """Which scope both can affect, in words; empty when there is none."""
    common = one.keys() & other.keys()
    if not common:
        return ""
    # One that both touch says more than one that only needs what they touch.
    name = min(common, key=lambda n: ((one[n] != n) + (other[n] != n), n))
    through = sorted({one[name], other[name]} - {name})
    if not through:
        return f"both are in the scope {name}"
    needed = " and ".join(through)
    return f"both affect the scope {name}, which needs {needed}"


def blamed(members: Sequence[tuple[int, Footprint]], shown: Sequence[Shown]) -> tuple[int, ...]:
    """Of the members of a fused build, those that can be why a job fails that is shown this.

    All, when one of them is unclear.
    """
    found: list[int] = []
    for name, footprint in members:
        if footprint.unclear:
            return tuple(name for name, _ in members)
        touches = any(
            one.covers(key, paths) for key, paths in footprint.touched.items() for one in shown
        )
        if touches:
            found.append(name)
    return tuple(found)


def _both(
    one: Mapping[BranchKey, frozenset[str]], other: Mapping[BranchKey, frozenset[str]]
) -> dict[BranchKey, frozenset[str]]:
    empty = frozenset[str]()
    keys = [*one, *(key for key in other if key not in one)]
    return {key: one.get(key, empty) | other.get(key, empty) for key in keys}


def _all(
    one: Mapping[BranchKey, Mapping[str, str]], other: Mapping[BranchKey, Mapping[str, str]]
) -> dict[BranchKey, Mapping[str, str]]:
    keys = [*one, *(key for key in other if key not in one)]
    found: dict[BranchKey, Mapping[str, str]] = {}
    for key in keys:
        mine, theirs = one.get(key, {}), other.get(key, {})
        # Who touches a scope is in it, whatever else reaches it.
        found[key] = {**theirs, **mine} | {n: n for n, via in theirs.items() if n == via}
    return found


def _below(directories: frozenset[str], paths: frozenset[str]) -> str:
    for directory in sorted(directories):
        for path in sorted(paths):
            if not directory or path.startswith(f"{directory}/"):
                return path
    return ""
