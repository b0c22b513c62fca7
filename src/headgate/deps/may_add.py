"""The answer for whoever wants to add a package, before a line is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from headgate.deps.index.interface import Existence
from headgate.deps.policy.assess import Assessment, Evidence, assess
from headgate.deps.policy.concern import Concern
from headgate.deps.policy.standing import Granted, Place, denial, nearest
from headgate.model.dependency_policy import DependencyPolicy
from headgate.model.purl import Package


class Reply(StrEnum):
    ALLOW = "allow"
    NEEDS_APPROVAL = "needs approval"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Answer:
    """May a package be added, why, and what to take instead."""

    package: Package
    reply: Reply
    reasons: tuple[str, ...]
    """What decides, the worst first; what is only warned of comes after."""
    remedy: str
    """What to do next; empty when nothing is in the way."""
    alternative: str
    """A package URL, or words; empty when none is known."""
    known_at: float | None
    """When the index was asked; None: it was not, or did not answer."""
    advisories: tuple[str, ...] = ()

    def as_object(self) -> dict[str, object]:
        """As the command line and the API answer."""
        return {
            "package": self.package.purl,
            "answer": self.reply.value,
            "reasons": list(self.reasons),
            "remedy": self.remedy,
            "alternative": self.alternative,
            "advisories": list(self.advisories),
            "known_at": self.known_at,
        }


def may_add(
    package: Package,
    policy: DependencyPolicy,
    who: Place,
    evidence: Evidence,
    *,
    granted: Granted = (),
    now: float = 0.0,
) -> Answer:
    """Whether `who` may add a package. What is not known needs a human's approval."""
    found = assess(package, policy, who, evidence, granted=granted, now=now)
    against = sorted(found.concerns, key=lambda c: (c.approvable, -c.severity))
    denying = [c for c in against if c.denies]
    warnings = [c for c in against if not c.denies]
    reasons = [c.message for c in denying]
    if any(not c.approvable for c in denying):
        reply = Reply.DENY
    elif denying or found.doubt:
        reply = Reply.NEEDS_APPROVAL
    else:
        reply = Reply.ALLOW
    if found.doubt:
        reasons.append(f"Whether it exists could not be told: {found.doubt}.")
    reasons += [c.message for c in warnings]
    if not reasons:
        reasons.append(f"`{package.name}` is {found.standing.value}.")
    facts = evidence.facts
    known = facts is not None and facts.existence is not Existence.UNKNOWN
    return Answer(
        package,
        reply,
        tuple(reasons),
        _remedy(reply, denying, package),
        _alternative(found, policy, who, denying),
        facts.asked if facts is not None and known else None,
        tuple(dict.fromkeys(name for c in against for name in c.advisories)),
    )


def _remedy(reply: Reply, denying: Sequence[Concern], package: Package) -> str:
    if reply is Reply.ALLOW:
        return ""
    if denying:
        return denying[0].remedy
    purl = Package(package.ecosystem, package.name).purl
    return f"Try again, or have it approved: headgate deps approve {purl}."


def _alternative(
    found: Assessment, policy: DependencyPolicy, who: Place, denying: Sequence[Concern]
) -> str:
    package = found.package
    rule = denial(package, policy, who.project)
    if rule is not None:
        return rule.use_instead
    if found.signal is not None:
        return Package(package.ecosystem, found.signal.target).purl
    if not denying:
        return ""
    if fixed := next((c.fixed for c in denying if c.fixed), ""):
        return Package(package.ecosystem, package.name, fixed).purl
    near = nearest(package.name, policy.approved.get(package.ecosystem, ()))
    return Package(package.ecosystem, near).purl if near else ""
