"""What is odd about a policy: rules that contradict each other, exceptions whose time is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from headgate.deps.licences import category, expression
from headgate.deps.policy.exceptions import Term, term
from headgate.deps.policy.standing import denial
from headgate.model.dependency_policy import DependencyPolicy, Place, PolicyException
from headgate.model.errors import BadInput
from headgate.model.purl import Package, parse_purl


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to look at."""

    place: Place
    message: str


def review(
    policy: DependencyPolicy, exceptions: Sequence[PolicyException], now: float
) -> list[Remark]:
    """Everything that is odd, by place."""
    found = [*_exceptions(exceptions, now), *_rules(policy), *_licences(policy)]
    return sorted(found, key=lambda r: (r.place.file, r.place.line))


def _exceptions(exceptions: Sequence[PolicyException], now: float) -> Iterator[Remark]:
    for one in exceptions:
        until = datetime.fromtimestamp(one.expires, UTC).date()
        about = f"the exception for {one.package.purl}"
        match term(one, now):
            case Term.EXPIRED:
                yield Remark(one.place, f"{about} ended on {until}: renew it or take it out.")
            case Term.ENDING:
                yield Remark(one.place, f"{about} ends on {until}; its owner is {one.owner}.")
            case Term.COMING | Term.RUNNING:
                pass


def _rules(policy: DependencyPolicy) -> Iterator[Remark]:
    for rule in policy.allow:
        against = denial(rule.package, policy, rule.projects[0] if rule.projects else "")
        if against is not None and not against.versions:
            yield Remark(
                rule.place, f"{rule.package.purl} is allowed here and denied at {against.place}."
            )
    for ecosystem, names in policy.approved.items():
        for name in names:
            against = denial(Package(ecosystem, name), policy, "")
            if against is not None and not against.versions and not against.projects:
                yield Remark(
                    against.place,
                    f"`{name}` is denied here and in the approved list of {ecosystem}.",
                )
    for rule in policy.deny:
        if not rule.use_instead.startswith("pkg:"):
            continue
        try:
            instead = parse_purl(rule.use_instead)
        except BadInput:
            continue  # The parser of the policy has refused it.
        against = denial(instead, policy, "")
        if against is not None:
            yield Remark(
                rule.place,
                f"{rule.use_instead} is to be used instead, and denied at {against.place}.",
            )


def _licences(policy: DependencyPolicy) -> Iterator[Remark]:
    for key, names in (("allow", policy.licences.allow), ("deny", policy.licences.deny)):
        for name in names:
            if not expression(name) and not category(name) and not _is_category(name):
                yield Remark(
                    Place("dependencies.licences", 0),
                    f"`{name}` in `{key}` is neither a licence nor a category that is known.",
                )


def _is_category(name: str) -> bool:
    return name.strip().lower().replace("-", " ") in {
        "commercial", "copyleft", "copyleft limited", "cla", "free restricted", "patent license",
        "permissive", "proprietary free", "public domain", "source-available", "unstated license",
    }  # fmt: skip
