"""Files, lowered; kept between runs by what is in them."""

from __future__ import annotations

import hashlib
import marshal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from headgate.scan.ir.nodes import Module, as_plain, from_plain
from headgate.scan.kept import keep, program, take, tidy
from headgate.scan.text import decode

_AT_ONCE = 64
"""Files that one process is given at once."""
_FEW = 100
"""Fewer files are lowered in this process."""
_PROGRAM = ("front", "ir")
"""Rooms that the lowering is in: another program finds nothing of what was kept."""


class Lowered:
    """One file: what is known of it at once, and its tree on demand."""

    __slots__ = ("_body", "broken", "data", "given", "imports", "mentions")

    def __init__(self, given: bytes, data: bytes, packed: bytes) -> None:
        self.given = given
        """The file as it is."""
        self.data = data
        """Its text in UTF-8, to which the offsets of the tree refer."""
        head, self._body = marshal.loads(packed)
        self.imports: tuple[str, ...] = head[0]
        self.mentions: frozenset[str] = head[1]
        self.broken: tuple[tuple[int, int], ...] = head[2]

    def module(self) -> Module:
        """The tree."""
        return from_plain(marshal.loads(self._body))


def normal(data: bytes) -> bytes:
    """The text of a file in UTF-8, without a byte order mark, with `\\n` as line ends."""
    if data.isascii() and b"\r" not in data and b"\0" not in data[:8000]:
        return data
    return decode(data).encode("utf-8", "replace")


def lowered(
    files: Mapping[str, bytes],
    cache: Path | None,
    jobs: int = 1,
    last: Mapping[str, Lowered] | None = None,
) -> dict[str, Lowered]:
    """The files by path, in the order of their paths. `last`: what may be taken over."""
    out: dict[str, Lowered] = {}
    missing: list[tuple[str, bytes]] = []
    for path in sorted(files):
        before = last.get(path) if last is not None else None
        if before is not None and before.given is files[path]:
            out[path] = before
            continue
        data = normal(files[path])
        kept = take(_place(cache, path, data)) if cache is not None else None
        if kept is None:
            missing.append((path, data))
        else:
            out[path] = Lowered(files[path], data, kept)
    for (path, data), packed in zip(missing, _lower_all(missing, jobs), strict=True):
        if cache is not None:
            keep(_place(cache, path, data), packed)
        out[path] = Lowered(files[path], data, packed)
    if cache is not None and missing:
        tidy(cache)
    return {path: out[path] for path in sorted(out)}


def _lower_all(missing: Sequence[tuple[str, bytes]], jobs: int) -> list[bytes]:
    if jobs < 2 or len(missing) < _FEW:
        return [pack(*one) for one in missing]
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Threads of the caller may hold locks: start afresh, do not fork.
    with ProcessPoolExecutor(jobs, mp_context=get_context("forkserver")) as pool:
        paths, texts = zip(*missing, strict=True)
        return list(pool.map(pack, paths, texts, chunksize=_AT_ONCE))


def pack(path: str, data: bytes) -> bytes:
    """A file, lowered and packed. Its path says the language."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 20_000))
    try:
        module = _lower(path, data)
    finally:
        sys.setrecursionlimit(limit)
    head = (module.imports, module.mentions, module.broken)
    return marshal.dumps((head, marshal.dumps(as_plain(module))))


def _lower(path: str, data: bytes) -> Module:
    if grammar(path):
        from headgate.scan.front import javascript

        return javascript.lower(path, data)
    from headgate.scan.front import python

    return python.lower(data)


def grammar(path: str) -> str:
    """By which of JavaScript's grammars a file is read; empty: by none of them."""
    ending = path.rpartition(".")[2].lower()
    if ending in ("js", "mjs", "cjs", "jsx"):
        return "javascript"
    return {"ts": "typescript", "mts": "typescript", "cts": "typescript", "tsx": "tsx"}.get(
        ending, ""
    )


def _place(cache: Path, path: str, data: bytes) -> Path:
    name = hashlib.sha256(data).hexdigest()
    return cache / f"{program(*_PROGRAM)[:32]}{grammar(path)}" / name[:2] / name[2:]
