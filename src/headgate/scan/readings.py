"""Other readings of a file's bytes, for what its encoding hides.

A file can be read in one way by an editor and in another by whoever looks for what is in it: text
in UTF-16 without a mark, text after a mark that lies, bytes after a NUL.
"""

from __future__ import annotations

import codecs
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, islice

from headgate.model.record import record
from headgate.scan.text import encoding_of

_TABLE = bytes(10 if byte == 0 else 63 if byte >= 0x80 else byte for byte in range(256))
"""NUL ends a line, and what is not ASCII becomes `?`: no mark can steer a reader, lengths stay."""
_BLOCK = 4096


@record
class Reading:
    """The bytes of a file as ASCII text."""

    text: str
    raw: bytes
    dense: bool
    """Whether the NULs of the file are left out."""

    def places(self, offsets: Iterable[int]) -> dict[int, tuple[int, int]]:
        """Line and column, in the file as it is decoded, of these offsets of the text."""
        wanted = sorted(set(offsets))
        if not wanted:
            return {}
        raw = list(_spread(self.raw, wanted)) if self.dense else wanted
        return dict(zip(wanted, _places(self.raw, raw), strict=True))


def readings(data: bytes) -> Iterator[Reading]:
    """Those that the decoded text does not cover already; none for UTF-8 text without NUL."""
    if encoding_of(data) not in ("utf-8", "utf-8-sig"):
        yield Reading(data.translate(_TABLE).decode("ascii"), data, dense=False)
    if b"\0" in data:
        yield Reading(data.translate(_TABLE, b"\0").decode("ascii"), data, dense=True)


def _spread(raw: bytes, offsets: Iterable[int]) -> Iterator[int]:
    """Where the bytes that have these numbers among those that are not NUL are."""
    blocks = range(0, len(raw), _BLOCK)
    counts = [len(block) - block.count(0) for block in (raw[at : at + _BLOCK] for at in blocks)]
    sums = list(accumulate(counts))
    for offset in offsets:
        number = bisect_right(sums, offset)
        left = offset - (sums[number - 1] if number else 0)
        start = number * _BLOCK
        ends = (at for at, byte in enumerate(raw[start : start + _BLOCK], start) if byte)
        yield next(islice(ends, left, None), len(raw))


def _places(raw: bytes, offsets: Iterable[int]) -> Iterator[tuple[int, int]]:
    decoder = codecs.getincrementaldecoder(encoding_of(raw))("replace")
    at, line, column, returned = 0, 1, 1, False
    for offset in offsets:
        piece = decoder.decode(raw[at:offset])
        at = offset
        if returned and piece.startswith("\n"):
            piece = piece[1:]
        returned = piece.endswith("\r") or (returned and not piece)
        piece = piece.replace("\r\n", "\n").replace("\r", "\n")
        if "\n" in piece:
            line += piece.count("\n")
            column = 0
            piece = piece[piece.rfind("\n") :]
        column += len(piece)
        yield line, column
