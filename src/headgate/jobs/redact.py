"""Takes secrets out of output, however it is cut into writes and lines, or encoded."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Iterable

LEAST = 8
"""Characters of the shortest secret: a shorter one cannot be told from other output."""

_SHOWN = b"***"
_LINE = 16
"""Characters from which one line of a secret is a secret of its own."""

_BREAKS = b"\r\n"
_CONTENT = re.compile(rb"[^\r\n]+")

_BREAKS_HELD = 4096
"""Line breaks that are kept within what is held back."""

_LEFT_IN_URLS = ("/", "!'()*", "!'()*;,/?:@&=+$#")
"""What Python's `quote`, and `encodeURIComponent` and `encodeURI` of browsers leave as it is."""

_PERCENT = re.compile(rb"%[0-9A-F]{2}")
_MARKUP = (re.compile(rb"[<>&]"), re.compile(rb"[<>]"))
_UNICODE = re.compile(rb"((?<!\\)(?:\\\\)*\\u)([0-9a-f]{4})")


class Redactor:
    """Replaces secrets in a stream of bytes by `***`.

    A secret is found as it is, JSON-escaped and URL-encoded (in the variants that are usual), in
    hexadecimal and in base64 (both alphabets, at any offset in what was encoded); line breaks
    within it do not hide it. What may
    be the beginning of one is held back until more comes; of line breaks within it, those after
    the first 4096 are dropped, since to show it for their sake would show the secret.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if form}
        self._forms = sorted(forms, key=len, reverse=True)
        self._by_first: dict[int, list[bytes]] = {}
        for form in self._forms:
            self._by_first.setdefault(form[0], []).append(form)
        self._held = b""
        self._covered = 0
        """Of what is held, without line breaks: how much at its beginning `***` stands for."""

    def feed(self, data: bytes) -> bytes:
        """What may be shown now."""
        if not self._forms:
            return data
        return self._shown(self._held + data, final=False)

    def flush(self) -> bytes:
        """The rest, when nothing more comes."""
        return self._shown(self._held, final=True)

    def finds(self, data: bytes) -> bool:
        """Whether there is a secret in the data."""
        plain = data.translate(None, _BREAKS)
        return any(form in plain for form in self._forms)

    def _shown(self, data: bytes, *, final: bool) -> bytes:
        plain = data.translate(None, _BREAKS)
        spans = self._spans(plain)
        open_at = len(plain) if final else self._open(plain)
        covered, self._covered, self._held = self._covered, 0, b""
        if not spans and open_at == len(plain):
            return data
        shown = [(start, min(end, open_at)) for start, end in spans if start < open_at]
        *cuts, rest = _offsets(data, [*(at for span in shown for at in span), open_at])
        out = bytearray()
        done = 0
        for number, (start, end) in enumerate(zip(cuts[::2], cuts[1::2], strict=True)):
            out += data[done:start]
            if number or not covered:
                out += _SHOWN
            out += _CONTENT.sub(b"", data[start:end])
            done = end
        out += data[done:rest]
        self._held = _few_breaks(data[rest:])
        # A secret that reaches into what is held has been shown as one already.
        reaching = (end - open_at for start, end in spans if start < open_at < end)
        self._covered = next(reaching, 0) if open_at else covered
        return bytes(out)

    def _spans(self, plain: bytes) -> list[tuple[int, int]]:
        """Where secrets stand, without overlaps, in order."""
        found = [(0, self._covered)] if self._covered else []
        for form in self._forms:
            at = plain.find(form)
            while at >= 0:
                found.append((at, at + len(form)))
                at = plain.find(form, at + 1)
        merged: list[tuple[int, int]] = []
        for start, end in sorted(found):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged

    def _open(self, plain: bytes) -> int:
        """From where on a secret may have begun that is not complete yet."""
        longest = len(self._forms[0])
        for at in range(max(0, len(plain) - longest + 1), len(plain)):
            if any(
                len(form) > len(plain) - at and form.startswith(plain[at:])
                for form in self._by_first.get(plain[at], ())
            ):
                return at
        return len(plain)


def _offsets(data: bytes, positions: list[int]) -> list[int]:
    """Where in the data what is at these positions without line breaks stands; they ascend."""
    found: list[int] = []
    passed = 0
    for run in _CONTENT.finditer(data):
        start, end = run.span()
        while len(found) < len(positions) and positions[len(found)] < passed + end - start:
            found.append(start + positions[len(found)] - passed)
        if len(found) == len(positions):
            break
        passed += end - start
    return found + [len(data)] * (len(positions) - len(found))


def _few_breaks(held: bytes) -> bytes:
    """Without the line breaks that are too many: all else in it is shorter than a secret."""
    if len(held) <= _BREAKS_HELD:
        return held
    out = bytearray()
    room = _BREAKS_HELD
    at = 0
    for run in _CONTENT.finditer(held):
        breaks = held[at : run.start()][:room]
        room -= len(breaks)
        out += breaks + run.group()
        at = run.end()
    return bytes(out + held[at:][:room])


def _forms(secret: str) -> Iterable[bytes]:
    """Every way in which a secret is looked for, without line breaks."""
    pieces = [secret, *(line.strip() for line in secret.splitlines())]
    for number, piece in enumerate(pieces):
        if len(piece) < (_LINE if number else LEAST):
            continue
        raw = piece.encode("utf-8", "surrogateescape")
        for form in (raw, *_in_json(piece), *_in_urls(raw), raw.hex().encode()):
            yield form.translate(None, _BREAKS)
        yield raw.hex().upper().encode()
        for lead in range(3):
            yield from _in_base64(raw, lead)


def _in_json(piece: str) -> Iterable[bytes]:
    """As the usual writers of JSON escape it: all that is not ASCII, slashes, what HTML means."""
    for ascii_only in (True, False):
        text = json.dumps(piece, ensure_ascii=ascii_only)[1:-1]
        plain = text.encode("utf-8", "surrogateescape")
        for slashes in (plain, plain.replace(b"/", b"\\/")):
            for form in (slashes, *(markup.sub(_escaped, slashes) for markup in _MARKUP)):
                yield form
                yield _UNICODE.sub(lambda found: found[1] + found[2].upper(), form)


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0])


def _in_urls(raw: bytes) -> Iterable[bytes]:
    """As the usual functions quote it for a path, a query or a form."""
    quoted = [urllib.parse.quote(raw, safe=safe) for safe in ("", *_LEFT_IN_URLS)]
    quoted.append(urllib.parse.quote_plus(raw))
    quoted.append(urllib.parse.quote_plus(raw, safe="*").replace("~", "%7E"))
    for text in quoted:
        form = text.encode("ascii")
        yield form
        yield _PERCENT.sub(lambda found: found[0].lower(), form)


def _in_base64(raw: bytes, lead: int) -> Iterable[bytes]:
    """The characters that depend on nothing but `raw`, with `lead` bytes before it."""
    first = -(-lead * 8 // 6)
    last = (lead + len(raw)) * 8 // 6
    encoded = base64.b64encode(b"\0" * lead + raw)[first:last]
    if len(encoded) >= LEAST:
        yield encoded
        yield encoded.replace(b"+", b"-").replace(b"/", b"_")
