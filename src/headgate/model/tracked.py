"""Findings of a branch as time goes by: their states, what people said of them, and scans."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from headgate.model.finding import Finding, Outcome
from headgate.model.ids import ActId, PrincipalId, ProjectId, TrackedId


class FindingState(StrEnum):
    """Where a finding of a branch stands."""

    NEW = "new"
    """Seen for the first time by the last scan of the branch."""
    OPEN = "open"
    FIXED = "fixed"
    """Gone from a place that was examined."""
    SUPPRESSED = "suppressed"
    """A comment in the code, or a human, says that it need not be mended."""
    ACCEPTED = "accepted"
    """A human took the risk."""
    REOPENED = "reopened"
    """It came back, or what silenced it has ended."""


OPEN_FINDINGS = frozenset({FindingState.NEW, FindingState.OPEN, FindingState.REOPENED})
"""States in which somebody has to do something."""
SILENT_FINDINGS = frozenset({FindingState.SUPPRESSED, FindingState.ACCEPTED})


class ActKind(StrEnum):
    """What a person says of a finding."""

    SUPPRESS = "suppress"
    ACCEPT = "accept"
    DISPUTE = "dispute"
    """It is no defect: the rule was wrong."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who is to mend a finding, and how that is known."""

    name: str = ""
    source: str = ""
    """`CODEOWNERS`, or `history`: the author of the line."""


@dataclass(frozen=True, slots=True)
class TrackedFinding:
    """One finding of one branch."""

    id: TrackedId
    project: ProjectId
    branch: str
    finding: Finding
    """As it was seen last; its identity stays for ever."""
    state: FindingState
    reason: str
    """Why it is silent; empty otherwise."""
    first_seen: float
    first_commit: str
    last_seen: float
    last_commit: str
    fixed: float | None
    owner: Owner
    rank: int
    """0 to 100."""


@dataclass(frozen=True, slots=True)
class FindingAct:
    """What one person said of a finding, on every branch of a project."""

    id: ActId
    project: ProjectId
    identity: str
    rule: str
    kind: ActKind
    by: PrincipalId
    silences: bool
    """Whether it keeps the finding from being open; what an agent says never does."""
    reason: str
    expires: float | None
    created: float
    ended: float | None = None

    def holds(self, now: float) -> bool:
        """Whether it is in force."""
        return self.ended is None and (self.expires is None or now < self.expires)


@dataclass(frozen=True, slots=True)
class ScanCounts:
    """What a scan changed."""

    open: int
    """Open after it."""
    new: int
    fixed: int
    reopened: int
    silent: int
    missed: int
    """Files that it was to look at and could not."""


@dataclass(frozen=True, slots=True)
class BranchScan:
    """One scan of a branch."""

    project: ProjectId
    branch: str
    commit: str
    created: float
    outcome: Outcome
    reason: str
    counts: ScanCounts


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """What became of a rule's findings in this house."""

    rule: str
    open: int = 0
    fixed: int = 0
    accepted: int = 0
    suppressed: int = 0
    disputed: int = 0
    """Findings that a human said to be false."""

    @property
    def confirmed(self) -> int:
        """Findings that were real: mended, or taken as a risk."""
        return self.fixed + self.accepted

    @property
    def precision(self) -> float | None:
        """The share of real ones among those that are decided; None before any is."""
        decided = self.confirmed + self.disputed
        return self.confirmed / decided if decided else None
