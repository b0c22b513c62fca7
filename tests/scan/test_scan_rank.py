"""What is looked at first, why, and what is one defect though two tools tell of it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from headgate.model.finding import Confidence, Finding, Severity, Span, StepRole, TraceStep
from headgate.scan.agreement import families, joined
from headgate.scan.analyzers.interface import Hit
from headgate.scan.rank import Facts, Record, rank, shortlist

SQL = Finding(
    rule="python/sql-injection",
    title="SQL",
    message="",
    remedy="",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    span=Span("app.py", 5, 1, 5, 20),
    cwe=89,
    engines=("flow",),
)
TRACE = (
    TraceStep(Span("app.py", 2), "the query parameter id", StepRole.SOURCE),
    TraceStep(Span("app.py", 5), "the database runs it", StepRole.SINK),
)


def test_a_rank_prints_its_factors() -> None:
    found = rank(replace(SQL, trace=TRACE))
    assert found.score == 85
    assert found.words == (
        "85: high severity 40, whole trace 40, high confidence 25, rule without record 12, from "
        "outside 20, in production code 10, new 10"
    )


def test_each_reason_moves_the_rank_in_its_direction() -> None:
    plain = rank(SQL).score
    assert rank(replace(SQL, trace=TRACE)).score > plain
    assert (
        rank(replace(SQL, trace=TRACE, assumed=("x",))).score
        < rank(replace(SQL, trace=TRACE)).score
    )
    assert rank(replace(SQL, engines=("bandit", "flow"))).score > plain
    assert rank(replace(SQL, severity=Severity.LOW)).score < plain
    assert rank(replace(SQL, confidence=Confidence.LOW)).score < plain
    assert rank(replace(SQL, span=Span("tests/test_app.py", 5))).score < plain
    assert rank(SQL, Facts(record=Record(0, 9))).score < plain
    assert rank(SQL, Facts(record=Record(9, 0))).score > plain
    assert rank(SQL, Facts(production=False)).score < plain
    assert rank(SQL, Facts(new=False)).score < plain
    unreviewed, reviewed = (Facts(written_by_ai=True, reviewed=one) for one in (False, True))
    assert rank(SQL, unreviewed).score > rank(SQL, reviewed).score > plain


@given(
    st.sampled_from(Severity),
    st.sampled_from(Confidence),
    st.integers(0, 50),
    st.integers(0, 50),
    st.booleans(),
)
def test_a_rank_is_between_0_and_100(
    severity: Severity, sure: Confidence, confirmed: int, disputed: int, flag: bool
) -> None:
    facts = Facts(Record(confirmed, disputed), flag, flag, not flag, flag)
    assert 0 <= rank(replace(SQL, severity=severity, confidence=sure), facts).score <= 100


def test_five_are_shown_and_the_rest_is_backlog() -> None:
    many = [replace(SQL, span=Span("app.py", line)) for line in range(1, 8)]
    grave = replace(SQL, severity=Severity.CRITICAL, span=Span("z.py", 1))
    shown, backlog = shortlist([*many, grave])
    assert [one.span.line for one in shown] == [1, 1, 2, 3, 4]
    assert shown[0] is grave
    assert [one.span.line for one in backlog] == [5, 6, 7]


def test_two_tools_that_tell_of_one_defect_agree() -> None:
    bandit = replace(
        SQL, rule="bandit/B608", severity=Severity.MEDIUM, engines=("bandit",), trace=()
    )
    (one,) = joined([Hit(bandit), Hit(replace(SQL, trace=TRACE))])
    assert one.finding.rule == "python/sql-injection"
    assert one.finding.engines == ("bandit", "flow")


def test_other_places_other_kinds_and_the_same_tool_stay_apart() -> None:
    others = [
        replace(SQL, engines=("bandit",), span=Span("app.py", 6)),
        replace(SQL, engines=("bandit",), cwe=78),
        replace(SQL, rule="python/other"),
        replace(SQL, engines=("bandit",), span=Span("b.py", 5)),
    ]
    for other in others:
        assert len(joined([Hit(SQL), Hit(other)])) == 2


def test_related_weaknesses_are_one_family() -> None:
    assert families()[77] == families()[78]
    assert families()[89] != families()[79]
