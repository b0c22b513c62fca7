"""GitLab CI."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headgate.model.finding import Severity, Span
from headgate.model.record import record
from headgate.scan.analyzers.interface import Analysis, SourceFile
from headgate.scan.infra.shell import Runs, judge_shell
from headgate.scan.infra.telling import LEAST, Teller, scan_each
from headgate.scan.infra.yaml_nodes import (
    List,
    Map,
    Node,
    Scalar,
    at,
    each,
    entries,
    read_yaml,
    text_at,
)
from headgate.scan.late import late

_NAME = late(r"(^|/)(\.gitlab-ci[\w.-]*|[\w.-]+\.gitlab-ci)\.ya?ml$|(^|/)\.gitlab/ci/.*\.ya?ml$")
_SCRIPTS = ("before_script", "script", "after_script", "pre_get_sources_script")
_OUTSIDER = (
    r"CI_COMMIT_(?:MESSAGE|TITLE|DESCRIPTION|AUTHOR|BRANCH|REF_NAME|TAG|TAG_MESSAGE)|"
    r"CI_MERGE_REQUEST_(?:TITLE|DESCRIPTION|SOURCE_BRANCH_NAME|LABELS)|"
    r"CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME"
)
_EVALUATED = late(
    rf"(?:\beval\b|\b(?:ba|da|z)?sh\s+-\w*c\b|\bpython\d?\s+-c\b|\bnode\s+-e\b|\bssh\b[^\n]*\")"
    rf"[^\n]*\$\{{?(?P<name>{_OUTSIDER})\b"
)


@record
class GitLabCI:
    """Judges pipelines: what outsiders can make them do, and where their parts come from."""

    least: Severity = LEAST

    name = "gitlab-ci"
    check = "source"

    def wants(self, path: str, start: bytes) -> bool:
        return bool(_NAME.search(path))

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        return scan_each(files, "gitlab_ci", _judge, self.least)


def _judge(text: str, teller: Teller) -> None:
    for document in read_yaml(text):
        if isinstance(document, Map):
            _pipeline(document, teller)


def _pipeline(root: Map, teller: Teller) -> None:
    for one in each(root.get("include")):
        _include(one, teller)
    _variables(root, teller)
    for name, job in entries(root):
        if not isinstance(job, Map):
            if name.value in _SCRIPTS:
                _job_scripts(root, (name.value,), teller)
            continue
        _job_scripts(job, _SCRIPTS, teller)
        _variables(job, teller)


def _include(one: Node, teller: Teller) -> None:
    remote = one if isinstance(one, Scalar) else at(one, "remote")
    if isinstance(remote, Scalar):
        if remote.value.startswith("http://"):
            teller.say("include-in-clear", remote.span)
        elif remote.value.startswith("https://") and at(one, "integrity") is None:
            teller.say("unpinned-include", remote.span)
    elif text_at(one, "project") and not text_at(one, "ref"):
        teller.say("unpinned-include", one.span)


def _variables(node: Map, teller: Teller) -> None:
    for key, value in entries(node.get("variables")):
        if not isinstance(value, Scalar):
            continue
        if (key.value in ("GIT_SSL_NO_VERIFY",) and value.truth) or (
            key.value == "NODE_TLS_REJECT_UNAUTHORIZED" and value.value == "0"
        ):
            teller.say("certificate-check-off", value.span)
        elif key.value in ("CI_DEBUG_TRACE", "CI_DEBUG_SERVICES") and value.truth:
            teller.say("debug-trace", value.span)


def _job_scripts(job: Map, names: Sequence[str], teller: Teller) -> None:
    for name in names:
        for line in _lines(job.get(name)):
            judge_shell(line.value, teller, line.place, Runs.BUILD)
            for match in _EVALUATED.finditer(line.value):
                start = line.value[: match.start()]
                row = start.count("\n")
                column = match.start() - (start.rfind("\n") + 1)
                at_line, first = line.place(row, column)
                end = line.place(row, column + len(match[0]))
                span = Span("", at_line, first, *end)
                teller.say("script-injection", span, f"It is `{match['name']}`.")


def _lines(node: Node | None) -> Iterator[Scalar]:
    """The lines of a script; anchors may bring lists of lists."""
    waiting = [node] if node is not None else []
    seen: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, Scalar):
            yield one
        elif isinstance(one, List) and id(one) not in seen:
            seen.add(id(one))
            waiting = [*one.items, *waiting]
