"""The verdict: what the policy says of one revision, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headgate.authority.risk import unapproved_package
from headgate.model.config import ApprovalRule, Policy
from headgate.model.finding import CheckResult, Finding, Outcome, Severity
from headgate.model.ids import PrincipalId
from headgate.model.origin import Origin, OriginKind
from headgate.model.patterns import name_matches
from headgate.model.project import POLICY_PROJECT
from headgate.model.reviewer import ADVISORY
from headgate.model.verdict import Requirement, Risk, RiskTier, Verdict, VerdictKind

EXPECTED = ("configuration", "source", "secrets", "dependencies")
"""The checks that every revision goes through; one that is missing was not run."""

FLOOR = (
    ApprovalRule("built-in-policy", 1, ("admins",), projects=(POLICY_PROJECT,)),
    ApprovalRule("built-in-gate", 1, classes=("gate",), origins=("ai", "mixed")),
)
"""A human of `admins` for every change to the policy; a human for agents' changes to the files
that decide how a project is tested."""

MOST_REASONS = 20
_DEPENDENCY = "dependency/"


def decide(
    *,
    policy: Policy,
    project: str,
    risk: Risk,
    origin: Origin,
    checks: Sequence[CheckResult],
    requirements_given: Mapping[str, tuple[PrincipalId, ...]],
    agent: bool = False,
    expected: Sequence[str] = EXPECTED,
) -> Verdict:
    """What the policy says of a revision.

    `requirements_given` holds, per approval rule, whose approvals count towards it (see
    `authority.approval.counting`); `agent` says that an agent pushed the revision. A check that
    did not run, or whose outcome is unknown, denies: it never counts as passed. Those that only
    advise decide nothing, whatever became of them.
    """
    advice = [check for check in checks if check.check in ADVISORY]
    checks = [check for check in checks if check.check not in ADVISORY]
    denials = [*_not_run(checks, expected), *_findings(policy, checks)]
    held = [r for r in policy.approvals if _holds(r, project, risk, origin, agent, checks)]
    rules = held + [
        rule
        for rule in _floor(policy)
        if _holds(rule, project, risk, origin, agent, checks)
        and not any(_covers(own, rule) for own in held)
    ]
    requirements = tuple(
        _requirement(rule, policy, risk, origin, agent, requirements_given.get(rule.name, ()))
        for rule in rules
    )
    if denials:
        reasons = _shortened(denials)
        kind = VerdictKind.DENIED
    elif missing := [_missing(one, policy) for one in requirements if one.missing]:
        reasons = tuple(missing)
        kind = VerdictKind.NEEDS_APPROVALS
    else:
        reasons = (*_allowed(policy, checks, requirements), *_advised(advice))
        kind = VerdictKind.ALLOWED
    return Verdict(kind, reasons, risk, requirements, policy.digest)


def _floor(policy: Policy) -> tuple[ApprovalRule, ...]:
    """Rules that hold whatever the policy says, as without them it could be changed by anyone."""
    return tuple(rule for rule in FLOOR if rule.name not in {own.name for own in policy.approvals})


def _covers(own: ApprovalRule, floor: ApprovalRule) -> bool:
    """Whether a rule of the policy asks for what the floor asks for, or for more."""
    narrow = not floor.groups or (bool(own.groups) and set(own.groups) <= set(floor.groups))
    return own.count >= floor.count and narrow


def rules_of(policy: Policy) -> tuple[ApprovalRule, ...]:
    """Every rule that can ask for approvals: those of the policy, and the floor below them."""
    return (*policy.approvals, *_floor(policy))


def blocking(policy: Policy, finding: Finding) -> bool:
    """Whether a finding is bad and sure enough to deny.

    What the policy says of dependencies is already in their severity: `deny` makes it high, and
    then it denies whatever `deny-from` says of findings in code.
    """
    if finding.rule.startswith(_DEPENDENCY) and finding.severity >= Severity.HIGH:
        return True
    if not finding.is_complete:
        # Something on the way of the data was assumed: that asks a human, and denies nothing.
        return False
    return finding.severity >= policy.deny_from and finding.confidence >= policy.deny_confidence


def place(finding: Finding) -> str:
    """`path:line:column` of a finding, safe to print."""
    path = _printable(finding.span.path)
    if finding.span.line < 1:
        return path
    column = f":{finding.span.column}" if finding.span.column > 1 else ""
    return f"{path}:{finding.span.line}{column}"


def sentence(finding: Finding) -> str:
    """A finding as a person reads it: place, cause, remedy."""
    cwe = f", CWE-{finding.cwe}" if finding.cwe else ""
    what = _stopped(finding.message) or _stopped(finding.title)
    said = f"{place(finding)}: {what} {_stopped(finding.remedy)}".strip()
    return f"{said} ({finding.rule}, {finding.severity.word}{cwe})"


def _not_run(checks: Sequence[CheckResult], expected: Sequence[str]) -> list[str]:
    reasons: list[str] = []
    for check in checks:
        because = f": {_stopped(check.reason)}" if check.reason else "."
        if check.outcome is Outcome.NOT_RUN:
            reasons.append(
                f"The check {check.check} did not run, and not run is not passed{because} "
                "Mend the cause, then inspect the change again."
            )
        elif check.outcome is Outcome.UNKNOWN:
            reasons.append(
                f"The check {check.check} came to no result, and unknown is not passed{because} "
                "Mend the cause, then inspect the change again."
            )
        elif check.outcome is Outcome.FAILED and not check.findings:
            reasons.append(f"The check {check.check} failed{because}")
    present = {check.check for check in checks}
    reasons += [
        f"The check {name} has no result, and not run is not passed. Inspect the change again."
        for name in expected
        if name not in present
    ]
    return reasons


def _findings(policy: Policy, checks: Sequence[CheckResult]) -> list[str]:
    found = [f for check in checks for f in check.findings if blocking(policy, f)]
    found.sort(key=lambda f: (-f.severity, -f.confidence, f.span.path, f.span.line, f.rule))
    return [sentence(finding) for finding in found]


def _holds(
    rule: ApprovalRule,
    project: str,
    risk: Risk,
    origin: Origin,
    agent: bool,
    checks: Sequence[CheckResult],
) -> bool:
    if rule.projects and not name_matches(project, rule.projects):
        return False
    if rule.classes and not any(name_matches(name, rule.classes) for name in risk.classes):
        return False
    kinds = {origin.kind.value} | ({OriginKind.AI.value} if agent else set[str]())
    if rule.origins and not kinds & set(rule.origins):
        return False
    if rule.tier and risk.tier < RiskTier[rule.tier.upper()]:
        return False
    return not rule.dependencies or any(
        unapproved_package(finding.rule) for check in checks for finding in check.findings
    )


def _requirement(
    rule: ApprovalRule,
    policy: Policy,
    risk: Risk,
    origin: Origin,
    agent: bool,
    given: tuple[PrincipalId, ...],
) -> Requirement:
    because: list[str] = []
    if rule.classes:
        names = [name for name in risk.classes if name_matches(name, rule.classes)]
        because.append(f"touches {', '.join(names)}")
    if rule.origins:
        because.append(_by(origin, agent))
    if rule.tier:
        because.append(f"has {risk.tier.word} risk")
    if rule.dependencies:
        because.append("adds a dependency that nobody approved")
    if not because:
        because.append("is a change to a project of this rule" if rule.projects else "is a change")
    return Requirement(rule.name, rule.count, rule.groups, f"it {_joined(because)}", given)


def _by(origin: Origin, agent: bool) -> str:
    tool = f" ({origin.tool})" if origin.tool else ""
    match origin.kind:
        case OriginKind.AI:
            return f"was written by AI{tool}"
        case OriginKind.MIXED:
            return f"was written partly by AI{tool}"
        case OriginKind.UNKNOWN:
            return "was pushed by an agent" if agent else "is of unknown origin"
        case OriginKind.AUTOMATION:
            return f"was written by automation{tool}"
        case OriginKind.HUMAN:
            return "was pushed by an agent" if agent else "was written by a human"


def _missing(one: Requirement, policy: Policy) -> str:
    more = " more" if one.given else ""
    plural = "" if one.missing == 1 else "s"
    if not one.groups:
        who = "a human who had no part in it" if one.missing == 1 else "humans without a part in it"
    else:
        who = f"{'the group' if len(one.groups) == 1 else 'the groups'} {' or '.join(one.groups)}"
    said = f"{one.missing}{more} approval{plural} by {who} needed: {one.reason} (rule {one.rule})."
    members = {name for group in one.groups for name in policy.groups.get(group, ())}
    if one.groups and len(members) < one.count:
        has = "nobody" if not members else f"only {', '.join(sorted(members))}"
        said += (
            f" In {' and '.join(one.groups)} there is {has} so far: add people under [groups] in "
            "policy.toml of the policy project."
        )
    elif members:
        said += f" May be asked: {', '.join(sorted(members))}."
    return said


def _allowed(
    policy: Policy, checks: Sequence[CheckResult], requirements: Sequence[Requirement]
) -> tuple[str, ...]:
    reasons: list[str] = []
    findings = [finding for check in checks for finding in check.findings]
    if findings:
        reasons.append(
            f"{len(findings)} finding{'' if len(findings) == 1 else 's'} below what denies "
            f"({policy.deny_from.word} severity)."
        )
        reasons += [sentence(finding) for finding in findings[:MOST_REASONS]]
    else:
        reasons.append("Every check passed without a finding.")
    for one in requirements:
        plural = "" if one.count == 1 else "s"
        reasons.append(f"The rule {one.rule} has its {one.count} approval{plural}.")
    return tuple(reasons)


def _advised(advice: Sequence[CheckResult]) -> list[str]:
    """What those say that only advise."""
    return [
        f"The {check.check}, which only advises, has {len(check.findings)} "
        f"finding{'' if len(check.findings) == 1 else 's'}."
        for check in advice
        if check.findings
    ]


def _shortened(reasons: Sequence[str]) -> tuple[str, ...]:
    if len(reasons) <= MOST_REASONS:
        return tuple(reasons)
    rest = len(reasons) - MOST_REASONS
    return (*reasons[:MOST_REASONS], f"{rest} more like these stand on the page of the change.")


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _stopped(text: str) -> str:
    """Text as one printable line that ends like a sentence."""
    line = _printable(" ".join(text.split()))
    return line if not line or line[-1] in ".!?…" else f"{line}."


def _printable(text: str) -> str:
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
