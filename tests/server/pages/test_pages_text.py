"""Whatever stands in a repository, what is shown of it is one honest, printable line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headgate.server.pages.ansi import to_html
from headgate.server.pages.render import duration
from headgate.server.views.text import hides, segments, shown_path, shown_text

anything = st.text(st.characters())  # surrogates included


@given(anything)
def test_a_shown_path_is_printable_and_on_one_line(path: str) -> None:
    shown = shown_path(path)
    shown.encode("utf-8")
    assert "\n" not in shown
    assert not any(hides(c) for c in shown)


@given(anything, anything)
def test_two_paths_never_look_alike_by_escapes(one: str, other: str) -> None:
    if one != other:
        assert shown_path(one) != shown_path(other)


def test_paths_read_as_git_writes_them() -> None:
    assert shown_path("src/app.py") == "src/app.py"
    assert shown_path("naïve ünï.txt") == "naïve ünï.txt"
    assert shown_path("we\nird\t") == '"we\\nird\\t"'
    assert shown_path(b"not-\xff.txt".decode("utf-8", "surrogateescape")) == '"not-\\xff.txt"'


@given(anything)
def test_segments_keep_every_plain_character_in_order(text: str) -> None:
    plain = "".join(piece for piece, marked in segments(text) if not marked)
    assert plain == "".join(c for c in text if not hides(c))


def test_text_that_would_reorder_a_line_is_marked() -> None:
    assert segments("a\u202eb") == [("a", False), ("\\u{202e}", True), ("b", False)]
    assert "\u202e" not in shown_text("a\u202eb")


@given(anything)
def test_logs_never_become_markup(text: str) -> None:
    html = to_html(text)
    html.encode("utf-8")
    left = html.replace("</span>", "").replace("</mark>", "")
    left = left.replace('<mark class="hidden-char">', "")
    for classes in ("ansi-bold", "ansi-red"):
        left = left.replace(f'<span class="{classes}">', "")
    if "\x1b" not in text:
        assert "<" not in left


def test_logs_keep_their_colours_and_lose_what_a_terminal_would_obey() -> None:
    assert to_html("\x1b[1;31mbad\x1b[0m<b>") == (
        '<span class="ansi-bold ansi-red">bad</span>&lt;b&gt;'
    )
    assert to_html("\x1b]0;title\x07x\x1b[2Jy\x1b[38;5;9mz") == "xyz"
    assert to_html("10%\r100%\r\nnext") == "100%\nnext"


def test_lengths_of_time_are_short() -> None:
    assert [duration(s) for s in (0.42, 12, 185, 7800, 400_000)] == [
        "0.4 s",
        "12 s",
        "3 min 05 s",
        "2 h 10 min",
        "4 days",
    ]
