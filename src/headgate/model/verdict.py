"""Risk tiers, verdicts and approvals."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from headgate.model.ids import ApprovalId, ChangeNumber, Commit, PrincipalId


class RiskTier(IntEnum):
    """How much a change can hurt."""

    LOW = 0
    MODERATE = 1
    HIGH = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Risk:
    """A tier and every factor that led to it."""

    tier: RiskTier
    factors: tuple[str, ...]
    classes: tuple[str, ...] = ()
    """Path classes touched, e.g. `critical.auth`."""


class VerdictKind(StrEnum):
    ALLOWED = "allowed"
    NEEDS_APPROVALS = "needs approvals"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Approvals that a rule of the policy asks for."""

    rule: str
    """Name of the rule in policy.toml."""
    count: int
    groups: tuple[str, ...]
    """Approvers must belong to one of these; empty: any human who may approve."""
    reason: str
    given: tuple[PrincipalId, ...] = ()
    """Whose valid approvals count towards it."""

    @property
    def missing(self) -> int:
        return max(0, self.count - len(self.given))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy says of one revision."""

    kind: VerdictKind
    reasons: tuple[str, ...]
    """One sentence each; for a denial, what must change and how."""
    risk: Risk
    requirements: tuple[Requirement, ...]
    policy: str
    """Digest of the policy that was in force."""


@dataclass(frozen=True, slots=True)
class ApprovalBinding:
    """The one exact thing that an approval is for; any difference voids it."""

    project: str
    change: ChangeNumber
    branch: str
    base: Commit
    head: Commit
    policy: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A human's act of approving one exact revision under one exact policy."""

    id: ApprovalId
    approver: PrincipalId
    binding: ApprovalBinding
    created: float
    comment: str = ""
    void: str = ""
    """Why it no longer counts; empty while it does."""
