"""A secret that a check found is on no page of ours, however it comes into the diff."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages_serving import make_app
from pages_story import Story
from starlette.testclient import TestClient

from headgate.model.finding import CheckResult, Confidence, Finding, Outcome, Severity, Span
from headgate.model.verdict import VerdictKind
from headgate.scan.text import printable
from headgate.server.views.diff import lay_out
from headgate.server.views.hiding import HIDDEN
from headgate.vcs.diff import Diff, DiffLine, FileDiff, Hunk

SECRET = "Tr0ub" + "4dor" + "&3-xyzzy"
OLD = "c0rrect" + "-horse-" + "battery"


def found(line: int, text: str, *, path: str = "src/app.py", last: int = 0) -> Finding:
    """What the check says of the secret in a line."""
    column = text.index(SECRET) + 1 if SECRET in text else 1
    return Finding(
        "secret/hard-coded-password",
        "Password or key in the code",
        "Every reader of the code has it.",
        "Read it from the environment.",
        Severity.HIGH,
        Confidence.HIGH,
        Span(path, line, column, last or line, 1 if last else column + len(SECRET)),
        798,
        "secrets",
        printable(text.replace(SECRET, "*" * len(SECRET)).replace("\t", " ").rstrip()),
        "cc33",
    )


def texts(view: dict[str, Any]) -> list[str]:
    return [
        "".join(piece[0] for piece in line["pieces"])
        for file in view["files"]
        for hunk in file["hunks"]
        for line in hunk["lines"]
    ]


def diff_of(*lines: tuple[str, str], heading: str = "", path: str = "src/app.py") -> Diff:
    made: list[DiffLine] = []
    old = new = 0
    for kind, text in lines:
        old += kind != "+"
        new += kind != "-"
        made.append(
            DiffLine(kind, old if kind != "+" else None, new if kind != "-" else None, text)
        )
    hunk = Hunk(1, old, 1, new, heading, tuple(made))
    return Diff((FileDiff(path, path, "M", False, 1, 1, (hunk,), truncated=False),))


def test_a_change_with_a_secret_shows_it_on_none_of_its_pages(
    story: Story, ada: TestClient
) -> None:
    line = f'password = "{SECRET}"'
    text = f"import os\n\n{line}\n\n\ndef connect():\n    return log('{SECRET}')\n"
    number, _ = story.propose("Connect", files={b"src/app.py": text.encode()})
    story.judge(
        number,
        VerdictKind.DENIED,
        ("src/app.py:3: a password stands in the source.",),
        checks=(CheckResult("secrets", Outcome.FAILED, "1 finding", (found(3, line),)),),
    )
    for address in ("", ".json", "/diff", "/diff.json"):
        page = ada.get(f"/changes/{number}{address}")
        assert page.status_code == 200
        assert SECRET not in page.text
        assert HIDDEN in page.text
    [file] = ada.get(f"/changes/{number}/diff.json").json()["diff"]["files"]
    lines = [line for hunk in file["hunks"] for line in hunk["lines"]]
    assert [line["new"] for line in lines if line["hidden"]] == [3, 7]
    [at] = [line for line in lines if line["findings"]]
    assert at["new"] == 3, "the finding stays at its line"
    with TestClient(make_app(story.world, story.bea)) as author:
        assert SECRET not in author.get(f"/changes/{number}").text, "not even for its author"


@pytest.mark.parametrize(
    ("lines", "hidden"),
    [
        ([(" ", 'key = "{new}"'), ("+", "x = 1")], [0]),
        ([("-", 'key = "{new}"'), ("+", 'key = "{new}"  # mine'), ("-", "import os")], [0, 1]),
        # What a secret replaces is a secret.
        ([("-", 'key = "{old}"'), ("+", 'key = "{new}"'), (" ", 'other = "{old}"')], [0, 1]),
        ([("+", 'key = "{new}"'), ("+", "login('{new}')"), ("+", "login('me')")], [0, 1]),
    ],
)
def test_lines_of_either_side(lines: list[tuple[str, str]], hidden: list[int]) -> None:
    filled = [(kind, text.format(new=SECRET, old=OLD)) for kind, text in lines]
    at = next(text for kind, text in filled if kind != "-")
    view: dict[str, Any] = lay_out(diff_of(*filled), [found(1, at)], 100)
    shown = texts(view)
    assert [n for n, text in enumerate(shown) if text == HIDDEN] == hidden
    assert [t for n, t in enumerate(shown) if n not in hidden] == [
        t for n, (_, t) in enumerate(filled) if n not in hidden
    ]


def test_a_secret_of_several_lines() -> None:
    body = [f"line{n}" + "QUJD" * 10 for n in range(3)]
    lines = [("+", "-----BEGIN-----"), *(("+", text) for text in body), ("+", "-----END-----")]
    view: dict[str, Any] = lay_out(
        diff_of(*lines, ("+", "after"), heading=body[1][:40]),
        [found(1, "-----BEGIN-----", last=5)],
        100,
    )
    assert texts(view) == [HIDDEN] * 5 + ["after"]
    assert view["files"][0]["hunks"][0]["heading"] == HIDDEN


def test_headings_that_repeat_a_secret() -> None:
    line = f'TOKEN = "{SECRET}"'
    for heading, shown in (
        (line, HIDDEN),
        (line[:15], HIDDEN),
        (f"def f(x='{SECRET}'):", HIDDEN),
        ("def g():", "def g():"),
        ("", ""),
    ):
        view: dict[str, Any] = lay_out(
            diff_of(("+", "x"), ("+", line), heading=heading), [found(2, line)], 100
        )
        assert view["files"][0]["hunks"][0]["heading"] == shown
    # The line itself is not in the diff, only its masked excerpt is known.
    view = lay_out(diff_of(("+", "x"), heading=line[:-3]), [found(90, line)], 100)
    assert view["files"][0]["hunks"][0]["heading"] == HIDDEN


def test_a_lone_carriage_return_counts_lines_otherwise_and_hides_all_the_same() -> None:
    line = f'key = "{SECRET}"'
    view: dict[str, Any] = lay_out(
        diff_of(("+", f"a\rb\r{line}"), ("+", "c")), [found(3, line)], 100
    )
    assert texts(view) == [HIDDEN, "c"]


def test_what_an_earlier_commit_held_hides_no_innocent_text() -> None:
    view: dict[str, Any] = lay_out(
        diff_of(("+", 'name = "somebody"'), ("+", "other = 'somebody'")),
        [found(1, f'key = "{SECRET}"')],
        100,
    )
    assert texts(view)[1] == "other = 'somebody'"


def test_other_findings_hide_nothing() -> None:
    line = f'key = "{SECRET}"'
    other = found(1, line)
    object.__setattr__(other, "rule", "python/shell-injection")
    view: dict[str, Any] = lay_out(diff_of(("+", line), heading=line), [other], 100)
    assert texts(view) == [line]


code = st.text(st.characters(codec="utf-8", exclude_characters="\n\r", exclude_categories=("Cs",)))


@given(code, code, st.lists(st.tuples(st.sampled_from(" +-"), code), max_size=6), code)
def test_whatever_surrounds_it_the_secret_is_not_shown(
    before: str, after: str, around: list[tuple[str, str]], heading: str
) -> None:
    line = before + SECRET + after
    carried = [(kind, text + SECRET + text) for kind, text in around]
    diff = diff_of(("+", line), *around, *carried, heading=heading + SECRET)
    view: dict[str, Any] = lay_out(diff, [found(1, line)], 1000)
    assert SECRET not in repr(view)
