"""What an item touches and what its jobs are shown, and so whether two can affect each other. Pure.

Two items conflict when a job of one is shown a path that the other touches, when both touch the
same path, or when they touch different files that belong together: a manifest and its lockfile, or
two steps of one series of migrations. Whoever touches headgate.toml decides which jobs there are,
and so conflicts with all, and so does whoever is not known well enough. What does not conflict
passes together when each passes alone, as far as jobs decide: each job finds the very same files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import basename, dirname

from headgate.model.patterns import matches
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


@dataclass(frozen=True, slots=True)
class Shown:
    """Paths of a project that a job is shown."""

    project: str
    branches: frozenset[str]
    """Branches of it that may be what the job finds."""
    patterns: tuple[str, ...] = ()
    """None: everything."""
    job: str = ""

    def covers(self, key: BranchKey, paths: Iterable[str]) -> bool:
        """Whether one of these paths of a branch is among them."""
        if key.project != self.project or key.branch not in self.branches:
            return False
        return not self.patterns or any(matches(path, self.patterns) for path in paths)


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
            self.unclear or other.unclear,
            self.solo or other.solo,
        )


UNKNOWN = Footprint(unclear="what it touches is not known yet")


def kin(key: BranchKey, paths: Iterable[str]) -> frozenset[tuple[BranchKey, str]]:
    """Names for what belongs together although it is in different files."""
    found: set[tuple[BranchKey, str]] = set()
    for path in paths:
        kind = MANIFESTS.get(basename(path))
        if kind:
            found.add((key, f"{kind}:{dirname(path)}"))
        parts = path.split("/")[:-1]
        for at, part in enumerate(parts):
            if part in SERIES:
                found.add((key, f"series:{'/'.join(parts[: at + 1])}"))
                break
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
        for moved, added in ((one.moved, theirs), (other.moved, paths)):
            if found := _below(moved.get(key, frozenset()), added):
                return f"one of them moves files that are beside {found}"
    for mine, yours in ((one, other), (other, one)):
        for key, paths in yours.touched.items():
            for shown in mine.shown:
                if shown.covers(key, paths):
                    return f"job {shown.job} of one is shown what the other touches"
    return ""


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


def _below(directories: frozenset[str], paths: frozenset[str]) -> str:
    for directory in sorted(directories):
        for path in sorted(paths):
            if not directory or path.startswith(f"{directory}/"):
                return path
    return ""
