"""What a file consists of: the bodies of its functions, and the rest.

When a file changes, whoever relies on one of its functions is concerned only when that function's
body changed, and everybody when the rest did. Where bodies grew or shrank, everything behind them
stands elsewhere, and means the same.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Module, Node

_SIZE = 12
"""Bytes of a digest: they tell versions of one file apart."""


class Pieces:
    """Of one version of a file."""

    __slots__ = ("bodies", "rest", "starts")

    def __init__(self, rest: bytes, bodies: Sequence[tuple[int, int, int, bytes]]) -> None:
        self.rest = rest
        """Digest of everything outside of the bodies, and of what the file imports."""
        self.bodies = list(bodies)
        """Of every function outside of functions, in their order: where it begins, where its body
        begins and ends, and the body's digest."""
        self.starts = [one[1] for one in self.bodies]

    def plain(self) -> tuple[bytes, list[tuple[int, int, int, bytes]]]:
        """What can be kept."""
        return self.rest, self.bodies

    def function_at(self, place: int) -> int | None:
        """Where the function begins whose body a place is in, or whose beginning it is."""
        at = bisect_right(self.starts, place) - 1
        if at >= 0 and place < self.bodies[at][2]:
            return self.bodies[at][0]
        at += 1
        if at < len(self.bodies) and self.bodies[at][0] == place:
            return place
        return None


def pieces_of(module: Module, data: bytes) -> Pieces:
    """The pieces of a file. What cannot be told apart belongs to the rest."""
    found = sorted((node[1], node[5][0][1], node[2]) for node in _functions(module.body) if node[5])
    rest = hashlib.sha256(repr(module.imports).encode())
    bodies: list[tuple[int, int, int, bytes]] = []
    at = 0
    for start, begin, end in found:
        if start < at or begin < start or end < begin:
            continue
        rest.update(data[at:begin] + b"\0")
        bodies.append((start, begin, end, hashlib.sha256(data[begin:end]).digest()[:_SIZE]))
        at = end
    rest.update(data[at:])
    return Pieces(rest.digest()[:_SIZE], bodies)


def _functions(body: Sequence[Node]) -> Iterator[Node]:
    for node in body:
        op = node[0]
        if op == ir.FUNCTION:
            yield node
        elif op == ir.CLASS:
            yield from _functions(node[7])
        elif op == ir.IF:
            yield from _functions(node[4])
            yield from _functions(node[5])
        elif op == ir.TRY or op == ir.BLOCK:
            yield from _functions(node[3])


class Shift:
    """Where what stood at a place of an older version stands now."""

    def __init__(self, old: Pieces, new: Pieces) -> None:
        self._edges: list[int] = [0]
        self._by: list[int] = [0]
        for mine, theirs in zip(old.bodies, new.bodies, strict=True):
            # Within a body it stands as far behind its beginning; behind it, behind its end.
            self._edges += [mine[1], mine[2]]
            self._by += [theirs[1] - mine[1], theirs[2] - mine[2]]

    def __call__(self, place: int) -> int:
        return place + self._by[bisect_right(self._edges, place) - 1]

    def end(self, place: int) -> int:
        """The same for the end of something, which may be the end of a body."""
        return self(place - 1) + 1 if place else 0
