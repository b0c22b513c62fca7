"""Packages in what has landed, what is minded about them, and wishes to use new ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from headgate.model.finding import Severity
from headgate.model.ids import ChangeNumber, Commit, PrincipalId, ProjectId


@dataclass(frozen=True, slots=True)
class LandedPackage:
    """A package that the landed branch of a project declares or locks."""

    ecosystem: str
    name: str
    version: str = ""
    """Empty where nothing pins one."""
    direct: bool = True
    development: bool = False
    path: str = ""
    line: int = 1
    licence: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class LandedTree:
    """The packages of one branch, as they were last read."""

    project: ProjectId
    branch: str
    commit: Commit
    read: float
    problems: tuple[str, ...] = ()
    """What could not be read; behind it any package may hide."""


class RequestState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class PackageRequest:
    """Somebody's wish to use a package that nobody has approved."""

    id: int
    ecosystem: str
    name: str
    project: ProjectId | None
    change: ChangeNumber | None
    requested_by: PrincipalId
    reason: str
    created: float
    state: RequestState = RequestState.OPEN
    decided_by: PrincipalId | None = None
    comment: str = ""
    decided: float | None = None


@dataclass(frozen=True, slots=True)
class PackageFinding:
    """Something minded about a package that has landed, open until it is mended."""

    project: ProjectId
    branch: str
    identity: str
    """Of package and advisory; survives moves of the line and other names of the advisory."""
    rule: str
    severity: Severity
    ecosystem: str
    name: str
    version: str
    message: str
    remedy: str
    path: str
    line: int
    advisories: tuple[str, ...] = ()
    opened: float = 0.0
    due: float | None = None
    """When the policy's service level ends."""
    closed: float | None = None


@dataclass(frozen=True, slots=True)
class MatchRun:
    """One comparison of everything that has landed with the advisories."""

    begun: float
    ended: float
    packages: int
    opened: int
    closed: int
    unknown: int
    data_as_of: float | None
    """When the advisories were last brought up to date; None: never."""
    problem: str = ""
    """Why nothing is clean by this run; empty when all went well."""
    unused: tuple[str, ...] = ()
    """Exceptions that nothing needs, by place."""
