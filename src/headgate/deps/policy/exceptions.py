"""Exceptions: what the policy lives with for a while, and what VEX documents say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from headgate.deps.policy.concern import Concern
from headgate.deps.policy.vers import Inside, inside
from headgate.model.dependency_policy import PolicyException
from headgate.model.patterns import name_matches
from headgate.model.purl import Package

NEAR = 14 * 86400.0
"""Seconds before its end from which an exception is said to end soon."""


class Term(Enum):
    """Where in its time an exception is."""

    COMING = "not yet"
    RUNNING = "running"
    ENDING = "ends soon"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Settled:
    """Concerns, parted by exceptions."""

    open: tuple[Concern, ...]
    excepted: tuple[tuple[Concern, PolicyException], ...] = ()
    expired: tuple[tuple[Concern, PolicyException], ...] = ()
    """Open ones that an exception once covered."""


def term(one: PolicyException, now: float) -> Term:
    """Where in its time an exception is."""
    if now >= one.expires:
        return Term.EXPIRED
    if now < one.since:
        return Term.COMING
    return Term.ENDING if one.expires - now < NEAR else Term.RUNNING


def settle(
    concerns: Iterable[Concern],
    package: Package,
    exceptions: Sequence[PolicyException],
    project: str,
    now: float,
) -> Settled:
    """Take out what an exception covers now. What is malicious is never taken out."""
    still: list[Concern] = []
    excepted: list[tuple[Concern, PolicyException]] = []
    expired: list[tuple[Concern, PolicyException]] = []
    for concern in concerns:
        fitting = [one for one in exceptions if covers(one, concern, package, project)]
        running = next((o for o in fitting if term(o, now) in (Term.RUNNING, Term.ENDING)), None)
        if running is not None:
            excepted.append((concern, running))
            continue
        still.append(concern)
        old = next((one for one in fitting if term(one, now) is Term.EXPIRED), None)
        if old is not None:
            expired.append((concern, old))
    return Settled(tuple(still), tuple(excepted), tuple(expired))


def covers(one: PolicyException, concern: Concern, package: Package, project: str) -> bool:
    """Whether an exception is about a concern, whatever the day."""
    if concern.lasting or not one.package.covers(package.ecosystem, package.name):
        return False
    if one.projects and not name_matches(project, one.projects):
        return False
    # Nobody has agreed to live with versions that nobody knows.
    if inside(one.versions, package.version) is not Inside.YES:
        return False
    if concern.advisories and one.advisories:
        given = {name.upper() for name in one.advisories}
        return any(name.upper() in given for name in concern.advisories)
    return concern.rule in one.rules


def unused(
    exceptions: Sequence[PolicyException], used: Collection[PolicyException], now: float
) -> tuple[PolicyException, ...]:
    """Those that run and that nothing needs any more."""
    taken = set(used)
    return tuple(
        one
        for one in exceptions
        if one not in taken and term(one, now) in (Term.RUNNING, Term.ENDING)
    )
