"""Author and message of a cherry-picked commit, as `git cherry-pick -x` writes them.

After git 2.39: `do_pick_commit` and `try_to_commit` in sequencer.c, `find_trailer_start` in
trailer.c, `ignore_non_trailer` and `verify_utf8` in commit.c. The tests compare it with git.
"""

from __future__ import annotations

import re
from dataclasses import replace

from headgate.model.ids import Commit
from headgate.vcs.objects import RawCommit

_PICKED = b"(cherry picked from commit "
_GENERATED = (b"Signed-off-by: ", _PICKED)
_TRAILER = re.compile(rb"[0-9A-Za-z-]+[ \t]*:")
_SCISSORS = b"# ------------------------ >8 ------------------------\n"
_SPACE = b" \t\n\r"
_COMMENT = b"#"


def picked_commit(pick: Commit, raw: RawCommit) -> RawCommit:
    """A commit with the words of one that picks it: as UTF-8, and with a line that names it."""
    author, message = _utf8(raw.author, raw.encoding), _utf8(raw.message, raw.encoding)
    text = _without_blank_lines(message.split(b"\0", 1)[0])
    if text and not text.endswith(b"\n"):
        text += b"\n"
    if not _ends_in_trailers(text):
        text += b"\n"
    text += _PICKED + pick.encode("ascii") + b")\n"
    return replace(raw, author=author, encoding=b"", message=_tidied(text))


def _utf8(data: bytes, encoding: bytes) -> bytes:
    try:
        text = data.decode(encoding.decode("ascii") or "utf-8")
    except (LookupError, UnicodeDecodeError):
        # What is no UTF-8 is taken for Latin-1, byte by byte.
        escaped = data.decode("utf-8", "surrogateescape")
        text = "".join(chr(ord(c) - 0xDC00) if "\udc80" <= c <= "\udcff" else c for c in escaped)
    return text.encode("utf-8", "replace")


def _without_blank_lines(text: bytes) -> bytes:
    """The text from its first line on that is not blank."""
    while text:
        line, newline, rest = text.partition(b"\n")
        if line.strip(_SPACE):
            break
        text = rest if newline else b""
    return text


def _tidied(text: bytes) -> bytes:
    """No space at the ends of lines, no blank lines at either end, and never two together."""
    kept: list[bytes] = []
    for line in text.split(b"\n"):
        line = line.rstrip(_SPACE)
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return b"".join(line + b"\n" for line in kept)


def _ends_in_trailers(text: bytes) -> bool:
    """Whether the last paragraph is one of trailers, like `Signed-off-by: …`."""
    lines = _lines(text[: _end_of_text(text)])
    title = next((n for n, line in enumerate(lines) if _ends_title(line)), len(lines))
    trailers = others = maybe = 0
    generated = within = False
    for line in reversed(lines[title:]):
        if line.startswith(_COMMENT):
            others, maybe = others + maybe, 0
        elif not line.strip(_SPACE):
            if within:
                others += maybe
                return trailers > 0 and (not others or (generated and trailers * 3 >= others))
        elif line.startswith(_GENERATED):
            trailers, maybe, generated, within = trailers + 1, 0, True, True
        elif _TRAILER.match(line):
            trailers, maybe, within = trailers + 1, 0, True
        elif line[:1] in (b" ", b"\t", b"\r"):
            maybe, within = maybe + 1, True
        else:
            others, maybe, within = others + 1 + maybe, 0, True
    return False


def _lines(text: bytes) -> list[bytes]:
    return [line + b"\n" for line in text.removesuffix(b"\n").split(b"\n")] if text else []


def _ends_title(line: bytes) -> bool:
    return not line.startswith(_COMMENT) and not line.strip(_SPACE)


def _end_of_text(text: bytes) -> int:
    """Where comments and lists of old conflicts begin that stand below everything else."""
    cut = 0 if text.startswith(_SCISSORS) else text.find(b"\n" + _SCISSORS) + 1
    end = cut if cut or text.startswith(_SCISSORS) else len(text)
    at, begin, conflicts = 0, None, False
    for line in _lines(text):
        if at >= end:
            break
        if line.startswith((_COMMENT, b"\n")):
            begin = at if begin is None else begin
        elif line == b"Conflicts:\n":
            conflicts = True
            begin = at if begin is None else begin
        elif not (conflicts and line.startswith(b"\t")) and begin is not None:
            begin, conflicts = None, False
        at += len(line)
    return end if begin is None else begin
