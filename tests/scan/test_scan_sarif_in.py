"""SARIF from strangers: taken where it can be, refused with a sentence where not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.model.errors import BadInput
from headgate.model.finding import Confidence, Outcome, Severity, StepRole
from headgate.scan.hub import sarif_in
from headgate.scan.hub.sarif_in import read_sarif
from headgate.scan.hub.sarif_paths import Places, Refused

Json = dict[str, Any]


def place(uri: str, line: int = 1, **more: Any) -> Json:
    region = {"startLine": line, **more}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}


def result(uri: str = "src/a.py", rule: str = "R1", line: int = 3, **more: Any) -> Json:
    return {
        "ruleId": rule,
        "message": {"text": "It is wrong"},
        "locations": [place(uri, line)],
        **more,
    }


def run(*results: Json, rules: tuple[Json, ...] = (), tool: str = "A Tool", **more: Any) -> Json:
    return {"tool": {"driver": {"name": tool, "rules": list(rules)}}, "results": [*results], **more}


def read(*runs: Json, root: str = "/home/ci/app") -> tuple[sarif_in.ForeignRun, ...]:
    log = {"version": "2.1.0", "runs": list(runs)}
    return read_sarif(json.dumps(log).encode(), "log.sarif", root)


def test_a_finding_gets_everything_that_the_log_says() -> None:
    rule = {
        "id": "R1",
        "shortDescription": {"text": "SQL built from data"},
        "help": {"text": "Use parameters."},
        "helpUri": "https://example.org/r1",
        "properties": {"tags": ["external/cwe/cwe-089"], "security-severity": "9.1"},
    }
    flow = [{"location": {**place("src/a.py", n), "message": {"text": f"s{n}"}}} for n in (1, 2, 3)]
    flows = [{"threadFlows": [{"locations": flow}]}]
    (one,) = read(run(result(codeFlows=flows, ruleIndex=0), rules=(rule,)))
    (found,) = one.findings
    assert (one.tool, one.outcome) == ("a-tool", Outcome.PASSED)
    assert (found.rule, found.cwe) == ("a-tool/R1", 89)
    assert (found.severity, found.confidence) == (Severity.CRITICAL, Confidence.MEDIUM)
    assert (found.title, found.remedy) == ("SQL built from data", "Use parameters.")
    assert (found.message, found.url) == ("It is wrong", "https://example.org/r1")
    assert [step.role for step in found.trace] == [StepRole.SOURCE, StepRole.STEP, StepRole.SINK]
    assert found.engines == ("a-tool",)


@pytest.mark.parametrize(
    ("level", "severity"),
    [("error", Severity.HIGH), ("warning", Severity.MEDIUM), ("note", Severity.LOW)],
)
def test_levels_become_severities_and_never_certainty(level: str, severity: Severity) -> None:
    (one,) = read(run(result(level=level, properties={"confidence": "HIGH"})))
    assert (one.findings[0].severity, one.findings[0].confidence) == (severity, Confidence.MEDIUM)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("src/a.py", "src/a.py"),
        ("./src/../src/a%20b.py", "src/a b.py"),
        ("file:///home/ci/app/src/a.py", "src/a.py"),
        ("/home/ci/app/src/a.py", "src/a.py"),
        ("src\\a.py", "src/a.py"),
        ("%FF.py", "\udcff.py"),
    ],
)
def test_paths_of_the_project_are_understood(uri: str, path: str) -> None:
    (one,) = read(run(result(uri)))
    assert one.findings[0].span.path == path
    assert one.refused == ()


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("../../etc/passwd", "the file is outside of the project"),
        ("src/../../x", "the file is outside of the project"),
        ("%2e%2e/x", "the file is outside of the project"),
        ("/etc/passwd", "the path is absolute and not below the project"),
        ("file:///etc/passwd", "the path is absolute and not below the project"),
        ("C:\\Users\\x\\a.py", "the path is absolute and not below the project"),
        ("file://host/share/a.py", "the file is on another machine"),
        ("https://example.org/a.py", "the address is of the kind https"),
        ("a%00b", "the file is outside of the project"),
        ("", "no file is named"),
        ("a" * 5000, "the address is too long"),
        (".", "the file is outside of the project"),
        ("//[::1/x", "the address cannot be read"),
    ],
)
def test_paths_outside_of_it_are_refused_with_a_sentence(uri: str, why: str) -> None:
    (one,) = read(run(result(uri), result("src/a.py")))
    assert len(one.findings) == 1
    (told,) = one.refused
    assert told.startswith("1 result of a-tool: ")
    assert why in told


def test_bases_of_another_machine_lead_to_relative_paths() -> None:
    bases = {
        "SRCROOT": {"uri": "file:///builds/42/app/"},
        "LIB": {"uri": "lib/", "uriBaseId": "SRCROOT"},
        "LOOP": {"uri": "x/", "uriBaseId": "LOOP"},
    }
    places = Places(bases, "/home/ci/app")
    assert places.path("/builds/42/app/src/a.py", "") == "src/a.py"
    assert places.path("a.py", "SRCROOT") == "a.py"
    assert places.path("a.py", "LOOP") == "a.py"
    with pytest.raises(Refused):
        places.path("/builds/43/app/a.py", "")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"[]", "it is no JSON object"),
        (b'{"runs": []}', "this says none"),
        (b'{"version": "1.0.0", "runs": []}', "this says 1.0.0"),
        (b'{"version": "2.1.0"}', "there is no list of runs"),
        (b'{"version": "2.1.0", "runs": 3}', "there is no list of runs"),
        (b"[" * 200_000, "log.sarif is n"),
    ],
)
def test_what_is_no_sarif_is_refused_with_what_to_do(data: bytes, why: str) -> None:
    with pytest.raises(BadInput, match=why) as told:
        read_sarif(data, "log.sarif")
    assert told.value.message.startswith("log.sarif")
    assert told.value.remedy


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif_in, "MOST_RESULTS", 3)
    with pytest.raises(BadInput, match="has 4 results; at most 3 are read"):
        read(run(*[result()] * 4))
    monkeypatch.setattr(sarif_in, "MOST_BYTES", 10)
    with pytest.raises(BadInput, match="at most"):
        read(run())


def test_a_tool_that_failed_or_skipped_is_not_clean() -> None:
    crashed = {"executionSuccessful": False, "exitCodeDescription": "out of memory"}
    (one,) = read(run(invocations=[crashed]))
    assert (one.outcome, one.reason) == (Outcome.NOT_RUN, "out of memory")
    note = {
        "level": "error",
        "message": {"text": "cannot parse"},
        "locations": [place("src/b.py")],
    }
    told = {"executionSuccessful": True, "toolExecutionNotifications": [note]}
    (one,) = read(run(invocations=[told]))
    assert one.outcome is Outcome.UNKNOWN
    assert one.skipped == ("src/b.py: cannot parse",)


def test_what_is_no_defect_is_left_out_and_what_is_allowed_says_why() -> None:
    (one,) = read(
        run(
            result(kind="pass"),
            result(baselineState="absent"),
            result(suppressions=[{"kind": "inSource", "justification": "by design"}]),
            result(suppressions=[{"kind": "external", "status": "rejected"}], rule="R2"),
            {"message": {"text": "x"}, "locations": [place("a.py")]},
            {"ruleId": "R3", "message": {"text": "x"}},
        )
    )
    assert [f.allowed for f in one.findings] == ["by design", ""]
    assert one.refused == (
        "1 result of a-tool: no place is named, e.g. R3",
        "1 result of a-tool: no rule is named",
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["ruleId", "rule", "index", "message", "text", "arguments", "locations", "id",
                 "physicalLocation", "artifactLocation", "uri", "region", "startLine", "level",
                 "properties", "tags", "codeFlows", "threadFlows", "location", "suppressions"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=80)
@given(json_values, json_values, json_values)
def test_no_value_in_any_place_breaks_the_reading(one: Any, other: Any, third: Any) -> None:
    broken = {
        "tool": {"driver": one},
        "results": [other, result(codeFlows=third), {"locations": [other], "ruleId": "x"}],
        "invocations": third,
        "originalUriBaseIds": one,
    }
    runs = [broken, one if isinstance(one, dict) else {}, run(result(x=third))]
    log = {"version": "2.1.0", "runs": runs}
    for read_run in read_sarif(json.dumps(log).encode(), "log.sarif"):
        for finding in read_run.findings:
            assert not finding.span.path.startswith(("/", ".."))


def test_numbers_that_are_none_are_not_taken() -> None:
    region = {"startLine": True, "startColumn": 10**40}
    rule = {"id": "R1", "properties": {"security-severity": 10**400}}
    where = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": region}}
    (one,) = read(run(result(locations=[where]), rules=(rule,)))
    (found,) = one.findings
    assert (found.span.line, found.span.column) == (1, 1)
    assert found.span.line is not True
    assert found.severity is Severity.MEDIUM
