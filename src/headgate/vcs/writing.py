"""Writing the many small objects of a merge at little cost.

A file costs much more to make than what stands in it: a pack and its index are two, whatever the
number of objects. Git would slow down if it had to look into hundreds of packs, so small ones are
joined, as `git repack --geometric` does; those that were joined stay for a while, for processes
that have begun to read.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.vcs.git import GitError
from headgate.vcs.objects import write_object

_FEW = 2
"""As many objects are written one by one: a pack would save nothing."""

_MOST = 16
"""Packs of ours, above which the small ones are joined."""

_NAME = "pack-headgate-"
"""How the names of our packs begin; those of other packs do not, and they are left alone."""

_FANOUT_END = 8 + 4 * 256
"""Where the ids of a pack's index begin."""

_TYPES = {"commit": 1, "tree": 2}


@dataclass(frozen=True, slots=True)
class _Packed:
    """An object as it stands in a pack."""

    id: bytes
    entry: bytes


class ObjectWriter:
    """Collects commits and trees, and writes them to a repository's objects when told to."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._waiting: dict[str, tuple[str, bytes]] = {}
        self._packs: dict[Path, int] | None = None
        self._joined: list[Path] = []

    def add(self, kind: str, data: bytes) -> str:
        """Take an object in and return its id. Git sees it after the next `flush`."""
        header = f"{kind} {len(data)}\0".encode("ascii")
        name = hashlib.sha1(header + data, usedforsecurity=False).hexdigest()
        self._waiting[name] = (kind, data)
        return name

    def settle(self, ids: Iterable[str]) -> None:
        """See that git can read these objects if they were added here. Raises GitError."""
        if not self._waiting.keys().isdisjoint(ids):
            self.flush()

    def flush(self) -> None:
        """Write what was added. Raises GitError when it cannot be written; it is lost then."""
        waiting, self._waiting = self._waiting, {}
        if len(waiting) <= _FEW:
            for kind, data in waiting.values():
                write_object(self._repository, kind, data)
            return
        packed = [_pack(name, *waiting[name]) for name in sorted(waiting)]
        try:
            if self._packs is None:
                self._packs = _found(_folder(self._repository))
            pack = _write(self._repository, packed)
            self._packs[pack] = pack.stat().st_size
            if len(self._packs) > _MOST:
                self._join(self._packs)
        except OSError as error:
            raise GitError(
                f"A pack could not be written to {self._repository.name}: {error.strerror}.",
                "Make room on the disk, or mend its permissions, then try again.",
            ) from error

    def drop(self) -> None:
        """Give up what was added and not written."""
        self._waiting.clear()

    def _join(self, packs: dict[Path, int]) -> None:
        chosen: list[Path] = []
        total = 0
        for pack, size in sorted(packs.items(), key=lambda item: item[1]):
            if len(chosen) >= _MOST // 2 and size > total:
                break  # Joining it each time would cost more than it spares.
            chosen.append(pack)
            total += size
        every = {object_.id: object_ for pack in chosen for object_ in _read(pack)}
        one = _write(self._repository, [every[name] for name in sorted(every)])
        for pack in self._joined:
            # First the index: git never looks for a pack that has none.
            for path in (pack.with_suffix(".idx"), pack):
                path.unlink(missing_ok=True)
        self._joined = [pack for pack in chosen if pack != one]
        for pack in chosen:
            del packs[pack]
        packs[one] = one.stat().st_size


def _folder(repository: Path) -> Path:
    return repository / "objects" / "pack"


def _found(folder: Path) -> dict[Path, int]:
    """Our packs that earlier writers left, and their sizes."""
    found: dict[Path, int] = {}
    for pack in folder.glob(f"{_NAME}*.pack"):
        with contextlib.suppress(FileNotFoundError):  # Another one has just joined it.
            found[pack] = pack.stat().st_size
    return found


def _read(pack: Path) -> list[_Packed]:
    """The objects of a pack of ours; none when it is gone, because others joined it."""
    try:
        index, body = pack.with_suffix(".idx").read_bytes(), pack.read_bytes()
    except FileNotFoundError:
        return []
    count = int.from_bytes(index[_FANOUT_END - 4 : _FANOUT_END], "big")
    ids = index[_FANOUT_END : _FANOUT_END + 20 * count]
    at = _FANOUT_END + 24 * count  # Behind the ids and the check sums.
    # They stand in the order of their ids, so each one ends where the next begins.
    offsets = [*struct.unpack_from(f">{count}I", index, at), len(body) - 20]
    return [
        _Packed(ids[20 * n : 20 * n + 20], body[offsets[n] : offsets[n + 1]]) for n in range(count)
    ]


def _pack(name: str, kind: str, data: bytes) -> _Packed:
    size = len(data)
    byte, size = _TYPES[kind] << 4 | size & 15, size >> 4
    head = bytearray()
    while size:
        head.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    head.append(byte)
    return _Packed(bytes.fromhex(name), bytes(head) + zlib.compress(data, 1))


def _write(repository: Path, packed: Sequence[_Packed]) -> Path:
    """Write a pack of objects in the order of their ids, and then its index."""
    body = bytearray(struct.pack(">4sII", b"PACK", 2, len(packed)))
    offsets: list[int] = []
    for object_ in packed:
        offsets.append(len(body))
        body += object_.entry
    check = hashlib.sha1(body, usedforsecurity=False).digest()
    index = bytearray(b"\xfftOc\0\0\0\2")
    counts = [0] * 256
    for object_ in packed:
        counts[object_.id[0]] += 1
    total = 0
    for count in counts:
        total += count
        index += total.to_bytes(4, "big")
    index += b"".join(object_.id for object_ in packed)
    sums = [zlib.crc32(object_.entry) for object_ in packed]
    index += struct.pack(f">{len(packed)}I{len(packed)}I", *sums, *offsets) + check
    index += hashlib.sha1(index, usedforsecurity=False).digest()
    folder = _folder(repository)
    folder.mkdir(exist_ok=True)
    pack = folder / f"{_NAME}{check.hex()}.pack"
    _put(pack, bytes(body) + check)
    _put(pack.with_suffix(".idx"), bytes(index))
    return pack


def _put(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"tmp_{path.name}")
    try:
        temporary.write_bytes(data)
        temporary.chmod(0o444)
        temporary.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
