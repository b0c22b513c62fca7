"""Work areas: made for one run, owned by whoever it runs as, and removed whatever it did."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from headgate.jobs.sandbox.interface import Owner
from headgate.model.patterns import matches


def make_area(root: Path, name: str, parts: Iterable[str]) -> Path:
    """A fresh directory below `root` that others may pass through, with directories in it."""
    area = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
    area.chmod(0o711)
    for part in parts:
        (area / part).mkdir(parents=True, exist_ok=True)
    return area


def give(path: Path, owner: Owner) -> None:
    """Make `owner` the owner of a tree, links themselves included; nothing when it is ours."""
    if owner.uid == os.geteuid():
        return
    os.lchown(path, owner.uid, owner.gid)
    for parent, directories, files in os.walk(path):
        for name in (*directories, *files):
            os.lchown(f"{parent}/{name}", owner.uid, owner.gid)


def publish(path: Path) -> None:
    """Make a finished tree ours, readable by everyone and writable by nobody else."""
    for parent, directories, files in os.walk(path):
        for name in (*directories, *files, *((".",) if parent == str(path) else ())):
            entry = f"{parent}/{name}"
            info = os.lstat(entry)
            if os.geteuid() == 0:
                os.lchown(entry, 0, 0)
            if stat.S_ISDIR(info.st_mode):
                Path(entry).chmod(0o755)
            elif stat.S_ISREG(info.st_mode):
                Path(entry).chmod(0o755 if info.st_mode & 0o111 else 0o644)


def remove(path: Path) -> None:
    """Remove a tree even when it was made read-only or too deep. OSError when it stays."""
    try:
        shutil.rmtree(path)
        return
    except FileNotFoundError:
        if not path.exists():
            return
    except (OSError, RecursionError):
        pass
    for command in (["chmod", "-R", "u+rwX", "--"], ["rm", "-rf", "--"]):
        done = subprocess.run(
            [*command, str(path)], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    if path.exists():
        said = done.stderr.decode("utf-8", "replace").strip()
        raise OSError(f"{path} cannot be removed: {said}")


def real_directory(root: Path, relative: str) -> bool:
    """Whether `relative` below `root` is a directory reached without any symbolic link.

    Projects commit links and jobs make them; the server must not follow one out of the area.
    """
    current = root
    for component in Path(relative).parts:
        if component in ("..", "/"):
            return False
        current = current / component
        try:
            mode = current.lstat().st_mode
        except OSError:
            return False
        if not stat.S_ISDIR(mode):
            return False
    return True


def regular_files(root: Path, patterns: Iterable[str] | None) -> Iterator[str]:
    """Paths below `root` of plain files that match (all for None), links never followed."""
    wanted = None if patterns is None else tuple(patterns)
    base = str(root)
    for parent, directories, files in os.walk(base):
        directories.sort()
        for name in sorted(files):
            path = f"{parent}/{name}"
            relative = os.path.relpath(path, base)
            if wanted is not None and not matches(relative, wanted):
                continue
            if stat.S_ISREG(os.lstat(path).st_mode):
                yield relative


def copy_plain(source: Path, target: Path) -> int:
    """Copy one plain file (its permission to run too); returns its size in bytes.

    Raises OSError, also when `source` has become something else.
    """
    fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as reader:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(f"{source} is not a plain file")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as writer:
            shutil.copyfileobj(reader, writer)
            os.fchmod(writer.fileno(), 0o755 if info.st_mode & 0o111 else 0o644)
    return info.st_size
