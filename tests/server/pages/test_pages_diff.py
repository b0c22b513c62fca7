"""Laying out a diff: every finding is shown once, and the limit on lines is kept."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headgate.model.finding import Confidence, Finding, Severity, Span
from headgate.server.views.diff import lay_out
from headgate.vcs.diff import Diff, DiffLine, FileDiff, Hunk

PATHS = ["a.py", "b.py", "new\nline.py", "not touched.py"]


@st.composite
def files(draw: st.DrawFn) -> FileDiff:
    path = draw(st.sampled_from(PATHS[:3]))
    lines: list[DiffLine] = []
    old = new = draw(st.integers(1, 5))
    for kind in draw(st.text(" +-", max_size=12)):
        lines.append(
            DiffLine(kind, old if kind != "+" else None, new if kind != "-" else None, "text")
        )
        old += kind != "+"
        new += kind != "-"
    hunks = (Hunk(1, len(lines), 1, len(lines), "", tuple(lines)),) if lines else ()
    binary = not lines and draw(st.booleans())
    return FileDiff(path, path, "M", binary, 0, 0, hunks, truncated=draw(st.booleans()))


findings = st.builds(
    lambda path, line: Finding(
        "r", "t", "m", "", Severity.LOW, Confidence.LOW, Span(path, line), identity=f"{path}{line}"
    ),
    st.sampled_from(PATHS),
    st.integers(0, 20),
)


def shown(view: dict[str, Any]) -> list[str]:
    found = [f["identity"] for f in view["elsewhere"]]
    for file in view["files"]:
        found += [f["identity"] for f in file["unplaced"]]
        for hunk in file["hunks"]:
            for line in hunk["lines"]:
                for f in line["findings"]:
                    assert f["line"] == line["new"], "a finding stands at its own line"
                    assert line["kind"] != "del"
                    found.append(f["identity"])
    return sorted(found)


@given(st.lists(files(), unique_by=lambda f: f.path), st.lists(findings, max_size=8))
def test_every_finding_is_shown_exactly_once(changed: list[FileDiff], found: list[Finding]) -> None:
    view: dict[str, Any] = lay_out(Diff(tuple(changed)), found, 10_000)
    assert shown(view) == sorted(f.identity for f in found)
    assert view["next"] is None


@given(st.lists(files(), unique_by=lambda f: f.path), st.integers(1, 15))
def test_pages_together_show_every_file_once(changed: list[FileDiff], limit: int) -> None:
    paths: list[str] = []
    start: int | None = 0
    while start is not None:
        view: dict[str, Any] = lay_out(Diff(tuple(changed)), [], limit, start)
        paths += [f["anchor"] for f in view["files"]]
        start = view["next"]
    assert paths == [f"file-{n}" for n in range(len(changed))]


def test_a_finding_in_a_file_too_large_to_show_stands_at_its_head() -> None:
    file = FileDiff("a.py", "a.py", "M", False, 9, 9, (), truncated=True)
    found = Finding("r", "t", "m", "", Severity.HIGH, Confidence.HIGH, Span("a.py", 7))
    view: dict[str, Any] = lay_out(Diff((file,)), [found], 100)
    assert [f["line"] for f in view["files"][0]["unplaced"]] == [7]
