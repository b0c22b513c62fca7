"""Logs as HTML: colours kept, everything else that a terminal would obey taken out."""

from __future__ import annotations

import re
from html import escape

from headgate.server.views.text import segments

_ESCAPE = re.compile(
    r"\x1b(?:\[([0-?]*)[ -/]*([@-~])"  # CSI, e.g. colours
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, e.g. window titles
    r"|[PX^_][^\x1b]*(?:\x1b\\)?"  # other strings
    r"|.?)",
    re.DOTALL,
)

_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def to_html(text: str) -> str:
    """Escaped HTML in which colour and weight are spans; nothing else survives."""
    parts: list[str] = []
    classes: tuple[str, ...] = ()
    at = 0
    for match in _ESCAPE.finditer(text):
        _put(parts, text[at : match.start()], classes)
        at = match.end()
        if match[2] == "m":
            classes = _after(classes, match[1] or "0")
    _put(parts, text[at:], classes)
    return "".join(parts)


def _put(parts: list[str], text: str, classes: tuple[str, ...]) -> None:
    if not text:
        return
    if "\r" in text:
        # A progress bar that rewrites its line: only what stood last is kept.
        text = "\n".join(
            line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n")
        )  # fmt: skip
    html = (
        escape(text)
        if text.isascii() and not any(c < " " and c not in "\n\t" for c in text)
        else "".join(
            f'<mark class="hidden-char">{escape(piece)}</mark>' if marked else escape(piece)
            for piece, marked in segments(text)
        )
    )
    parts.append(f'<span class="{" ".join(classes)}">{html}</span>' if classes else html)


def _after(classes: tuple[str, ...], codes: str) -> tuple[str, ...]:
    numbers = [int(c) if c.isdecimal() else 0 for c in codes.split(";")]
    now = list(classes)
    index = 0
    while index < len(numbers):
        number = numbers[index]
        if number == 0:
            now = []
        elif number == 1:
            now = [c for c in now if c != "ansi-bold"] + ["ansi-bold"]
        elif number == 22:
            now = [c for c in now if c != "ansi-bold"]
        elif 30 <= number <= 37 or 90 <= number <= 97:
            colour = f"ansi-{_COLOURS[number % 10]}"
            now = [c for c in now if c == "ansi-bold"] + [colour]
        elif number == 39:
            now = [c for c in now if c == "ansi-bold"]
        elif number in (38, 48):  # 256 colours and RGB: skip their arguments
            index += 2 if index + 1 < len(numbers) and numbers[index + 1] == 5 else 4
        index += 1
    return tuple(now)
