"""What output may show, and what in it means failure."""

from __future__ import annotations

import base64
import time
import tracemalloc
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.jobs.output import OutputWatch, UnusableExpression
from headgate.jobs.redact import Redactor

SECRET = 'tok/en+"ümlaut"=='


def redacted(data: bytes, *secrets: str, cut: int = 0) -> bytes:
    redactor = Redactor(secrets or (SECRET,))
    parts = [data[at : at + cut] for at in range(0, len(data), cut)] if cut else [data]
    return b"".join(redactor.feed(part) for part in parts) + redactor.flush()


RAW = SECRET.encode()
FORMS = [
    RAW,
    b"\\u00fcmlaut",
    RAW.hex().encode(),
    RAW.hex().upper().encode(),
    urllib.parse.quote(RAW, safe="").encode(),
    *(base64.b64encode(b"x" * lead + RAW + b"yz") for lead in range(4)),
    *(base64.urlsafe_b64encode(b"user:"[:lead] + RAW) for lead in range(4)),
]


@pytest.mark.parametrize("cut", [0, 1, 3, 7])
def test_a_secret_is_not_shown_in_any_form(cut: int) -> None:
    for form in (RAW, *FORMS[2:]):
        shown = redacted(b"before " + form + b" after\n", cut=cut)
        assert shown.startswith(b"before ")
        assert shown.endswith(b" after\n")
        assert b"***" in shown
        left = shown.replace(b"before ", b"").replace(b" after", b"")
        assert not any(form[i : i + 7] in left for i in range(len(form) - 6)), (form, shown)


def test_line_breaks_do_not_hide_it() -> None:
    wrapped = b"\n".join(RAW[at : at + 5] for at in range(0, len(RAW), 5))
    assert redacted(b"a " + wrapped + b" b") == b"a ***\n\n\n b"
    encoded = base64.b64encode(b"x" * 100 + RAW + b"x" * 100)
    lines = b"\r\n".join(encoded[at : at + 10] for at in range(0, len(encoded), 10))
    shown = redacted(lines, cut=4)
    assert b"***" in shown
    assert base64.b64encode(RAW)[4:12] not in shown.translate(None, b"\r\n")


def test_each_long_line_of_a_secret_is_one() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nshort\n-----END KEY-----\n"
    shown = redacted(b"x MIIEvQIBADANBgkqhkiG9w0 y short z", key)
    assert shown == b"x *** y short z"


def test_what_only_begins_like_a_secret_is_shown_as_it_is() -> None:
    assert redacted(b"tok/en+ and tok/en", cut=2) == b"tok/en+ and tok/en"


def test_output_is_not_held_back_without_reason() -> None:
    redactor = Redactor([SECRET])
    assert redactor.feed(b"hello\n") == b"hello\n"
    assert redactor.feed(b"say tok/") == b"say "
    assert redactor.feed(b"ens") == b"tok/ens"
    assert redactor.flush() == b""


ODD = "Zr+0a/<p&q> é~(x*y)\\\\ü"
"""A secret that each way of writing it down writes otherwise."""


@pytest.mark.parametrize(
    "form",
    [
        "Zr%2B0a/%3Cp%26q%3E%20%C3%A9~%28x%2Ay%29%5C%5C%C3%BC",  # quote
        "Zr%2B0a%2F%3Cp%26q%3E+%C3%A9~%28x%2Ay%29%5C%5C%C3%BC",  # quote_plus
        "Zr%2B0a%2F%3Cp%26q%3E+%C3%A9%7E%28x*y%29%5C%5C%C3%BC",  # a form, as browsers send it
        "Zr%2B0a%2F%3Cp%26q%3E%20%C3%A9~(x*y)%5C%5C%C3%BC",  # encodeURIComponent
        "Zr+0a/%3Cp&q%3E%20%C3%A9~(x*y)%5C%5C%C3%BC",  # encodeURI
        "Zr%2b0a%2f%3cp%26q%3e%20%c3%a9~%28x%2ay%29%5c%5c%c3%bc",  # in lower case
        "Zr%2b0a%2f%3cp%26q%3e%20%c3%a9~(x*y)%5c%5c%c3%bc",
        r"Zr+0a/<p&q> é~(x*y)\\\\ü",  # JSON that is not kept to ASCII
        r"Zr+0a\/<p&q> \u00e9~(x*y)\\\\\u00fc",  # PHP
        r"Zr+0a\/\u003Cp&q\u003E \u00E9~(x*y)\\\\\u00FC",
        r"Zr+0a/\u003cp\u0026q\u003e é~(x*y)\\\\ü",  # Go
        r"Zr+0a/\u003Cp\u0026q\u003E \u00E9~(x*y)\\\\\u00FC",
    ],
)
def test_a_secret_is_found_as_other_languages_quote_it(form: str) -> None:
    assert redacted(b"x=" + form.encode() + b";", ODD, cut=5) == b"x=***;"
    assert Redactor([ODD]).finds(form.encode())


def test_a_secret_of_nothing_but_line_breaks_hides_nothing() -> None:
    assert redacted(b"a\nb", "\n" * 9) == b"a\nb"


@pytest.mark.parametrize("breaks", [b"\n", b"\r\n"])
def test_line_breaks_without_end_are_neither_kept_in_memory_nor_hide_a_secret(
    breaks: bytes,
) -> None:
    redactor = Redactor([SECRET])
    assert redactor.feed(RAW[:1]) == b""
    part = breaks * (32 << 10)
    began = time.monotonic()
    tracemalloc.start()
    for _ in range(100):
        assert redactor.feed(part) == b""
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - began < 10
    assert most < 1 << 20
    shown = redactor.feed(RAW[1:] + b" after") + redactor.flush()
    assert shown.replace(b"\r", b"").replace(b"\n", b"") == b"*** after"
    assert len(shown) == len(b"*** after") + 4096


def test_few_line_breaks_are_kept_where_they_stand() -> None:
    data = RAW[:1] + b"\n" * 4000 + b"!"
    assert redacted(data, cut=100) == data
    assert redacted(RAW[:4] + b"\n" * 9000, cut=900) == RAW[:4] + b"\n" * 4096


def test_a_secret_that_overlaps_itself_without_end_is_not_kept_in_memory() -> None:
    redactor = Redactor(["abababab"])
    tracemalloc.start()
    shown = b"".join(redactor.feed(b"ab" * 500) for _ in range(300))
    now, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert shown == b"***"
    assert now < 100_000
    assert redactor.feed(b"aba, abab") + redactor.flush() == b"a, abab"


def test_secrets_that_touch_or_contain_each_other() -> None:
    assert redacted(b"abcdefghijkl", "abcdefgh", "efghijkl") == b"***"
    assert redacted(b"abcdefghijklmnop", "cdefghijkl", "abcdefghijklmnop", cut=3) == b"***"


def test_data_is_searched_whole() -> None:
    redactor = Redactor([SECRET])
    assert redactor.finds(base64.b64encode(RAW))
    assert not redactor.finds(b"nothing")


@given(
    st.lists(st.text("ab\n", min_size=8, max_size=12), min_size=1, max_size=3),
    st.binary(max_size=40).map(lambda data: bytes(b"ab\nc"[byte % 4] for byte in data)),
    st.lists(st.integers(1, 6), max_size=8),
)
def test_however_output_comes_the_same_is_shown(
    secrets: list[str], data: bytes, cuts: list[int]
) -> None:
    whole = redacted(data, *secrets)
    redactor = Redactor(secrets)
    shown, at = b"", 0
    for cut in cuts:
        shown += redactor.feed(data[at : at + cut])
        at += cut
    shown += redactor.feed(data[at:]) + redactor.flush()
    assert shown.replace(b"***", b"") == whole.replace(b"***", b"")
    plain = shown.translate(None, b"\n")
    for secret in secrets:
        bare = secret.encode().translate(None, b"\n")
        if len(secret) >= 8 and bare:
            assert bare not in plain
    if not any(Redactor([secret]).finds(data) for secret in secrets):
        assert shown == data == whole


def test_a_line_that_matches_is_told_with_its_expression() -> None:
    watch = OutputWatch(["^Traceback", "ERROR: [a-z]+"])
    assert not watch.feed(b"fine\nnot a Traceback\n")
    assert not watch.feed(b"2026 ERR")
    assert watch.feed(b"OR: disk\nmore\n")
    assert (watch.expression, watch.line) == ("ERROR: [a-z]+", "2026 ERROR: disk")
    assert watch.feed(b"whatever")


def test_a_last_line_without_a_break_counts() -> None:
    watch = OutputWatch(["fatal$"])
    assert not watch.feed(b"fatal")
    assert watch.end()
    assert not OutputWatch(["x"]).end()


def test_no_expression_takes_long() -> None:
    watch = OutputWatch(["(a+)+$", "(a|a)*b"])
    began = time.monotonic()
    assert not watch.feed(b"a" * 60_000 + b"!\n" + (b"a" * 60_000 + b"!\n") * 50)
    assert time.monotonic() - began < 2


def test_an_expression_that_cannot_be_used_is_told() -> None:
    with pytest.raises(UnusableExpression, match="cannot be used"):
        OutputWatch(["(?=x)"])
