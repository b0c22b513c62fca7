"""What people and machines read of a report."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.errors import ExitCode
from headgate.model.finding import (
    CheckResult,
    Confidence,
    Finding,
    Outcome,
    Severity,
    Span,
    StepRole,
    TraceStep,
)
from headgate.scan.format import FORMATS, Report, by_name
from headgate.scan.format.sarif import as_object, uri
from headgate.scan.text import caret

DATA = Path(__file__).parents[1] / "data" / "sarif"
SCHEMA: dict[str, Any] = json.loads((DATA / "sarif-schema-2.1.0.json").read_text("utf-8"))


@functools.cache
def validator() -> Any:
    import jsonschema  # only who asks loads it: its grammar of addresses takes seconds

    return jsonschema.Draft4Validator(SCHEMA)


SHELL = Finding(
    rule="python/shell-injection",
    title="Shell command built from data",
    message="A shell runs this text.",
    remedy="Pass a list.",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    span=Span("src/app.py", 5, 15, 5, 27),
    cwe=78,
    check="source",
    excerpt='    os.system(f"ls {name}")',
    identity="0" * 32,
)
WEIRD = Finding(
    rule="secret/github-pat",
    title="Token",
    message="In a file, 100% real",
    remedy="",
    severity=Severity.LOW,
    confidence=Confidence.LOW,
    span=Span("a: b,\n\udcff é.py", 1),
    check="secrets",
)


def report(*results: CheckResult, base: str = "") -> Report:
    return Report(results, "/work", base, "1.2.3", files=3)


FULL = report(
    CheckResult("source", Outcome.FAILED, "1 finding", (SHELL,), 0.5, ("big.bin: binary",)),
    CheckResult("secrets", Outcome.FAILED, "1 finding", (WEIRD,)),
    CheckResult("dependencies", Outcome.NOT_RUN, "no network"),
    base="origin/main",
)


def test_text_shows_the_place_the_line_and_the_remedy() -> None:
    assert by_name("text")(FULL) == (
        "src/app.py:5:15: high [python/shell-injection] (CWE-78)\n"
        "  Shell command built from data. A shell runs this text.\n"
        '  5 |     os.system(f"ls {name}")\n'
        "    |               ^^^^^^^^^^^^\n"
        "  Remedy: Pass a list.\n"
        "\n"
        "a: b,\\n\\xff é.py:1:1: low [secret/github-pat], low confidence\n"
        "  Token. In a file, 100% real\n"
        "\n"
        "3 files examined against origin/main: 2 findings (1 high, 1 low). Checks: source found "
        "something, secrets found something, dependencies not run.\n"
        "dependencies not run: no network\n"
        "Not examined, 1 file: big.bin: binary.\n"
    )


def test_a_clean_report_says_what_ran() -> None:
    clean = report(CheckResult("source", Outcome.PASSED), CheckResult("secrets", Outcome.PASSED))
    assert by_name("text")(clean) == (
        "3 files examined: no findings. Checks: source passed, secrets passed.\n"
    )
    assert clean.exit_code is ExitCode.CLEAN


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.PASSED, ExitCode.CLEAN),
        (Outcome.FAILED, ExitCode.FINDINGS),
        (Outcome.NOT_RUN, ExitCode.NOT_RUN),
        (Outcome.UNKNOWN, ExitCode.NOT_RUN),
    ],
)
def test_only_passed_is_clean(outcome: Outcome, code: ExitCode) -> None:
    passed = CheckResult("source", Outcome.PASSED)
    assert report(passed, CheckResult("secrets", outcome)).exit_code is code


def test_json_is_one_object_with_every_check() -> None:
    found = json.loads(by_name("json")(FULL))
    assert found["ok"] is False
    assert found["exit_code"] == 3
    assert [check["outcome"] for check in found["checks"]] == ["failed", "failed", "not run"]
    finding = found["checks"][0]["findings"][0]
    assert (finding["path"], finding["line"], finding["column"]) == ("src/app.py", 5, 15)
    assert found["checks"][1]["findings"][0]["path"] == "a: b,\\n\\xff é.py"


def test_sarif_follows_the_published_schema() -> None:
    log = json.loads(by_name("sarif")(FULL))
    validator().validate(log)
    run = log["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [
        "python/shell-injection",
        "secret/github-pat",
    ]
    location = run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == "a%3A%20b%2C%0A%FF%20%C3%A9.py"
    validator().validate(json.loads(by_name("sarif")(report())))


def test_workflow_commands_escape_what_is_theirs() -> None:
    lines = by_name("github")(FULL).splitlines()
    assert lines[0] == (
        "::error file=src/app.py,line=5,col=15,endLine=5,endColumn=27,"
        "title=Shell command built from data (python/shell-injection)"
        "::A shell runs this text.%0ARemedy: Pass a list."
    )
    assert lines[1].startswith("::notice file=a%3A b%2C%0A\N{REPLACEMENT CHARACTER} é.py,line=1")
    assert "100%25 real" in lines[1]
    assert lines[2] == "::error title=Headgate%3A dependencies not run::no network"


TRACED = replace(
    SHELL,
    rule="python/sql-injection",
    cwe=89,
    identity="1" * 32,
    trace=(
        TraceStep(
            Span("src/web.py", 3, 10, 3, 27),
            "the query parameter id comes from the request",
            StepRole.SOURCE,
            '    find(request.args["id"])',
        ),
        TraceStep(Span("src/app.py", 4, 11), "find is called with it"),
        TraceStep(Span("src/app.py", 5, 15, 5, 27), "the database runs it", StepRole.SINK),
    ),
    assumed=("`cursor` is a sqlite3.Cursor",),
    engines=("bandit", "flow"),
)
ALLOWED = replace(SHELL, identity="2" * 32, allowed="the text is constant (until 2027-01-01)")
STORY = report(
    CheckResult("source", Outcome.FAILED, "", (TRACED, ALLOWED), 0.5, ("a/b.py: cut off",))
)


def test_text_shows_the_way_of_the_data_and_what_was_assumed() -> None:
    assert by_name("text")(STORY) == (
        "src/app.py:5:15: high [python/sql-injection] (CWE-89)\n"
        "  Shell command built from data. A shell runs this text.\n"
        '  5 |     os.system(f"ls {name}")\n'
        "    |               ^^^^^^^^^^^^\n"
        "  The way of the data:\n"
        "    1. src/web.py:3: the query parameter id comes from the request (source)\n"
        '       3 |     find(request.args["id"])\n'
        "    2. src/app.py:4: find is called with it (step)\n"
        "    3. src/app.py:5: the database runs it (sink)\n"
        "  Assumed: `cursor` is a sqlite3.Cursor\n"
        "  2 analyzers agree: bandit, flow.\n"
        "  Remedy: Pass a list.\n"
        "\n"
        "3 files examined: 1 finding (1 high). Checks: source found something.\n"
        "Allowed by comments, 1 finding:\n"
        "  src/app.py:5: [python/shell-injection] because the text is constant (until\n"
        "  2027-01-01)\n"
        "Not examined, 1 file: a/b.py: cut off.\n"
    ).replace("(until\n  2027-01-01)", "(until 2027-01-01)")


def test_sarif_carries_the_trace_the_weakness_and_what_was_cut_off() -> None:
    log = json.loads(by_name("sarif")(STORY))
    validator().validate(log)
    run = log["runs"][0]
    first, second = run["results"]
    steps = first["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["kinds"] for step in steps] == [["source"], ["step"], ["sink"]]
    assert steps[0]["location"]["physicalLocation"]["artifactLocation"]["uri"] == "src/web.py"
    assert steps[0]["location"]["message"]["text"].startswith("the query parameter id")
    tags = run["tool"]["driver"]["rules"][0]["properties"]["tags"]
    assert tags == ["security", "CWE-89", "external/cwe/cwe-089"]
    assert second["suppressions"][0]["justification"] == ALLOWED.allowed
    assert "suppressions" not in first
    assert 0 < first["rank"] <= 100
    note = run["invocations"][0]["toolExecutionNotifications"][0]
    assert note["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a/b.py"
    assert note["message"]["text"] == "Not examined: a/b.py: cut off"


def test_sarif_has_every_way_and_what_was_examined_in_part() -> None:
    several = replace(TRACED, ways=(TRACED.trace[1:], TRACED.trace))
    reduced = ("src/a b.py: the analysis of f was cut off",)
    found = CheckResult("source", Outcome.FAILED, "", (several,), 0.5, (), reduced)
    log = json.loads(by_name("sarif")(report(found)))
    validator().validate(log)
    flows = log["runs"][0]["results"][0]["codeFlows"]
    assert [len(one["threadFlows"][0]["locations"]) for one in flows] == [3, 2, 3]
    (note,) = log["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert note["descriptor"]["id"] == "examined-in-part"
    assert note["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "src/a%20b.py"
    assert note["message"]["text"] == f"Examined in part: {reduced[0]}"
    assert "Another way, of 2 steps, from" in by_name("text")(report(found))
    assert "Examined in part, 1 file: src/a b.py" in by_name("text")(report(found))
    assert json.loads(by_name("json")(report(found)))["checks"][0]["reduced"] == list(reduced)


def test_json_has_the_trace_and_the_reasons_of_the_rank() -> None:
    found = json.loads(by_name("json")(STORY))["checks"][0]["findings"]
    assert [step["role"] for step in found[0]["trace"]] == ["source", "step", "sink"]
    assert found[0]["engines"] == ["bandit", "flow"]
    assert {factor["name"] for factor in found[0]["rank"]["factors"]} >= {"severity", "trace"}
    assert found[1]["allowed"] == ALLOWED.allowed


def test_junit_has_a_case_per_check_and_finding() -> None:
    suites = ElementTree.fromstring(by_name("junit")(STORY))
    assert suites.attrib == {"name": "Headgate", "tests": "3", "failures": "1", "errors": "0"}
    cases = suites.findall("testsuite/testcase")
    assert [case.get("name") for case in cases] == [
        "ran",
        "python/sql-injection src/app.py:5",
        "python/shell-injection src/app.py:5",
    ]
    failure = cases[1].find("failure")
    assert failure is not None
    assert "src/web.py:3: the query parameter id" in (failure.text or "")
    assert cases[2].find("skipped") is not None
    not_run = ElementTree.fromstring(by_name("junit")(FULL))
    error = not_run.find("testsuite[@name='dependencies']/testcase/error")
    assert error is not None
    assert error.attrib == {"type": "not run", "message": "no network"}


def test_html_is_one_file_that_loads_and_runs_nothing() -> None:
    hostile = replace(TRACED, message="<script>alert(1)</script>", excerpt="<img src=x>")
    page = by_name("html")(report(CheckResult("source", Outcome.FAILED, "", (hostile,))))
    assert "<script" not in page
    assert "<img" not in page
    assert "src=" not in page.replace("src=x", "")
    assert "the query parameter id comes from the request" in page
    assert "default-src 'none'" in page
    assert "Rank 8" in page


texts = st.text(max_size=30)
findings = st.builds(
    Finding,
    rule=st.text(alphabet="abc/-", min_size=1, max_size=8),
    title=texts,
    message=texts,
    remedy=texts,
    severity=st.sampled_from(Severity),
    confidence=st.sampled_from(Confidence),
    span=st.builds(
        Span,
        st.binary(min_size=1, max_size=9).map(lambda b: b.decode("utf-8", "surrogateescape")),
        st.integers(0, 99),
        st.integers(0, 99),
        st.integers(0, 99),
        st.integers(0, 99),
    ),
    cwe=st.none() | st.integers(1, 999),
    excerpt=texts,
    identity=st.just("") | st.just("f" * 32),
    trace=st.lists(
        st.builds(
            TraceStep,
            st.builds(Span, texts, st.integers(0, 9), st.integers(0, 9)),
            texts,
            st.sampled_from(StepRole),
            texts,
        ),
        max_size=2,
    ).map(tuple),
    assumed=st.lists(texts, max_size=2).map(tuple),
    allowed=texts,
)


@given(st.lists(findings, max_size=4))
def test_every_format_survives_every_finding(some: list[Finding]) -> None:
    one = report(CheckResult("source", Outcome.FAILED, "", tuple(some), 0.1, ("x\udc80: binary",)))
    for name in FORMATS:
        by_name(name)(one).encode("utf-8")
    ElementTree.fromstring(by_name("junit")(one))
    validator().validate(as_object(one))
    for finding in some:
        start, length = caret(finding)
        assert start >= 0
        assert length >= 1


@given(st.binary(max_size=12))
def test_a_path_comes_back_from_its_uri(path: bytes) -> None:
    from urllib.parse import unquote_to_bytes

    text = path.decode("utf-8", "surrogateescape")
    if path:
        assert unquote_to_bytes(uri(text)) == path
