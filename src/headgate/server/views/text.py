"""Text from repositories, made safe to look at: nothing in it may hide or reorder what follows."""

from __future__ import annotations

import unicodedata

View = dict[str, object]
"""What a page shows; JSON-able."""

_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that reorder what is displayed, which source code has no honest use for."""


def hides(character: str) -> bool:
    """Whether a character is invisible, reorders the text, or is not text at all."""
    if character in "\t\n" or " " <= character <= "~":
        return False
    return character in _BIDI or unicodedata.category(character) in (
        "Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp",
    )  # fmt: skip


def shown_path(path: str) -> str:
    """A path as one printable line; quoted with escapes, as git does, when it is not plain."""
    if not any(hides(c) or c in '\n\t"\\' for c in path):
        return path
    return '"' + "".join(_escaped(c) for c in path) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if not hides(character):
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"


def segments(text: str) -> list[tuple[str, bool]]:
    """Split a line into (text, marked) pieces; what would hide is escaped and marked."""
    pieces: list[tuple[str, bool]] = []
    plain: list[str] = []
    for character in text:
        if not hides(character):
            plain.append(character)
            continue
        if plain:
            pieces.append(("".join(plain), False))
            plain = []
        pieces.append((_escaped(character), True))
    if plain:
        pieces.append(("".join(plain), False))
    return pieces


def shown_text(text: str) -> str:
    """A text of several lines with every hiding character escaped."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if hides(c) else c for c in text)
