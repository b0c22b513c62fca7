"""Tools of others: what they find is told, and what they did not do is not taken for clean."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headgate.model.errors import BadInput
from headgate.model.finding import Confidence, Outcome, Severity
from headgate.model.toml.project_file import TOOLS, parse_project
from headgate.scan.agreement import family
from headgate.scan.analyzers.adapters import NAMES, adapters
from headgate.scan.analyzers.bandit import bandit
from headgate.scan.analyzers.eslint import eslint
from headgate.scan.analyzers.external import External, find_tool
from headgate.scan.analyzers.flow import Flow
from headgate.scan.analyzers.hadolint import hadolint
from headgate.scan.analyzers.interface import Analysis, SourceFile
from headgate.scan.analyzers.ruff import Ruff
from headgate.scan.analyzers.semgrep import semgrep
from headgate.scan.analyzers.zizmor import zizmor
from headgate.scan.engine import Request, examine

SHELL = SourceFile(
    "src/a b.py",
    b"import subprocess\n\n\ndef f(x):\n    subprocess.run('ls ' + x, shell=True)  # nosec\n",
)
WORKFLOW = SourceFile(
    ".github/workflows/ci.yml",
    b"on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
    b"      - run: echo ${{ github.event.pull_request.title }}\n",
)


def needs(name: str) -> None:
    if not find_tool(name):
        pytest.skip(f"{name} is not installed")


def rules(analysis: Analysis) -> set[str]:
    assert analysis.outcome is Outcome.PASSED, analysis.reason
    return {hit.finding.rule for hit in analysis.hits}


def test_bandit_hears_no_comment_and_agrees_with_our_own() -> None:
    needs("bandit")
    analysis = bandit().scan([SHELL])
    assert "bandit/B602" in rules(analysis)
    found = next(hit.finding for hit in analysis.hits if hit.finding.rule == "bandit/B602")
    assert (found.span.path, found.span.line, found.cwe) == ("src/a b.py", 5, 78)
    assert (found.severity, found.confidence) == (Severity.HIGH, Confidence.MEDIUM)
    (source, _) = examine(Request((SHELL,), tools={"bandit": ""}), (Ruff(), Flow(None)))
    shell = [one for one in source.findings if family(one) == "command" and one.span.line == 5]
    assert [(one.rule, one.engines) for one in shell] == [
        ("python/shell-injection", ("bandit", "flow"))
    ]


def test_bandit_says_what_it_could_not_read() -> None:
    needs("bandit")
    broken = SourceFile("src/broken.py", b"def f(:\n")
    analysis = bandit().scan([SHELL, broken])
    assert "bandit/B602" in rules(analysis)
    (skipped,) = analysis.skipped
    assert skipped.startswith("src/broken.py: ")


def test_zizmor_finds_an_injection_in_a_workflow() -> None:
    needs("zizmor")
    found = rules(zizmor().scan([WORKFLOW]))
    assert any(rule.endswith("template-injection") for rule in found), found
    assert zizmor().wants("x/.github/workflows/a.yaml", b"")
    assert not zizmor().wants("a.yaml", b"")


def test_hadolint_reads_dockerfiles() -> None:
    needs("hadolint")
    file = SourceFile("deploy/Dockerfile", b"FROM debian\nRUN apt-get install curl\n")
    assert "hadolint/DL3008" in rules(hadolint().scan([file]))
    assert hadolint().wants("a/app.dockerfile", b"")


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def every() -> list[External]:
    given = dict.fromkeys(NAMES, "") | {"eslint": "/nowhere/eslint.config.js"}
    made = [one for one in adapters(given) if isinstance(one, External)]
    assert len(made) == len(NAMES) == len(TOOLS)
    return made


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("exit 70", "ended with code 70"),
        ("echo 'it broke' >&2; exit 70", "ended with code 70: it broke"),
        ("echo nonsense", ""),
        ("exec sleep 20", "did not end within 0.3 s"),
        ("kill -9 $$", "ended with code -9"),
    ],
)
def test_a_tool_that_misbehaves_is_not_run(tmp_path: Path, behaviour: str, why: str) -> None:
    binary = script(tmp_path / "tool", behaviour)
    for tool in every():
        bad = replace(tool, binary=binary, timeout=0.3 if "sleep" in behaviour else 20)
        analysis = bad.scan([SHELL])
        assert analysis.outcome is Outcome.NOT_RUN, tool.name
        assert analysis.hits == ()
        assert analysis.reason.startswith(f"{tool.name} ")
        assert why in analysis.reason


def test_a_tool_that_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.scan.analyzers.external.find_tool", lambda name: "")
    for tool in every():
        analysis = replace(tool, binary="").scan([SHELL])
        assert analysis.outcome is Outcome.NOT_RUN
        assert analysis.reason.startswith(f"{tool.name} is not installed: ")
    missing = replace(every()[0], binary="/nowhere/tool").scan([SHELL])
    assert "could not be started: No such file" in missing.reason


def sarif_tool(tmp_path: Path, log: dict[str, Any]) -> External:
    (tmp_path / "log").write_text(json.dumps(log))
    return replace(semgrep(b""), binary=script(tmp_path / "tool", f"cat {tmp_path}/log"))


def test_places_outside_of_what_it_was_given_are_left_out(tmp_path: Path) -> None:
    def at(uri: str) -> dict[str, Any]:
        where = {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
        return {"ruleId": "r", "locations": [{"physicalLocation": where}]}

    run = {
        "tool": {"driver": {"name": "Semgrep OSS"}},
        "results": [at("src/a%20b.py"), at("../../etc/passwd"), at("other.py"), at("/etc/passwd")],
    }
    analysis = sarif_tool(tmp_path, {"version": "2.1.0", "runs": [run]}).scan([SHELL])
    assert rules(analysis) == {"semgrep/r"}
    assert [hit.finding.span.path for hit in analysis.hits] == ["src/a b.py"]


def test_a_run_that_failed_or_skipped_is_not_clean(tmp_path: Path) -> None:
    def log(**invocation: Any) -> dict[str, Any]:
        run = {"tool": {"driver": {"name": "x"}}, "results": [], "invocations": [invocation]}
        return {"version": "2.1.0", "runs": [run]}

    failed = sarif_tool(tmp_path, log(executionSuccessful=False)).scan([SHELL])
    assert failed.outcome is Outcome.NOT_RUN
    note = {
        "level": "error",
        "message": {"text": "timeout"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/a%20b.py"}}}],
    }
    tool = sarif_tool(tmp_path, log(executionSuccessful=True, toolExecutionNotifications=[note]))
    assert tool.scan([SHELL]).skipped == ("src/a b.py: timeout",)
    assert sarif_tool(tmp_path, {"version": "2.1.0", "runs": []}).scan([SHELL]).outcome is (
        Outcome.NOT_RUN
    )


def test_names_that_could_steer_a_tool_are_not_given_to_it() -> None:
    tool = replace(bandit(), binary="/nowhere")
    analysis = tool.scan([SourceFile("src/--config=x.py", b""), SourceFile("../a.py", b"")])
    assert analysis.outcome is Outcome.PASSED
    assert len(analysis.skipped) == 2


def test_eslint_reads_its_own_json(tmp_path: Path) -> None:
    answer = """printf '[{"filePath":"%s/src/a b.py","messages":[{"ruleId":"no-eval","message":"No",
        "severity":2,"line":3,"column":4},{"fatal":true,"message":"Parsing error"}]}]' "$PWD" """
    config = tmp_path / "eslint.config.mjs"
    tool = replace(eslint(config), binary=script(tmp_path / "tool", answer))
    analysis = tool.scan([SHELL])
    assert rules(analysis) == {"eslint/no-eval"}
    assert analysis.skipped == ("src/a b.py: Parsing error",)


def test_what_a_project_asks_for_is_checked() -> None:
    config = parse_project(
        '[checks]\ntools = ["semgrep", "bandit"]\nsemgrep-rules = "security/rules.yml"\n'
    )
    assert config.tools == ("semgrep", "bandit")
    assert config.tool_files == {"semgrep": "security/rules.yml"}
    for text, why in (
        ('[checks]\ntools = ["sonar"]\n', r"headgate.toml:2: .*`sonar` is no tool that can be run"),
        ('[checks]\ntools = ["semgrep"]\n', "semgrep needs `semgrep-rules`"),
        ('[checks]\neslint-config = "../x.js"\n', "leads out of the project"),
    ):
        with pytest.raises(BadInput, match=why):
            parse_project(text)
