"""`[[suppress]]` of the policy: who silences what, until when, and what is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headgate.model.errors import BadInput
from headgate.model.finding import CheckResult, Confidence, Finding, Outcome, Severity, Span
from headgate.model.suppression import Central, Suppression
from headgate.model.toml.policy_file import parse_policy
from headgate.model.tracked import FindingState
from headgate.scan.rules.central import check_rules
from headgate.server.flow.recording import next_state
from headgate.server.flow.silencing import without_silenced

FULL = """\
[groups]
security = ["dora"]

[[suppress]]
rule = ["python/sql-injection", "own/report"]
paths = ["legacy/**"]
projects = ["shop-*"]
until = 2027-01-31
owner = "security"
because = \"\"\"read-only replica,
  replaced in spring\"\"\"
"""


def parsed(text: str) -> tuple[Suppression, ...]:
    return parse_policy({"policy.toml": text.encode()}).suppressions


def day(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def found(rule: str = "python/sql-injection", path: str = "legacy/a.py") -> Finding:
    return Finding(
        rule, "t", "m", "r", Severity.HIGH, Confidence.HIGH, Span(path, 3), identity=rule + path
    )


def central(text: str = FULL, project: str = "shop-web", at: str = "2027-01-01") -> Central:
    return Central(parsed(text), project, day(at))


def test_a_suppression_says_what_why_who_and_until_when() -> None:
    (one,) = parsed(FULL)
    assert one.rules == ("python/sql-injection", "own/report")
    assert one.line == 4
    assert one.words == (
        "policy.toml:4: read-only replica, replaced in spring (until 2027-01-31) (owner security)"
    )
    check_rules([one])


@pytest.mark.parametrize(
    ("finding", "project", "wanted"),
    [
        (found(), "shop-web", True),
        (found("own/report"), "shop-web", True),
        (found("python/xss"), "shop-web", False),
        (found(path="src/a.py"), "shop-web", False),
        (found(), "bank", False),
    ],
)
def test_it_is_about_its_rules_in_its_paths_and_projects(
    finding: Finding, project: str, wanted: bool
) -> None:
    assert (central(project=project).silences(finding) is not None) is wanted


def test_its_last_day_counts_and_then_it_has_ended() -> None:
    for at, holds in (("2027-01-31T23:59:59", True), ("2027-02-01", False)):
        now = central(at=at)
        assert (now.silences(found()) is not None) is holds
        assert (now.lapsed(found()) is not None) is not holds
    # Another one that holds takes its place.
    both = FULL + FULL[FULL.index("[[suppress]]") :].replace("2027-01-31", "2027-06-30")
    later = central(both, at="2027-02-01")
    assert later.lapsed(found()) is None
    assert later.silences(found()) == parsed(both)[1]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('owner = "security"\n', "", "policy.toml:4: suppress[0]: has no `owner`"),
        ("until = 2027-01-31\n", "", "has no `until`"),
        ('rule = ["python/sql-injection", "own/report"]\n', "", "has no `rule`"),
        ('["python/sql-injection", "own/report"]', "[]", "policy.toml:5: suppress[0].rule"),
        ('owner = "security"', 'owner = " "', "policy.toml:9: suppress[0].owner: is empty"),
        ("2027-01-31", '"soon"', "a day such as 2026-12-31"),
        ('"legacy/**"', '"../x"', "the pattern `../x`"),
        ("owner =", "owners =", "has no `owner`"),
        ("projects =", "project =", "Did you mean `projects`?"),
    ],
)
def test_what_is_wrong_is_said_with_file_line_and_key(old: str, new: str, why: str) -> None:
    with pytest.raises(BadInput) as caught:
        parsed(FULL.replace(old, new))
    assert caught.value.message.startswith("policy.toml:")
    assert why in f"{caught.value.message} {caught.value.remedy}"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("python/sql-injektion", "there is no rule `python/sql-injektion`"),
        ("dependency/vulnerable", "findings on packages have exceptions"),
    ],
)
def test_a_rule_that_is_none_is_an_error_with_its_line(rule: str, why: str) -> None:
    with pytest.raises(BadInput, match=f"policy.toml:4: suppress.rule: {why}"):
        check_rules(parsed(FULL.replace("own/report", rule)))


def test_a_check_that_failed_for_nothing_else_has_passed_and_an_end_is_told() -> None:
    check = CheckResult("source", Outcome.FAILED, "1 finding", (found(),))
    (silent,) = without_silenced([check], {}, central())
    assert (silent.outcome, silent.findings) == (Outcome.PASSED, ())
    assert silent.reason == "1 finding silenced by the policy"
    (ended,) = without_silenced([check], {}, central(at="2028-01-01"))
    assert (ended.outcome, ended.findings) == (Outcome.FAILED, check.findings)
    assert ended.reason == (
        "1 finding; the suppression at policy.toml:4 has ended, its owner is security"
    )
    not_run = CheckResult("source", Outcome.NOT_RUN, "it crashed", (found(),))
    assert without_silenced([not_run], {}, central())[0].outcome is Outcome.NOT_RUN


def test_the_state_of_a_finding_follows_the_policy_and_the_day() -> None:
    state, reason = next_state(found(), FindingState.OPEN, None, central())
    assert state is FindingState.SUPPRESSED
    assert reason.startswith("policy.toml:4: read-only replica")
    state, reason = next_state(found(), state, None, central(at="2028-01-01"))
    assert (state, reason) == (FindingState.REOPENED, "")
