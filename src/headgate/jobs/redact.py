"""Takes secrets out of output, however it is cut into writes and lines, or encoded."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterable

LEAST = 8
"""Characters of the shortest secret: a shorter one cannot be told from other output."""

_SHOWN = b"***"
_LINE = 16
"""Characters from which one line of a secret is a secret of its own."""

_BREAKS = b"\r\n"


class Redactor:
    """Replaces secrets in a stream of bytes by `***`.

    A secret is found as it is, JSON-escaped, URL-encoded, in hexadecimal and in base64 (both
    alphabets, at any offset in what was encoded); line breaks within it do not hide it. What may
    be the beginning of one is held back until more comes.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._by_first: dict[int, list[bytes]] = {}
        for form in self._forms:
            self._by_first.setdefault(form[0], []).append(form)
        self._held = b""

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
        self._held = b""
        plain = data.translate(None, _BREAKS)
        spans = self._spans(plain)
        open_at = len(plain) if final else self._open(plain, spans)
        if not spans and open_at == len(plain):
            return data
        out = bytearray()
        at = position = 0  # In `data`, and in `plain`.
        span = 0
        while at < len(data):
            inside = span < len(spans) and spans[span][0] <= position
            if data[at] in _BREAKS:
                out.append(data[at])
                at += 1
                continue
            if position >= open_at:
                break
            if inside:
                start, end = spans[span]
                if position == start:
                    out += _SHOWN
                position += 1
                if position == end:
                    span += 1
            else:
                out.append(data[at])
                position += 1
            at += 1
        self._held = data[at:]
        return bytes(out)

    def _spans(self, plain: bytes) -> list[tuple[int, int]]:
        """Where secrets stand, without overlaps, in order."""
        found: list[tuple[int, int]] = []
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

    def _open(self, plain: bytes, spans: list[tuple[int, int]]) -> int:
        """From where on a secret may have begun that is not complete yet."""
        longest = len(self._forms[0])
        first = max(0, len(plain) - longest + 1)
        for at in range(first, len(plain)):
            if any(
                len(form) > len(plain) - at and form.startswith(plain[at:])
                for form in self._by_first.get(plain[at], ())
            ):
                # A whole secret that reaches into it is held back with it.
                return min([at, *(start for start, end in spans if start < at < end)])
        return len(plain)


def _forms(secret: str) -> Iterable[bytes]:
    """Every way in which a secret is looked for, without line breaks."""
    pieces = [secret, *(line.strip() for line in secret.splitlines())]
    for number, piece in enumerate(pieces):
        if len(piece) < (_LINE if number else LEAST):
            continue
        raw = piece.encode("utf-8", "surrogateescape")
        escaped = json.dumps(piece)[1:-1].encode("ascii")
        quoted = urllib.parse.quote(raw, safe="").encode("ascii")
        for form in (raw, escaped, quoted, raw.hex().encode(), raw.hex().upper().encode()):
            yield form.translate(None, _BREAKS)
        for lead in range(3):
            yield from _in_base64(raw, lead)


def _in_base64(raw: bytes, lead: int) -> Iterable[bytes]:
    """The characters that depend on nothing but `raw`, with `lead` bytes before it."""
    first = -(-lead * 8 // 6)
    last = (lead + len(raw)) * 8 // 6
    encoded = base64.b64encode(b"\0" * lead + raw)[first:last]
    if len(encoded) >= LEAST:
        yield encoded
        yield encoded.replace(b"+", b"-").replace(b"/", b"_")
