"""Comments that allow a finding, and what becomes of those that do not work."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scan_work import Work

from headgate.model.finding import Outcome
from headgate.scan.allowances import allowances
from headgate.scan.analyzers.flow import Flow
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.analyzers.ruff import Ruff
from headgate.scan.engine import Request, examine
from headgate.scan.rules.known import is_known_rule, known_rules
from headgate.scan.text import Text

TODAY = date(2026, 6, 1)
RULE = "python/shell-injection"


@pytest.mark.parametrize(
    "comment",
    [
        f"# headgate: allow {RULE} until=2027-01-01 because the list is fixed",
        f"// headgate: allow {RULE} because: the list is fixed",
        f"/* headgate: allow {RULE} until=2027-01-01 because the list is fixed */",
        f"<!-- headgate: allow {RULE} owner=ada because the list is fixed -->",
        f"-- Headgate: Allow secret/x, {RULE} because the list is fixed",
    ],
)
def test_a_comment_of_any_language_allows(comment: str) -> None:
    found = allowances("a.x", Text(f"call() {comment}\n{comment}\ncall(\n  x)\n"), TODAY)
    assert found.unusable == ()
    for lines in ((1, 1), (3, 4)):
        one = found.of(RULE, *lines)
        assert one is not None
        assert one.reason == "the list is fixed"
    assert found.of("python/other", 1, 1) is None
    assert found.of(RULE, 5, 5) is None


def test_it_holds_to_the_last_day() -> None:
    text = Text(f"# headgate: allow {RULE} until=2026-06-01 because of the migration")
    assert allowances("a.py", text, TODAY).usable[0].words == (
        "of the migration (until 2026-06-01)"
    )
    (late,) = allowances("a.py", text, date(2026, 6, 2)).unusable
    assert "It was allowed until 2026-06-01, which is past." in late.message


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        (f"allow {RULE}", "It gives no reason: `because …` is missing."),
        (f"allow {RULE} because", "It gives no reason: `because …` is missing."),
        ("allow because I say so", "It names no rule."),
        ("allow python/nonsense because x", "There is no rule python/nonsense."),
        ("allow nonsense because x", "There is no rule nonsense."),
        (f"allow {RULE} until=tomorrow because x", "until=tomorrow is no date like 2027-01-31."),
        (f"allow {RULE} before=2027-01-01 because x", "`before=2027-01-01` is not known here."),
        (f"ignore {RULE} because x", "`headgate: ignore` is no instruction; only `allow` is."),
    ],
)
def test_a_comment_that_does_not_work_is_told(rest: str, why: str) -> None:
    found = allowances("a.py", Text(f"x = 1  # headgate: {rest}"), TODAY)
    assert found.usable == ()
    (one,) = found.unusable
    assert one.rule == "suppression/unusable"
    assert one.message.endswith(why)
    assert (one.span.line, one.span.column) == (1, 8)
    assert "because REASON" in one.remedy


def test_prose_about_comments_is_none() -> None:
    text = Text(f"Write `# headgate: allow {RULE}` in the code.\n")
    assert allowances("docs/a.md", text, TODAY).unusable == ()
    assert allowances("a.py", Text("see headgate: allow it"), TODAY).unusable == ()


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(text: str) -> None:
    found = allowances("a.py", Text(f"# headgate: allow{text}"), TODAY)
    assert len(found.usable) + len(found.unusable) <= text.count("\n") + 1


def test_rules_are_known_by_name_and_open_families_by_form() -> None:
    assert RULE in known_rules()
    assert is_known_rule("secret/aws-access-key")
    assert is_known_rule("bandit/B602")
    assert not is_known_rule("python/never-heard-of")
    assert not is_known_rule("")


def test_an_allowed_finding_does_not_fail_the_check_and_stays_in_sight(work: Work) -> None:
    code = (
        "import subprocess\n\n\ndef run(name):\n"
        f"    # headgate: allow {RULE} because names come from our own table\n"
        "    subprocess.run(\n        'ls ' + name, shell=True\n    )\n"
    )
    (source, _) = examine(Request((SourceFile("a.py", code.encode()),)), (Ruff(), Flow()))
    assert source.outcome is Outcome.PASSED
    (found,) = source.findings
    assert found.rule == RULE
    assert found.allowed == "names come from our own table"
    assert source.reason == "1 finding allowed by comments"
    other = code.replace("injection because", "nothing because")
    (source, _) = examine(Request((SourceFile("a.py", other.encode()),)), (Ruff(), Flow()))
    assert source.outcome is Outcome.FAILED
    assert {one.rule for one in source.findings} == {RULE, "suppression/unusable"}
