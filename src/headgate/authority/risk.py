"""The risk tier of a change, with every factor that led to it."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.model.config import PathClass, Policy, ProjectConfig
from headgate.model.finding import CheckResult, Outcome, Severity
from headgate.model.origin import Origin, OriginKind
from headgate.model.patterns import matches, name_matches
from headgate.model.project import Context
from headgate.model.reviewer import ADVISORY
from headgate.model.verdict import Risk, RiskTier

GATE_CLASS = PathClass(
    "gate", ("/headgate.toml", "/.github/workflows/", "/.github/actions/", "/.gitlab-ci.yml")
)
"""What decides how a project is tested; every project has this class."""

CRITICAL = ("critical", "critical.*")
_PRODUCTION = ("production", "production.*")
_DEPENDENCY = "dependency/"
_KNOWN_PACKAGE = frozenset(
    f"{_DEPENDENCY}{rule}"
    for rule in (
        "deprecated",
        "hash-changed",
        "licence",
        "maintainers-changed",
        "provenance",
        "unknown",
        "unpinned",
        "vulnerable",
        "yanked",
    )
)
"""What may be found about a package that was approved."""


def unapproved_package(rule: str) -> bool:
    """Whether a finding is about a dependency that nobody approved."""
    return rule.startswith(_DEPENDENCY) and rule not in _KNOWN_PACKAGE


def assess(
    *,
    config: ProjectConfig,
    policy: Policy,
    touched: Sequence[str],
    added: int,
    deleted: int,
    origin: Origin,
    agent: bool,
    checks: Sequence[CheckResult],
    proposed: ProjectConfig | None = None,
) -> Risk:
    """How much a change can hurt.

    `config` is that of the base and `proposed` that of the head, when it can be read: a class
    counts when either says so, and the context is experimental only when both do, so that no
    change lowers its own risk. `added` and `deleted` are lines; `agent` says that an agent pushed.
    """
    classes = _classes(config, proposed, touched)
    factors: list[str] = []
    tier = RiskTier.LOW

    def at_least(least: RiskTier, factor: str) -> None:
        nonlocal tier
        tier = max(tier, least)
        factors.append(factor)

    critical = [name for name in classes if name_matches(name, CRITICAL)]
    if critical:
        at_least(RiskTier.HIGH, f"touches {', '.join(critical)}")
    if GATE_CLASS.name in classes:
        at_least(RiskTier.MODERATE, "touches the files that decide how the project is tested")
    if names := [name for name in classes if name_matches(name, _PRODUCTION)]:
        at_least(RiskTier.MODERATE, f"touches {', '.join(names)}")
    if added + deleted >= policy.large_change:
        at_least(RiskTier.MODERATE, f"is large ({added} lines added, {deleted} deleted)")
    for least, factor in _check_factors(checks):
        at_least(least, factor)

    contexts = {config.context, proposed.context if proposed is not None else config.context}
    if contexts == {Context.EXPERIMENTAL}:
        if tier > RiskTier.LOW and not critical:
            tier = RiskTier(tier - 1)
        factors.append("belongs to an experimental project")
    written = _written(origin, agent)
    if written:
        # Where nothing else is at stake, being written by AI does not make a change dangerous.
        if RiskTier.LOW < tier < RiskTier.CRITICAL:
            tier = RiskTier(tier + 1)
        factors.append(written)
    return Risk(tier, tuple(factors), classes)


def classes_of(config: ProjectConfig, proposed: ProjectConfig | None, path: str) -> tuple[str, ...]:
    """The path classes of one file, of base and head together."""
    return _classes(config, proposed, (path,))


def _classes(
    config: ProjectConfig, proposed: ProjectConfig | None, touched: Sequence[str]
) -> tuple[str, ...]:
    known = [GATE_CLASS, *config.classes, *(proposed.classes if proposed is not None else ())]
    found = {
        one.name
        for one in dict.fromkeys(known)
        if any(matches(path, one.patterns) for path in touched)
    }
    return tuple(sorted(found))


def _check_factors(checks: Sequence[CheckResult]) -> list[tuple[RiskTier, str]]:
    factors: list[tuple[RiskTier, str]] = []
    checks = [check for check in checks if check.check not in ADVISORY]
    findings = [finding for check in checks for finding in check.findings]
    worst = max((finding.severity for finding in findings), default=Severity.INFO)
    if worst >= Severity.MEDIUM:
        tier = {Severity.MEDIUM: RiskTier.MODERATE, Severity.HIGH: RiskTier.HIGH}.get(
            worst, RiskTier.CRITICAL
        )
        count = sum(finding.severity == worst for finding in findings)
        plural = "" if count == 1 else "s"
        factors.append((tier, f"introduces {count} finding{plural} of {worst.word} severity"))
    if any(unapproved_package(finding.rule) for finding in findings):
        factors.append((RiskTier.MODERATE, "adds a dependency that nobody approved"))
    missing = [c.check for c in checks if c.outcome in (Outcome.NOT_RUN, Outcome.UNKNOWN)]
    if missing:
        factors.append((RiskTier.HIGH, f"was not examined by {', '.join(missing)}"))
    return factors


def _written(origin: Origin, agent: bool) -> str:
    by = f" ({origin.tool})" if origin.tool else ""
    if origin.kind is OriginKind.AI:
        return f"was written by AI{by}"
    if origin.kind is OriginKind.MIXED:
        return f"was written partly by AI{by}"
    if agent:
        return "was pushed by an agent"
    if origin.kind is OriginKind.UNKNOWN:
        return "is of unknown origin"
    return ""
