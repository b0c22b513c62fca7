"""Configuration files from strangers: broken, huge, nested without end; and places in good ones."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.model.finding import Finding, Outcome, Severity
from headgate.scan.analyzers.infrastructure import TABLES, all_analyzers
from headgate.scan.analyzers.interface import Analysis, SourceFile
from headgate.scan.infra.telling import Unreadable
from headgate.scan.infra.yaml_nodes import read_yaml, walk
from headgate.scan.rules.table import load

WORKFLOW = ".github/workflows/ci.yml"
EXAMPLES = [(rule.file, rule.bad) for table in TABLES for rule in load(table).values()]


def analyses(path: str, text: str) -> list[Analysis]:
    file = SourceFile(path, text.encode("utf-8", "surrogatepass"))
    tools = [tool for tool in all_analyzers(Severity.INFO) if tool.wants(path, file.data[:200])]
    return [tool.scan([file]) for tool in tools]


def found(path: str, text: str) -> list[Finding]:
    return [hit.finding for one in analyses(path, text) for hit in one.hits]


@pytest.mark.parametrize("depth", [300, 20_000])
def test_yaml_nested_without_end_is_said_to_be_unreadable(depth: int) -> None:
    (one,) = [a for a in analyses(WORKFLOW, f"jobs: {'[' * depth}{']' * depth}\n") if a.skipped]
    assert one.outcome is Outcome.PASSED
    assert one.skipped == (f"{WORKFLOW}: nested more than 200 deep (line 1)",)


def test_a_bomb_of_aliases_is_read_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    began = time.process_time()
    (document,) = read_yaml("\n".join(lines))
    assert sum(1 for _ in walk(document)) < 400
    assert time.process_time() - began < 1


def test_an_alias_within_itself_ends() -> None:
    text = "jobs: &j\n  <<: *j\n  a: {steps: &s [*s, {run: 'curl -k https://x.dev'}]}\n"
    assert [one.rule for one in found(WORKFLOW, text)] == ["shell/certificate-check-off"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("jobs: {a: b\n\n", "not valid YAML (line 3)"),
        ("jobs: *nobody\n", "an alias that names nothing (line 1)"),
        ("jobs: @x\n", "not valid YAML (line 1)"),
        ("- jobs:\n", "no workflow: its first document is no mapping"),
    ],
)
def test_a_workflow_that_cannot_be_read_is_told(text: str, why: str) -> None:
    assert [a.skipped for a in analyses(WORKFLOW, text) if a.skipped] == [(f"{WORKFLOW}: {why}",)]


def test_a_stranger_yaml_file_is_nobodys() -> None:
    assert [a.skipped for a in analyses("data/x.yaml", "{{ not yaml\n")] == [()]


def test_too_many_values_are_refused() -> None:
    with pytest.raises(Unreadable, match="more than 200000 values"):
        read_yaml("[" + "1," * 200_001 + "]")


def test_a_helm_template_is_read_around_what_it_prints() -> None:
    text = (
        "{{- if .Values.on }}\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n"
        '    - name: {{ .Chart.Name }}\n      image: "{{ .Values.image }}"\n'
        "      securityContext: {privileged: true}\n{{- end }}\n"
    )
    one = next(f for f in found("chart/templates/pod.yaml", text) if f.severity > Severity.LOW)
    assert (one.rule, one.span.line, one.span.column) == ("kubernetes/privileged", 8, 37)


def test_values_merged_into_a_job_count_and_its_own_win() -> None:
    text = (
        ".base: &base\n  variables: {GIT_SSL_NO_VERIFY: 'true'}\n"
        "one:\n  <<: *base\n  script: [make]\n"
        "two:\n  <<: *base\n  variables: {GIT_SSL_NO_VERIFY: 'false'}\n"
    )
    assert [one.span.line for one in found(".gitlab-ci.yml", text)] == [2]


def test_hcl_nested_without_end_ends() -> None:
    began = time.process_time()
    found("x.tf", 'resource "aws_iam_policy" "x" {\n policy = ' + "[" * 3000 + "]" * 3000 + "\n}\n")
    found("x.tf", "a {\n" * 3000)
    assert time.process_time() - began < 3


def test_a_policy_of_nested_json_ends() -> None:
    deep = '{"Statement": ' + "[" * 2000 + "]" * 2000 + "}"
    text = f'resource "aws_iam_policy" "x" {{\n policy = <<E\n{deep}\nE\n}}\n'
    assert found("x.tf", text) == []


@pytest.mark.parametrize(
    ("path", "text", "place"),
    [
        (WORKFLOW, "on: issues\njobs:\n  a:\n    steps:\n      - run: |\n          é=1\n"
         "          echo ${{ github.event.issue.title }}\n", (7, 16)),
        (WORKFLOW, "on: issues\njobs: {a: {steps: [{run: 'echo ${{ github.head_ref }}'}]}}\n",
         (2, 32)),
        ("Dockerfile", "FROM a:1\nRUN id \\\n # why\n  && curl -k https://é.dev\nUSER 1\n", (4, 6)),
        ("Dockerfile", "FROM a:1\nRUN <<EOF\necho\nchmod 777 /srv\nEOF\nUSER 1\n", (4, 1)),
        ("a.sh", "x='éé'; chmod 777 /srv\n", (1, 9)),
        ("t.html", "<b>é</b>\n<p title={{ a }}>\n", (2, 10)),
        ("x.tf", 'resource "aws_instance" "é" {\n user_data = <<E\nid\nchmod 777 /srv\nE\n}\n',
         (4, 1)),
    ],
)  # fmt: skip
def test_places_are_lines_and_columns_of_the_file(
    path: str, text: str, place: tuple[int, int]
) -> None:
    worst = [one for one in found(path, text) if one.severity > Severity.LOW]
    assert [(one.span.line, one.span.column) for one in worst] == [place]


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(EXAMPLES), st.data())
def test_a_file_cut_or_torn_anywhere_raises_nothing(
    example: tuple[str, str], data: st.DataObject
) -> None:
    path, text = example
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    torn = (
        text[:start] + data.draw(st.text("\"'{}[]()<>$#%&*|:=\\-! \n\té", max_size=6)) + text[end:]
    )
    count = torn.count("\n") + 2
    for one in found(path, torn):
        assert 1 <= one.span.line <= count
        assert one.span.column >= 1


@pytest.mark.parametrize(
    "script",
    [
        'eval "$(ssh-agent -s)"',
        'eval "$@"',
        'rm -rf "$HOME/.cache/x"',
        'set -eu\nrm -rf "$1"/*',
        'dir=/srv/build\nrm -rf "$dir"/*',
        "chmod 755 x; chmod u+w x; chmod +w x; chmod 0644 y",
        "curl -fsSL https://x.dev/a.json | jq .",
        "curl -s https://x.dev/a | python3 -c 'import sys'",
        "curl -k https://localhost:8080/",
        "# curl -k https://x.dev | sh",
        "echo 'chmod 777 x'",
    ],
)
def test_usual_shell_is_left_alone(script: str) -> None:
    assert found("x.sh", f"#!/bin/bash\n{script}\n") == []


@pytest.mark.parametrize(
    ("condition", "severity"),
    [
        ("github.event.pull_request.head.repo.full_name == github.repository", None),
        ("contains(github.event.pull_request.labels.*.name, 'safe')", None),
        ("github.actor != 'x'", Severity.HIGH),
    ],
)
def test_a_checkout_that_is_guarded_is_left_alone(
    condition: str, severity: Severity | None
) -> None:
    text = (
        f"on: pull_request_target\njobs:\n  a:\n    if: {condition}\n    steps:\n"
        "      - uses: actions/checkout@v4\n        with:\n"
        "          ref: ${{ github.event.pull_request.head.sha }}\n      - run: make\n"
    )
    rules = [one for one in found(WORKFLOW, text) if one.rule.endswith("untrusted-checkout")]
    assert [one.severity for one in rules] == ([severity] if severity else [])


def test_tests_are_told_only_what_may_deny() -> None:
    text = "<p>{{ x|safe }}</p>\n<p>{{ request.args.x|safe }}</p>\n"
    file = SourceFile("tests/page.html", text.encode())
    (tool,) = [t for t in all_analyzers() if t.wants(file.path, b"")]
    assert [hit.finding.span.line for hit in tool.scan([file]).hits] == [2]


def test_a_mail_in_plain_text_is_no_page() -> None:
    mail = "{% autoescape off %}\nDear {{ user.name }},\n{{ text }}\n{% endautoescape %}\n"
    assert found("mail.html", mail) == []
    assert found("mail.html", mail.replace("Dear", "<p>Dear"))
