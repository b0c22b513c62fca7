"""Source text as lines, and parts of it made fit to be shown."""

from __future__ import annotations

import bisect
import codecs
from collections.abc import Iterable, Sequence

from headgate.model.finding import Finding, Span
from headgate.scan.late import late

MAX_SIZE = 2_000_000
"""Bytes above which a file is not given to the source analyzers."""
LARGEST = 50_000_000
"""Bytes above which no file is searched for secrets; a push refuses larger ones."""
TOO_LARGE = f"larger than {LARGEST // 1_000_000} MB"
WINDOW = 160
"""Characters of a line that an excerpt shows."""
LEAD = 39
"""Characters before the span in an excerpt that was cut at its left."""
CUT = "…"
MASK = "*"
_SHEBANG = late(rb"(?:\xef\xbb\xbf)?#![^\n]*\b(?:python|pypy|uv +run\b|pipx +run\b)")
_NO_TESTS = frozenset(
    {"doc", "docs", "example", "examples", "sample", "samples", "spec", "specs", "scripts"}
)
"""Folders whose files are not test code, whatever else their paths say."""


def encoding_of(data: bytes) -> str:
    """Python's name of the encoding: by the byte order mark, else UTF-16 by where the NULs are."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    sample = data[:8000]
    half = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 0.7 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 * half and odd < 0.05 * half else "utf-8"


def decode(data: bytes) -> str:
    """The text of a file, line ends as `\\n`; bytes that are not UTF-8 become U+FFFD."""
    text = data.decode(encoding_of(data), "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_binary(data: bytes) -> bool:
    """Whether it has a NUL, and so is no source; UTF-16 text that says so is not binary."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return False
    return b"\0" in data


def unreadable(data: bytes) -> str:
    """Why no source analyzer is given a file with this content; empty when they are."""
    if len(data) > MAX_SIZE:
        return f"larger than {MAX_SIZE // 1_000_000} MB"
    return "binary" if is_binary(data) else ""


def is_python(path: str, start: bytes) -> bool:
    """Whether a file with this path that begins with these bytes is Python: by name or `#!`."""
    return path.endswith((".py", ".pyi", ".pyw")) or bool(_SHEBANG.match(start))


def is_test(path: str) -> bool:
    """Whether the path is one of test code, which runs nowhere but in tests.

    Examples, documentation and scripts are not: people copy and run them.
    """
    *folders, name = path.lower().split("/")
    if _NO_TESTS.intersection(folders):
        return False
    return (
        bool({"test", "tests"}.intersection(folders))
        or name == "conftest.py"
        or (name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py")))
    )


class Text:
    """The lines of a file, and the places in it that must not be shown."""

    __slots__ = ("_hidden", "lines")

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self._hidden: dict[int, list[tuple[int, int]]] = {}

    def line(self, number: int) -> str:
        """The line with this number from 1; empty beyond the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    @property
    def hides_nothing(self) -> bool:
        """Whether all of it may be shown."""
        return not self._hidden

    def hide(self, span: Span) -> None:
        """Mask this place wherever a part of the text is shown."""
        last = max(span.end_line, span.line)
        for number in range(span.line, last + 1):
            start = span.column - 1 if number == span.line else 0
            end = span.end_column - 1 if number == last and span.end_column else 1 << 30
            self._hidden.setdefault(number, []).append((start, end))

    def shown(self, number: int) -> str:
        """The line with every hidden place masked, length kept so that columns hold."""
        line = self.line(number)
        for start, end in self._hidden.get(number, ()):
            end = min(end, len(line))
            line = line[:start] + MASK * max(0, end - start) + line[end:]
        return line

    def excerpt(self, span: Span) -> str:
        """The line of the span, masked; a long one cut so that the span stays in sight."""
        line = self.shown(span.line).rstrip()
        start = span.column - 1
        if len(line) <= WINDOW:
            return line
        if start < WINDOW - LEAD:
            return line[: WINDOW - 1] + CUT
        cut = line[start - LEAD :]
        return CUT + (cut if len(cut) < WINDOW else cut[: WINDOW - 1] + CUT)


def caret(finding: Finding) -> tuple[int, int]:
    """Where the span begins in the finding's excerpt, counted from 0, and its length there."""
    excerpt, span = finding.excerpt, finding.span
    start = LEAD + 1 if excerpt.startswith(CUT) else span.column - 1
    start = max(0, min(start, len(excerpt)))
    if span.end_line in (0, span.line) and span.end_column > span.column:
        length = span.end_column - span.column
    else:
        length = len(excerpt) - start if span.end_line > span.line else 1
    return start, max(1, min(length, len(excerpt) - start))


class Offsets:
    """Turns byte offsets of a file into lines and columns in characters."""

    __slots__ = ("_data", "_starts")

    def __init__(self, data: bytes) -> None:
        self._data = data
        starts = [0]
        at = data.find(b"\n")
        while at >= 0:
            starts.append(at + 1)
            at = data.find(b"\n", at + 1)
        self._starts = starts

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1."""
        index = bisect.bisect_right(self._starts, offset) - 1
        start = self._starts[index]
        column = len(self._data[start:offset].decode("utf-8", "replace")) + 1
        if start == 0 and self._data.startswith(codecs.BOM_UTF8) and offset >= 3:
            column -= 1
        return index + 1, column

    def span(self, path: str, start: int, end: int) -> Span:
        """The span of the bytes from `start` up to `end`."""
        line, column = self.place(start)
        end_line, end_column = self.place(end)
        return Span(path, line, column, end_line, end_column)


def printable(text: str) -> str:
    """The text with control characters and bytes that are not UTF-8 escaped: safe in any output."""
    if text.isprintable():
        return text
    out: list[str] = []
    for char in text:
        code = ord(char)
        if 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\x{code - 0xDC00:02x}")
        elif char.isprintable():
            out.append(char)
        else:
            out.append(char.encode("unicode_escape", "surrogatepass").decode("ascii"))
    return "".join(out)


def plural(count: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(items: Sequence[str] | Iterable[str], most: int = 3) -> str:
    """The first items joined, and how many are left out."""
    items = list(items)
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"
