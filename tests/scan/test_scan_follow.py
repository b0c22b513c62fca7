"""What becomes of the findings of a branch from scan to scan."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scan_edits import Author, render

from headgate.model.finding import (
    Anchor,
    CheckResult,
    Confidence,
    Finding,
    Outcome,
    Severity,
    Span,
)
from headgate.model.ids import ProjectId, TrackedId
from headgate.model.tracked import FindingState, Owner, TrackedFinding
from headgate.scan.findings.follow import Followed, follow
from headgate.scan.findings.owners import parse_owners


def finding(statement: str, path: str = "a.py", line: int = 1, identity: str = "") -> Finding:
    where = Anchor("rule", "f", statement, (), path, line)
    return Finding(
        "rule", "", "", "", Severity.HIGH, Confidence.HIGH, Span(path, line),
        check="source", identity=identity or statement, anchor=where,
    )  # fmt: skip


def known(one: Finding, state: FindingState = FindingState.OPEN, id: int = 1) -> TrackedFinding:
    return TrackedFinding(
        TrackedId(id), ProjectId(1), "main", one, state, "", 0.0, "c", 0.0, "c", None, Owner(), 50
    )


def scanned(*findings: Finding, outcome: Outcome = Outcome.PASSED, **more: object) -> CheckResult:
    return replace(CheckResult("source", outcome, findings=findings), **more)  # type: ignore[arg-type]


def run(olds: list[TrackedFinding], result: CheckResult, *paths: str) -> Followed:
    def examined(path: str) -> bool:
        return not paths or path in paths

    return follow(olds, [result], examined, {}, lambda path: None, lambda path: None)


def test_gone_is_fixed_only_where_somebody_looked() -> None:
    old = known(finding("bad(x)"))
    assert run([old], scanned()).fixed == (old,)
    for blind in (
        scanned(outcome=Outcome.NOT_RUN),
        scanned(outcome=Outcome.UNKNOWN, skipped=("a.py: larger than 2 MB",)),
        replace(scanned(), check="secrets"),
    ):
        assert run([old], blind).fixed == ()
        assert run([old], blind).untouched == (old,)
    assert run([old], scanned(), "other.py").untouched == (old,)


def test_what_was_fixed_comes_back_as_itself_and_only_in_its_place() -> None:
    old = known(finding("bad(x)"), FindingState.FIXED)
    back = run([old], scanned(finding("bad(x)", line=9, identity="other")))
    assert [(one.id, now.identity) for one, now in back.returned] == [(1, "bad(x)")]
    like = run([old], scanned(finding("bad(x)", path="b.py", identity="other")))
    assert [one.identity for one in like.new] == ["other"]


def test_no_two_findings_of_a_branch_have_one_identity() -> None:
    old = known(finding("bad(x)"))
    new = run([old], scanned(finding("bad(x)"), finding("worse()", identity="bad(x)")))
    assert len(new.seen) == 1
    assert new.new[0].identity not in ("", "bad(x)")
    nameless = run(
        [], scanned(replace(finding("x"), identity=""), replace(finding("x"), identity=""))
    )
    assert len({one.identity for one in nameless.new}) == 2


@pytest.mark.parametrize("seed", range(4))
def test_identities_last_over_a_story_of_edits(seed: int) -> None:
    author = Author(seed + 500)
    program = author.program()
    names: dict[int, str] = {}
    olds: list[TrackedFinding] = []
    old_texts = {}
    kinds = (
        "insert",
        "rename_variables",
        "reformat",
        "move_function",
        "wrap",
        "reorder",
        "argument",
    )
    for step in range(12):
        texts, found = render(program)
        findings = [
            Finding(
                where.rule, "", "", "", Severity.HIGH, Confidence.HIGH,
                Span(where.path, where.line), check="source", identity=f"{step}-{id}", anchor=where,
            )
            for id, where in found
        ]  # fmt: skip
        told = follow(
            olds, [scanned(*findings)], lambda path: True, program.renamed, texts.get, old_texts.get
        )
        assert told.fixed == ()
        now = [*[now for _, now in told.seen], *told.new]
        by_place = {(one.span.path, one.span.line): one.identity for one in now}
        for id, where in found:
            identity = by_place[where.path, where.line]
            assert names.setdefault(id, identity) == identity
        olds = [known(one, id=index) for index, one in enumerate(now)]
        old_texts = texts
        program.renamed = {}
        program = author.edit(program, author.random.choice(kinds))


def test_owners_are_read_as_code_hosts_read_them() -> None:
    owners = parse_owners(
        "# comment\n*  @all\n/docs/ @writers\n*.js @web @ui # both\napps/* @apps\n"
        "/src/free.py\n[Section]\n"
    )
    assert owners.of("x.py") == ("@all",)
    assert owners.of("docs/deep/x.md") == ("@writers",)
    assert owners.of("src/docs/x.md") == ("@all",)
    assert owners.of("a/b.js") == ("@web", "@ui")
    assert owners.of("apps/x") == ("@apps",)
    assert owners.of("apps/deep/x") == ("@all",)
    assert owners.of("src/free.py") == ()
    assert parse_owners("").of("x") == ()
