"""Files, lowered; kept between runs by what is in them."""

from __future__ import annotations

import hashlib
import marshal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.bundle import FEW, Bundle
from headgate.scan.ir.nodes import Module, as_plain, from_plain
from headgate.scan.kept import keep, program, take, tidy
from headgate.scan.text import decode

_AT_ONCE = 64
"""Files that one process is given at once."""
_FEW = 100
"""Fewer files are lowered in this process."""
_PROGRAM = ("front", "ir")
"""Rooms that the lowering is in: another program finds nothing of what was kept."""

_Head = tuple[tuple[str, ...], tuple[tuple[int, int], ...], "bytes | frozenset[str]"]
"""Imports, what is broken, and the names: packed, until somebody asks for them."""


class Lowered:
    """One file: what is known of it at once, and its text and its tree on demand."""

    __slots__ = ("_body", "_data", "_mentions", "broken", "digest", "file", "imports")

    def __init__(
        self, file: SourceFile, digest: bytes, head: _Head, body: bytes | _Later, data: bytes | None
    ) -> None:
        self.file = file
        self.digest = digest
        """SHA-256 of `data`."""
        self.imports, self.broken, self._mentions = head
        self._body = body
        self._data = data

    @property
    def given(self) -> bytes:
        """The file as it is."""
        return self.file.data

    @property
    def data(self) -> bytes:
        """Its text in UTF-8, to which the offsets of the tree refer."""
        if self._data is None:
            self._data = normal(self.file.data)
        return self._data

    @property
    def mentions(self) -> frozenset[str]:
        """Every name in it."""
        found = self._mentions
        if isinstance(found, bytes):
            found = self._mentions = marshal.loads(found)
        return found

    def module(self) -> Module:
        """The tree."""
        body = self._body
        return from_plain(marshal.loads(body if isinstance(body, bytes) else body.packed()))


class _Later(NamedTuple):
    """A tree that is kept in a file."""

    cache: Path
    file: SourceFile
    digest: bytes

    def packed(self) -> bytes:
        path = self.file.path
        place = _place(self.cache, path, self.digest)
        kept = _unpacked(take(place))
        if kept is None:
            packed = pack(path, normal(self.file.data))
            keep(place, packed)
            kept = marshal.loads(packed)
        return kept[1]


def _unpacked(packed: bytes | None) -> tuple[_Head, bytes] | None:
    return None if packed is None else marshal.loads(packed)


def normal(data: bytes) -> bytes:
    """The text of a file in UTF-8, without a byte order mark, with `\\n` as line ends."""
    if data.isascii() and b"\r" not in data and b"\0" not in data[:8000]:
        return data
    return decode(data).encode("utf-8", "replace")


def lowered(
    files: Mapping[str, SourceFile | bytes],
    cache: Path | None,
    jobs: int = 1,
    last: Mapping[str, Lowered] | None = None,
) -> dict[str, Lowered]:
    """The files by path, in the order of their paths. `last`: what may be taken over."""
    out: dict[str, Lowered] = {}
    missing: list[tuple[SourceFile, bytes, bytes]] = []
    heads = None if cache is None or len(files) < FEW else Bundle(_heads(cache), files)
    for path in sorted(files):
        given = files[path]
        file = SourceFile(path, given) if isinstance(given, bytes) else given
        before = last.get(path) if last is not None else None
        if before is not None and before.file.digest == file.digest:
            out[path] = before
            if heads is not None:
                # Asked for, so that it stays.
                heads.get(_key(file))
            continue
        if cache is not None and heads is not None and (kept := heads.get(_key(file))) is not None:
            digest, head = kept
            out[path] = Lowered(file, digest, head, _Later(cache, file, digest), None)
            continue
        data = normal(file.data)
        digest = file.digest if data is file.data else hashlib.sha256(data).digest()
        if cache and (kept := _unpacked(take(_place(cache, path, digest)))) is not None:
            out[path] = Lowered(file, digest, *kept, data)
            if heads is not None:
                heads.put(_key(file), (digest, kept[0]))
        else:
            missing.append((file, data, digest))
    packs = _lower_all([(file.path, data) for file, data, _ in missing], jobs)
    for (file, data, digest), packed in zip(missing, packs, strict=True):
        head, body = marshal.loads(packed)
        if cache is not None:
            keep(_place(cache, file.path, digest), packed)
        if heads is not None:
            heads.put(_key(file), (digest, head))
        out[file.path] = Lowered(file, digest, head, body, data)
    if heads is not None:
        heads.keep()
    if cache is not None and missing:
        tidy(cache)
    return {path: out[path] for path in sorted(out)}


def _lower_all(missing: Sequence[tuple[str, bytes]], jobs: int) -> list[bytes]:
    if jobs < 2 or len(missing) < _FEW:
        return [pack(path, data) for path, data in missing]
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
    head: _Head = (module.imports, module.broken, marshal.dumps(module.mentions))
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


def _place(cache: Path, path: str, digest: bytes) -> Path:
    name = digest.hex()
    return cache / f"{_version()}{grammar(path)}" / name[:2] / name[2:]


def _key(file: SourceFile) -> bytes:
    return file.digest + grammar(file.path).encode()


def _heads(cache: Path) -> Path:
    return cache / f"{_version()}heads"


def _version() -> str:
    return program(*_PROGRAM)[:32]
