"""What of an answer of the reviewer is taken, and whom it agrees with."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from review_endpoint import finding
from reviewer_story import POLICY, SHOWN, files

from headgate.model.finding import CheckResult, Confidence, Finding, Outcome, Severity, Span
from headgate.model.reviewer import ReviewerPolicy
from headgate.scan.agreement import agreed, merged
from headgate.scan.analyzers.interface import Analyzer
from headgate.scan.engine import Request, examine
from headgate.scan.reviewer.answer import Malformed, cwe_numbers, read_answer
from headgate.scan.reviewer.interface import (
    Line,
    Material,
    Piece,
)
from headgate.scan.reviewer.placing import placing
from headgate.scan.reviewer.sarif import findings_of, log_of


def read(*findings: Mapping[str, Any], policy: ReviewerPolicy = POLICY) -> Any:
    return read_answer(json.dumps({"findings": list(findings)}), SHOWN, policy)


def test_a_finding_points_at_what_was_shown_or_is_discarded_and_counted() -> None:
    answer = read(
        finding("app.py", 12, "call_12(user)"),
        finding("app.py", 12, "call_12(user)", severity="low"),
        finding("other.py", 1, "x = 1"),
        finding("app.py", 3, "call_3(user)"),
        finding("app.py", 11, "check(user)"),
        finding("app.py", 11, ""),
        finding("app.py", 11, "call_11(user)", cwe=999_999),
        finding("app.py", 11, "call_11(user)", cwe=264),
        finding("app.py", 13, "call_13(user)", title=" "),
    )
    assert [(one.path, one.line) for one in answer.claims] == [("app.py", 12)]
    assert answer.words == (
        "8 discarded: 1 about a file that was not shown, 1 about a line that was not shown, "
        "2 quoting code that is not there, 1 said twice, 2 with a CWE that does not exist, "
        "1 without a title or an explanation"
    )


def test_a_name_with_several_spaces_does_not_hide_a_file_from_the_reviewer() -> None:
    what = Material(pieces=(Piece("a  b.py", "changed", (Line(1, "+", "run(x)"),)),))
    text = json.dumps({"findings": [finding("a  b.py", 1, "run(x)")]})
    (claim,) = read_answer(text, what, POLICY).claims
    assert claim.path == "a  b.py"


def test_a_line_that_is_miscounted_is_found_by_its_quote() -> None:
    (claim,) = read(finding("app.py", 14, "  call_12(user)  ", end_line=15)).claims
    assert (claim.line, claim.end_line) == (12, 13)
    assert read(finding("app.py", 15, "call_10(user)")).claims == []


def test_at_most_so_many_and_none_that_is_too_unsure() -> None:
    policy = replace(POLICY, max_findings=2, min_confidence=Confidence.MEDIUM)
    answer = read(
        finding("app.py", 10, "call_10(user)", severity="low"),
        finding("app.py", 11, "call_11(user)", severity="critical"),
        finding("app.py", 12, "call_12(user)", severity="high", confidence="medium"),
        finding("app.py", 13, "call_13(user)", confidence="low"),
        policy=policy,
    )
    assert [one.line for one in answer.claims] == [11, 12]
    assert answer.discarded.total() == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no defects!", "it is not JSON"),
        ("[]", "the answer is no object"),
        ('{"findings": [], "approve": true}', "it must have `findings` and nothing else"),
        ('{"findings": {}}', "`findings` is no list"),
        ('{"findings": [1]}', "findings[0] is no object"),
        ('{"findings": [{}]}', "findings[0] lacks `code`"),
        (json.dumps({"findings": [finding("a", 1, "x", line="1")]}), "line is no whole number"),
        (json.dumps({"findings": [finding("a", 1, "x", line=True)]}), "line is no whole number"),
        (json.dumps({"findings": [finding("a", 1, "x", severity="bad")]}), "severity is none of"),
        (json.dumps({"findings": [finding("a", 1, "x", title=None)]}), "title is no string"),
        (json.dumps({"findings": [finding("a", 1, "x", suppress="b")]}), "has a strange `supp"),
        ('{"findings": [NaN]}', "it is not JSON"),
        ("[" * 100_000, "it is nested too deeply"),
        (json.dumps({"findings": [{}] * 300}), "it has 300 findings, and 200 are the most"),
    ],
)  # fmt: skip
def test_what_is_not_by_the_schema_is_no_answer(text: str, why: str) -> None:
    with pytest.raises(Malformed, match=why.replace("[", r"\[").replace("!", r"\!")):
        read_answer(text, SHOWN, POLICY)


def test_one_fence_round_the_answer_is_forgiven() -> None:
    text = json.dumps({"findings": [finding("app.py", 12, "call_12(user)")]})
    assert len(read_answer(f"```json\n{text}\n```", SHOWN, POLICY).claims) == 1


@settings(max_examples=20, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["findings", "path", "line", "cwe"]), inner, max_size=3
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_is_answered_is_an_answer_or_malformed(value: Any) -> None:
    with contextlib.suppress(Malformed):
        assert read_answer(json.dumps(value), SHOWN, POLICY).claims == []


def test_the_numbers_of_weaknesses_are_those_of_the_enumeration() -> None:
    numbers = cwe_numbers()
    assert len(numbers) == 944
    assert {22, 79, 89, 352, 862, 918, 1336, 1427} <= numbers
    assert not {0, 1, 16, 264, 1000, 1344} & numbers  # Categories and views are none.


def test_findings_enter_as_sarif_with_their_own_confidence_and_never_more() -> None:
    answer = read(
        finding("app.py", 12, "call_12(user)", cwe=639, title="A <b>title</b>", end_line=13),
        finding("r\u00e9sum\u00e9.py", 1, "pass_on(it)", severity="low", confidence="low"),
    )
    log = json.loads(log_of(answer.claims, POLICY))
    (run,) = log["runs"]
    assert run["tool"]["driver"]["name"] == "reviewer:scripted-1"
    assert run["results"][0]["ruleId"] == "cwe-639"
    one, other = findings_of(answer.claims, POLICY)
    assert (one.rule, one.cwe, one.severity, one.confidence) == (
        "reviewer/cwe-639", 639, Severity.HIGH, Confidence.MEDIUM,
    )  # fmt: skip
    assert one.engines == ("reviewer:scripted-1",)
    assert (one.span.line, one.span.end_line) == (12, 13)
    assert "nothing has proved it" in one.remedy
    assert other.span.path == "r\u00e9sum\u00e9.py"
    assert (other.severity, other.confidence) == (Severity.LOW, Confidence.LOW)


def test_a_finding_gets_the_columns_of_its_statement(tools: tuple[Analyzer, ...]) -> None:
    text = "def show():\n\tcall_it(\n\t\tuser,\n\t)  \n"
    one = Finding(
        "reviewer/cwe-862", "t", "m", "", Severity.HIGH, Confidence.LOW, Span("a.py", 2, 1, 4),
        862, "review", engines=("reviewer:m",),
    )  # fmt: skip
    request = placing([one], Request(files({"a.py": text, "b.py": "x = 1\n"})))
    assert [file.path for file in request.head] == ["a.py"]
    (found,) = examine(request, tools)[0].findings
    assert found.span == Span("a.py", 2, 2, 4, 3)
    assert found.excerpt == " call_it("
    assert found.identity


# -- agreement -------------------------------------------------------------------------------


def test_who_says_the_same_of_a_statement_agrees(tools: tuple[Analyzer, ...]) -> None:
    text = "def show(name):\n    run(\n        name,\n    )\n"
    theirs = Finding(
        "reviewer/cwe-77", "t", "m", "", Severity.HIGH, Confidence.MEDIUM, Span("a.py", 3),
        77, "review", engines=("reviewer:scripted-1",),
    )  # fmt: skip
    ours = replace(theirs, rule="python/x", span=Span("a.py", 2), cwe=78, engines=("flow",))
    elsewhere = replace(theirs, cwe=862)
    placed = [
        examine(Request(files({"a.py": text}), foreign=(one,)), tools)[0].findings[0]
        for one in (theirs, ours, elsewhere)
    ]
    advice = CheckResult("review", Outcome.FAILED, "", (placed[0], placed[2]))
    source = CheckResult("source", Outcome.FAILED, "", (placed[1],))
    both = ("flow", "reviewer:scripted-1")
    assert [one.engines for one in agreed(advice, [source]).findings] == [
        both, ("reviewer:scripted-1",)
    ]  # fmt: skip
    seen, rest = merged([source, advice], {"review"})
    assert [one.engines for one in seen.findings] == [both]
    assert [one.cwe for one in rest.findings] == [862]
    assert merged([source], {"review"}) == [source]
