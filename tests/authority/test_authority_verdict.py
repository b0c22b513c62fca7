"""Risk, verdict and approvals: the story of changes under the default policy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.authority.approval import counting, may_approve, valid
from headgate.authority.policy import default_policy_files
from headgate.authority.risk import assess, classes_of
from headgate.authority.verdict import EXPECTED, decide, rules_of
from headgate.model.config import ApprovalRule, PathClass, Policy, ProjectConfig
from headgate.model.finding import CheckResult, Confidence, Finding, Outcome, Severity, Span
from headgate.model.ids import ApprovalId, ChangeNumber, Commit, PrincipalId
from headgate.model.origin import Grade, Origin, OriginKind
from headgate.model.principal import Principal, PrincipalKind
from headgate.model.project import Context
from headgate.model.toml.policy_file import parse_policy
from headgate.model.verdict import (
    Approval,
    ApprovalBinding,
    Risk,
    RiskTier,
    Verdict,
    VerdictKind,
)

HUMAN = Origin(OriginKind.HUMAN, Grade.C)
AI = Origin(OriginKind.AI, Grade.A, "Claude Code")
UNKNOWN = Origin(OriginKind.UNKNOWN)
GRACE = PrincipalId(2)
ALAN = PrincipalId(3)

DEFAULT = parse_policy(default_policy_files())
POLICY = replace(DEFAULT, groups={"security": ("grace", "alan"), "admins": (), "maintainers": ()})
CONFIG = ProjectConfig(classes=(PathClass("critical.auth", ("src/auth/**",)),))
CLEAN = tuple(CheckResult(name, Outcome.PASSED) for name in EXPECTED)


def finding(
    severity: Severity = Severity.HIGH,
    confidence: Confidence = Confidence.HIGH,
    path: str = "src/run.py",
    rule: str = "python/shell-injection",
) -> Finding:
    return Finding(
        rule,
        "Shell injection",
        "`name` reaches a shell",
        "Pass a list of arguments instead",
        severity,
        confidence,
        Span(path, 12, 5),
        cwe=78,
    )


def failed(*findings: Finding, check: str = "source") -> tuple[CheckResult, ...]:
    others = tuple(one for one in CLEAN if one.check != check)
    return (*others, CheckResult(check, Outcome.FAILED, findings=findings))


def risk_of(
    touched: tuple[str, ...] = ("src/run.py",),
    origin: Origin = HUMAN,
    added: int = 5,
    checks: tuple[CheckResult, ...] = CLEAN,
    config: ProjectConfig = CONFIG,
    proposed: ProjectConfig | None = None,
) -> Risk:
    return assess(
        config=config,
        policy=POLICY,
        touched=touched,
        added=added,
        deleted=0,
        origin=origin,
        agent=False,
        checks=checks,
        proposed=proposed,
    )


def verdict_of(
    touched: tuple[str, ...] = ("src/run.py",),
    origin: Origin = HUMAN,
    checks: tuple[CheckResult, ...] = CLEAN,
    policy: Policy = POLICY,
    project: str = "jinja",
    approvers: dict[PrincipalId, frozenset[str]] | None = None,
    agent: bool = False,
    added: int = 5,
) -> Verdict:
    return decide(
        policy=policy,
        project=project,
        risk=risk_of(touched, origin, added, checks),
        origin=origin,
        checks=checks,
        requirements_given=counting(rules_of(policy), approvers or {}),
        agent=agent,
    )


# ---- risk --------------------------------------------------------------------------------------


def test_a_small_change_has_low_risk_whoever_wrote_it() -> None:
    assert risk_of() == Risk(RiskTier.LOW, ())
    assert risk_of(origin=AI) == Risk(RiskTier.LOW, ("was written by AI (Claude Code)",))


def test_what_raises_risk() -> None:
    critical = risk_of(("src/auth/token.py",))
    assert (critical.tier, critical.classes) == (RiskTier.HIGH, ("critical.auth",))
    assert critical.factors == ("touches critical.auth",)
    assert risk_of(("src/auth/token.py",), AI).tier is RiskTier.CRITICAL
    assert risk_of(("headgate.toml",)).tier is RiskTier.MODERATE
    assert risk_of(("headgate.toml",), AI).tier is RiskTier.HIGH
    large = risk_of(added=400)
    assert large.factors == ("is large (400 lines added, 0 deleted)",)
    assert large.tier is RiskTier.MODERATE
    found = risk_of(checks=failed(finding(Severity.MEDIUM), finding(Severity.MEDIUM)))
    assert found.factors == ("introduces 2 findings of medium severity",)
    assert risk_of(checks=failed(finding(Severity.CRITICAL))).tier is RiskTier.CRITICAL
    unseen = risk_of(checks=(CheckResult("source", Outcome.NOT_RUN),))
    assert (unseen.tier, unseen.factors) == (RiskTier.HIGH, ("was not examined by source",))
    package = failed(finding(Severity.LOW, rule="dependency/unapproved"), check="dependencies")
    assert risk_of(checks=package).factors == ("adds a dependency that nobody approved",)


def test_an_experimental_project_is_less_at_stake_but_not_where_it_is_critical() -> None:
    experimental = replace(CONFIG, context=Context.EXPERIMENTAL)
    assert risk_of(added=400, config=experimental).tier is RiskTier.LOW
    assert risk_of(("src/auth/x",), config=experimental).tier is RiskTier.HIGH


def test_no_change_lowers_its_own_risk() -> None:
    lax = ProjectConfig(context=Context.EXPERIMENTAL)
    assert risk_of(("src/auth/x",), proposed=lax).classes == ("critical.auth",)
    assert risk_of(added=400, proposed=lax).tier is RiskTier.MODERATE
    stricter = ProjectConfig(classes=(PathClass("critical.new", ("src/",)),))
    assert risk_of(("src/auth/x",), proposed=stricter).classes == ("critical.auth", "critical.new")
    assert classes_of(CONFIG, stricter, "src/x") == ("critical.new",)


PATHS = st.sampled_from(["src/a.py", "src/auth/a.py", "headgate.toml", "docs/x.md"])
FINDINGS = st.builds(finding, st.sampled_from(Severity), st.sampled_from(Confidence))


@given(
    touched=st.lists(PATHS, max_size=3).map(tuple),
    more=PATHS,
    added=st.integers(0, 1000),
    findings=st.lists(FINDINGS, max_size=3),
    extra=FINDINGS,
    origin=st.sampled_from([HUMAN, AI, UNKNOWN]),
)
def test_more_never_means_less_risk(
    touched: tuple[str, ...],
    more: str,
    added: int,
    findings: list[Finding],
    extra: Finding,
    origin: Origin,
) -> None:
    before = risk_of(touched, origin, added, failed(*findings))
    assert risk_of((*touched, more), origin, added, failed(*findings)).tier >= before.tier
    assert risk_of(touched, origin, added + 500, failed(*findings)).tier >= before.tier
    assert risk_of(touched, origin, added, failed(*findings, extra)).tier >= before.tier
    assert risk_of(touched, AI, added, failed(*findings)).tier >= before.tier
    assert bool(before.factors) or before.tier is RiskTier.LOW


# ---- verdict -----------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [HUMAN, AI, UNKNOWN])
def test_an_innocent_change_is_allowed(origin: Origin) -> None:
    verdict = verdict_of(origin=origin)
    assert verdict.kind is VerdictKind.ALLOWED
    assert verdict.reasons == ("Every check passed without a finding.",)
    assert verdict.policy == POLICY.digest


def test_a_finding_denies_with_place_cause_and_remedy() -> None:
    verdict = verdict_of(checks=failed(finding()))
    assert verdict.kind is VerdictKind.DENIED
    assert verdict.reasons == (
        "src/run.py:12:5: `name` reaches a shell. Pass a list of arguments instead. "
        "(python/shell-injection, high, CWE-78)",
    )


@pytest.mark.parametrize(
    ("severity", "confidence", "kind"),
    [
        (Severity.HIGH, Confidence.MEDIUM, VerdictKind.DENIED),
        (Severity.CRITICAL, Confidence.MEDIUM, VerdictKind.DENIED),
        (Severity.HIGH, Confidence.LOW, VerdictKind.ALLOWED),
        (Severity.MEDIUM, Confidence.HIGH, VerdictKind.ALLOWED),
    ],
)
def test_how_bad_and_how_sure_both_count(
    severity: Severity, confidence: Confidence, kind: VerdictKind
) -> None:
    verdict = verdict_of(checks=failed(finding(severity, confidence)))
    assert verdict.kind is kind
    assert "src/run.py:12:5" in " ".join(verdict.reasons)


def test_an_agents_unapproved_package_is_denied_even_by_a_lax_policy() -> None:
    lax = replace(POLICY, deny_from=Severity.CRITICAL)
    package = failed(finding(rule="dependency/unapproved"), check="dependencies")
    assert verdict_of(checks=package, policy=lax).kind is VerdictKind.DENIED
    assert verdict_of(checks=failed(finding()), policy=lax).kind is VerdictKind.ALLOWED


@pytest.mark.parametrize("outcome", [Outcome.NOT_RUN, Outcome.UNKNOWN])
@pytest.mark.parametrize("name", EXPECTED)
def test_not_run_is_not_passed(outcome: Outcome, name: str) -> None:
    others = tuple(one for one in CLEAN if one.check != name)
    verdict = verdict_of(checks=(*others, CheckResult(name, outcome, "ruff is not installed")))
    assert verdict.kind is VerdictKind.DENIED
    assert f"The check {name} " in verdict.reasons[0]
    assert "is not passed: ruff is not installed. Mend the cause" in verdict.reasons[0]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_check_without_a_result_was_not_run(name: str) -> None:
    verdict = verdict_of(checks=tuple(one for one in CLEAN if one.check != name))
    assert verdict.kind is VerdictKind.DENIED
    assert verdict.reasons == (
        f"The check {name} has no result, and not run is not passed. Inspect the change again.",
    )


def test_a_check_that_failed_without_saying_why_denies() -> None:
    verdict = verdict_of(checks=failed())
    assert (verdict.kind, verdict.reasons) == (VerdictKind.DENIED, ("The check source failed.",))


def test_very_many_findings_are_shortened() -> None:
    verdict = verdict_of(checks=failed(*(finding(path=f"a{i:03}.py") for i in range(50))))
    assert len(verdict.reasons) == 21
    assert verdict.reasons[-1] == "30 more like these stand on the page of the change."


def test_weird_file_names_are_safe_to_read() -> None:
    nasty = "a\n\x1b[31m\udcff"
    verdict = verdict_of(checks=failed(replace(finding(path=nasty), message=nasty)))
    assert verdict.reasons[0].isprintable()
    broken = (*CLEAN[1:], CheckResult("configuration", Outcome.NOT_RUN, nasty))
    assert verdict_of(checks=broken).reasons[0].isprintable()


def test_an_agents_critical_change_waits_for_the_named_group() -> None:
    touched = ("src/auth/token.py",)
    verdict = verdict_of(touched, AI)
    assert verdict.kind is VerdictKind.NEEDS_APPROVALS
    assert {r.rule: r.missing for r in verdict.requirements} == {
        "critical-by-agent": 1,
        "high-risk-by-agent": 1,
    }
    assert verdict.reasons[0] == (
        "1 approval by the group security needed: it touches critical.auth and was written by AI "
        "(Claude Code) (rule critical-by-agent). May be asked: alan, grace."
    )
    outsider = verdict_of(touched, AI, approvers={ALAN: frozenset()})
    assert [r.rule for r in outsider.requirements if r.missing] == ["critical-by-agent"]
    approved = verdict_of(touched, AI, approvers={GRACE: frozenset({"security"})})
    assert approved.kind is VerdictKind.ALLOWED
    assert "The rule critical-by-agent has its 1 approval." in approved.reasons


def test_a_group_without_members_is_told() -> None:
    verdict = verdict_of(("src/auth/token.py",), AI, policy=DEFAULT)
    assert "In security there is nobody so far: add people under [groups]" in verdict.reasons[0]


def test_a_humans_critical_change_needs_nobody_by_default() -> None:
    assert verdict_of(("src/auth/token.py",), HUMAN).kind is VerdictKind.ALLOWED
    assert verdict_of(("src/auth/token.py",), UNKNOWN).kind is VerdictKind.NEEDS_APPROVALS
    pushed = verdict_of(("src/auth/token.py",), HUMAN, agent=True)
    assert pushed.kind is VerdictKind.NEEDS_APPROVALS


def test_the_policy_itself_is_approved_by_an_administrator() -> None:
    verdict = verdict_of(("policy.toml",), HUMAN, project="policy")
    assert [r.rule for r in verdict.requirements] == ["policy"]


def test_denial_comes_before_approvals_and_both_are_kept() -> None:
    verdict = verdict_of(("src/auth/token.py",), AI, failed(finding()))
    assert verdict.kind is VerdictKind.DENIED
    assert [r.rule for r in verdict.requirements] == ["critical-by-agent", "high-risk-by-agent"]


def test_a_rule_about_new_packages_and_one_about_everything() -> None:
    rules = (
        ApprovalRule("packages", 2, dependencies=True),
        ApprovalRule("all", 1, groups=("security", "admins")),
    )
    policy = replace(POLICY, approvals=rules)
    package = failed(finding(Severity.LOW, rule="dependency/unapproved"), check="dependencies")
    verdict = verdict_of(checks=package, policy=policy, approvers={GRACE: frozenset()})
    assert verdict.reasons == (
        "1 more approval by a human who had no part in it needed: it adds a dependency that nobody "
        "approved (rule packages).",
        "1 approval by the groups security or admins needed: it is a change (rule all). May be "
        "asked: alan, grace.",
    )
    assert [r.rule for r in verdict_of(policy=policy).requirements] == ["all"]


@given(
    touched=st.lists(PATHS, max_size=3).map(tuple),
    origin=st.sampled_from([HUMAN, AI, UNKNOWN]),
    findings=st.lists(FINDINGS, max_size=3),
    approvers=st.dictionaries(
        st.sampled_from([GRACE, ALAN]), st.frozensets(st.sampled_from(["security", "admins"]))
    ),
    dropped=st.sets(st.sampled_from(EXPECTED), max_size=1),
)
def test_what_holds_for_every_verdict(
    touched: tuple[str, ...],
    origin: Origin,
    findings: list[Finding],
    approvers: dict[PrincipalId, frozenset[str]],
    dropped: set[str],
) -> None:
    checks = tuple(one for one in failed(*findings) if one.check not in dropped)
    verdict = verdict_of(touched, origin, checks, approvers=approvers)
    assert verdict.reasons
    assert all(reason.isprintable() for reason in verdict.reasons)
    if verdict.kind is VerdictKind.ALLOWED:
        assert not dropped
        assert not any(r.missing for r in verdict.requirements)
    if verdict.kind is VerdictKind.NEEDS_APPROVALS:
        everyone = {GRACE: frozenset({"security", "admins"})}
        assert verdict_of(touched, origin, checks, approvers=everyone).kind is VerdictKind.ALLOWED


# ---- approvals ---------------------------------------------------------------------------------


def principal(
    number: int, kind: PrincipalKind = PrincipalKind.HUMAN, email: str = "", disabled: bool = False
) -> Principal:
    return Principal(PrincipalId(number), f"p{number}", kind, "", email, None, disabled)


def why_not(approver: Principal) -> str:
    return may_approve(
        approver=approver,
        authors=frozenset({PrincipalId(1)}),
        author_emails=frozenset({"Ada@Example.org", ""}),
        sponsors=frozenset({PrincipalId(2)}),
    )


def test_who_may_approve() -> None:
    assert why_not(principal(9)) == ""
    assert "Nobody approves a change of their own" in why_not(principal(1))
    assert "An agent that you sponsor wrote it" in why_not(principal(2))
    assert "p9 is an agent" in why_not(principal(9, PrincipalKind.AGENT))
    assert "p9 is a service" in why_not(principal(9, PrincipalKind.SERVICE))
    assert "p9 is disabled" in why_not(principal(9, disabled=True))
    assert "name ada@example.org as an author" in why_not(principal(9, email="ada@example.org"))


BINDING = ApprovalBinding(
    "jinja", ChangeNumber(4), "main", Commit("a" * 40), Commit("b" * 40), "policy"
)
APPROVAL = Approval(ApprovalId(1), GRACE, BINDING, 1.0)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (BINDING, ""),
        (replace(BINDING, head=Commit("c" * 40)), "it was given for bbbbbbbbbb"),
        (replace(BINDING, base=Commit("c" * 40)), "it was given on top of aaaaaaaaaa"),
        (replace(BINDING, policy="new"), "the policy has changed"),
        (replace(BINDING, branch="stable"), "another change"),
        (replace(BINDING, change=ChangeNumber(5)), "another change"),
        (replace(BINDING, project="other"), "another change"),
    ],
)
def test_an_approval_is_for_one_exact_thing(now: ApprovalBinding, why: str) -> None:
    assert why in valid(APPROVAL, now)
    assert bool(valid(APPROVAL, now)) == bool(why)


def test_a_void_approval_stays_void() -> None:
    assert valid(replace(APPROVAL, void="a new revision was pushed"), BINDING) == (
        "a new revision was pushed"
    )


def test_whose_approvals_count_towards_what() -> None:
    rules = [ApprovalRule("any", 1), ApprovalRule("sec", 1, groups=("security", "admins"))]
    approvers = {ALAN: frozenset({"admins"}), GRACE: frozenset({"docs"})}
    assert counting(rules, approvers) == {"any": (GRACE, ALAN), "sec": (ALAN,)}


def test_a_review_only_advises() -> None:
    gravest = replace(finding(), severity=Severity.CRITICAL, confidence=Confidence.HIGH)
    before = verdict_of()
    for review in (
        CheckResult("review", Outcome.FAILED, findings=(gravest,)),
        CheckResult("review", Outcome.NOT_RUN, "it is down"),
        CheckResult("review", Outcome.UNKNOWN, "not all of it was shown"),
    ):
        after = verdict_of(checks=(*CLEAN, review))
        assert (after.kind, after.risk, after.requirements) == (
            before.kind, before.risk, before.requirements,
        )  # fmt: skip
    said = verdict_of(checks=(*CLEAN, CheckResult("review", Outcome.FAILED, "", (gravest,))))
    assert said.reasons[-1] == "The review, which only advises, has 1 finding."
    # It does not stand in for what must run, either.
    others = tuple(one for one in CLEAN if one.check != "source")
    assert verdict_of(checks=(*others, review)).kind is VerdictKind.DENIED
