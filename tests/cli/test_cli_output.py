"""What a terminal is given."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from headgate.cli.output import duration, printable, table, width
from headgate.cli.queue import board_lines


@given(st.text())
def test_nothing_commands_the_terminal(text: str) -> None:
    shown = printable(text)
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in shown)
    assert "\n" not in shown


@given(
    st.lists(st.tuples(st.text("ab 漢é\x1b", max_size=8), st.text("xy", min_size=1)), max_size=5)
)
def test_columns_stand_under_each_other(rows: list[tuple[str, str]]) -> None:
    lines = table(("FIRST", "LAST"), rows)
    start = width(lines[0][: lines[0].index("LAST")])
    for line, (_, last) in zip(lines[1:], rows, strict=True):
        assert width(line[: len(line) - len(last)]) == start


def test_an_empty_cell_is_seen() -> None:
    assert table(("A", "B"), [("", 1)]) == ["A  B", "-  1"]


def test_durations() -> None:
    assert [duration(s) for s in (None, 0.44, 12, 200, 7500, 400_000)] == [
        "",
        "0.4 s",
        "12 s",
        "3 min",
        "2 h 5 min",
        "4 d",
    ]


def test_a_long_reason_leaves_the_board_readable() -> None:
    item = {
        "position": 1, "change": 18, "state": "failing", "note": "", "project": "app",
        "branch": "main", "owner": {"name": "ada"}, "jobs_done": 1, "jobs_total": 1,
        "waited": 2.2, "title": "Test more", "reason": "job app/tests failed. " + "Why. " * 40,
    }  # fmt: skip
    queue = {"name": "app:main", "window": 4, "state": "open", "reason": "", "finished": []}
    _, head, row, why = board_lines({"queues": [queue | {"items": [item]}]})
    assert head.split()[:3] == ["PLACE", "CHANGE", "STATE"]
    assert row.split()[:3] == ["1", "#18", "failing"]
    assert len(row) < 100
    assert why.startswith("  #18 failing: job app/tests failed. Why.")
