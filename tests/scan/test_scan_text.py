"""Lines, columns, masks and excerpts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.finding import Confidence, Finding, Severity, Span
from headgate.scan.text import Offsets, Text, caret, decode, is_test, listed, printable, unreadable


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\r\nb\rc", "a\nb\nc"),
        (b"\xef\xbb\xbfa", "a"),
        ("é".encode("utf-16"), "é"),
        ("é".encode("utf-32"), "é"),
        ("plain text".encode("utf-16-le"), "plain text"),
        ("plain text".encode("utf-16-be"), "plain text"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_text_is_read_whatever_its_encoding(data: bytes, text: str) -> None:
    assert decode(data) == text


def test_what_is_not_examined_has_a_reason() -> None:
    assert unreadable(b"\0") == "binary"
    assert unreadable(b"a" * 9000 + b"\0") == "binary"
    assert unreadable(b"a" * 2_000_001) == "larger than 2 MB"
    assert unreadable("text".encode("utf-16")) == ""


def test_a_masked_line_keeps_its_columns() -> None:
    text = Text('a = "secret"  # tail\nnext')
    text.hide(Span("f", 1, 6, 1, 12))
    assert text.shown(1) == 'a = "******"  # tail'
    text.hide(Span("f", 1, 14, 2, 3))
    assert text.shown(1) == 'a = "******" *******'
    assert text.shown(2) == "**xt"


def test_a_long_line_is_cut_round_the_span_and_the_caret_follows() -> None:
    line = "x" * 500 + "HERE" + "y" * 500
    span = Span("f", 1, 501, 1, 505)
    finding = Finding("r", "", "", "", Severity.LOW, Confidence.LOW, span)
    finding = replace(finding, excerpt=Text(line).excerpt(span))
    start, length = caret(finding)
    assert len(finding.excerpt) <= 161
    assert finding.excerpt[start : start + length] == "HERE"


@given(st.text(alphabet="aé\n\U0001f600", max_size=40), st.integers(0, 40))
def test_offsets_count_characters(text: str, at: int) -> None:
    at = min(at, len(text))
    line, column = Offsets(text.encode()).place(len(text[:at].encode()))
    assert line == text[:at].count("\n") + 1
    assert column == at - (text[:at].rfind("\n") + 1) + 1


@given(st.text() | st.binary().map(lambda b: b.decode("utf-8", "surrogateescape")))
def test_printable_text_is_printable(text: str) -> None:
    assert printable(text).isprintable()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/a.py", True),
        ("src/test_a.py", True),
        ("src/a_test.py", True),
        ("conftest.py", True),
        ("a.spec.ts", False),
        ("README.md", False),
        ("docs/conf.py", False),
        ("docs/tests/a.py", False),
        ("examples/test_a.py", False),
        ("spec/a.py", False),
        ("test_data.yaml", False),
        ("src/latest.py", False),
        ("contest/a.py", False),
    ],
)
def test_only_test_code_is_known_as_such_by_its_path(path: str, expected: bool) -> None:
    assert is_test(path) is expected


def test_long_lists_say_what_they_leave_out() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed("abcde") == "a, b, c and 2 more"
