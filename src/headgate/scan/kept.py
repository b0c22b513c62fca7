"""What one run works out and the next one takes over: files in the user's cache.

A file that is not whole, is not ours, or may be written by others is as good as none; one that
cannot be written is no reason to fail. What is in them is never run: plain values only. What was
kept long ago is deleted, and the oldest where there is too much.
"""

from __future__ import annotations

import functools
import hashlib
import io
import marshal
import os
import pickle
import stat
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_SUM = 32
"""Bytes of the SHA-256 at the beginning of a file."""
_DAY = 86_400
OLD = 30 * _DAY
"""Seconds after which what was kept is deleted."""
MOST = 1 << 30
"""Bytes that are kept below one directory."""
_TIDIED = ".tidied"
"""End of the name of a file beside the directory, as old as its last tidying."""
_CODE = (".py", ".toml")
_GRAMMARS = (
    "tree_sitter",
    "tree_sitter_python",
    "tree_sitter_javascript",
    "tree_sitter_typescript",
)


@functools.cache
def program(*rooms: str, libraries: tuple[str, ...] = _GRAMMARS) -> str:
    """Of the code and the tables in rooms of `scan/` (empty: in itself) and of compiled libraries,
    told apart by when and how large it was written: what another program has worked out is not
    taken over."""
    folder = Path(__file__).parent
    sum_ = hashlib.sha256(sys.version.encode())
    places = [one for room in rooms for one in (folder / room).iterdir() if one.suffix in _CODE]
    for name in libraries:
        spec = find_spec(name)
        for one in (spec and spec.submodule_search_locations) or ():
            places += Path(one).glob("*.so")
    places += (folder / "text.py", folder.parent / "model" / "finding.py")
    for path in sorted(places):
        status = path.stat()
        sum_.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return sum_.hexdigest()


def digest_of(*values: Any) -> bytes:
    """SHA-256 of picklable values: the same for equal ones, whichever of their parts are one
    object."""
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, 5)
    pickler.fast = True
    pickler.dump(values)
    return hashlib.sha256(buffer.getbuffer()).digest()


def told_apart(place: Path) -> str:
    """What tells a file of a program from another version of it; empty when it is not there."""
    try:
        status = place.stat()
    except OSError:
        return ""
    return f"{place}:{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"


def take(place: Path) -> bytes | None:
    """What was kept at a place, when it is whole and nobody else could have written it."""
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(handle)
        others = status.st_mode & 0o022 or status.st_uid != os.geteuid()
        if others or not stat.S_ISREG(status.st_mode):
            return None
        with open(handle, "rb", closefd=False) as file:
            kept = file.read()
    except OSError:
        return None
    finally:
        os.close(handle)
    data = kept[_SUM:]
    return data if hashlib.sha256(data).digest() == kept[:_SUM] else None


def keep(place: Path, data: bytes) -> None:
    """Keep it, at once or not at all."""
    part = place.with_name(f".{place.name}.{os.getpid()}")
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            part.unlink()
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(data).digest() + data)
        part.replace(place)


def take_values(place: Path) -> Any:
    """Plain values that were kept by `keep_values`; None when there are none to take."""
    data = take(place)
    if data is None:
        return None
    try:
        return marshal.loads(data)
    except (EOFError, ValueError, TypeError):
        return None


def keep_values(place: Path, values: Any) -> None:
    """Keep numbers, texts and their tuples, lists and dictionaries."""
    keep(place, marshal.dumps(values))


def tidy(root: Path, prefixes: tuple[str, ...] = ("",), now: float | None = None) -> None:
    """Delete below a directory of ours, at most once a day, what is older than `OLD`, and of the
    rest the oldest until it is not more than `MOST`. `prefixes`: of the names that are meant."""
    now = time.time() if now is None else now
    mark = root.with_name(f".{root.name}{_TIDIED}")
    try:
        if root.is_dir() and (not mark.exists() or abs(now - mark.stat().st_mtime) >= _DAY):
            mark.touch(0o600)
            os.utime(mark, (now, now))
            _delete(root, prefixes, now)
    except OSError:
        # Somebody else's directory, or another process that tidies it as well.
        return


def _delete(root: Path, prefixes: tuple[str, ...], now: float) -> None:
    found: list[tuple[float, int, str]] = []
    for folder, _, names in os.walk(root):
        for name in names:
            if name.startswith(prefixes):
                place = os.path.join(folder, name)  # noqa: PTH118 - many
                with suppress(OSError):
                    status = os.lstat(place)
                    found.append((status.st_mtime, status.st_size, place))
    found.sort(reverse=True)
    kept = 0
    for when, size, place in found:
        kept += size
        if kept > MOST or now - when > OLD:
            with suppress(OSError):
                os.unlink(place)  # noqa: PTH108 - many
    for folder, _, _ in os.walk(root, topdown=False):
        if folder != str(root):
            # Only those that are empty.
            with suppress(OSError):
                os.rmdir(folder)  # noqa: PTH106 - many
