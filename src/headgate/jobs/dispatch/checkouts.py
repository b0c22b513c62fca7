"""Checkouts of commits that several jobs want: exported once, copied for each of them."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
import subprocess
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.jobs.dispatch.area import remove
from headgate.jobs.dispatch.interface import Exporter
from headgate.jobs.dispatch.threads import in_thread
from headgate.model.ids import Commit
from headgate.model.job import Checkout

_Key = tuple[str, Commit, tuple[str, ...]]

_REMEMBERED = 256
_FEW_FILES = 400

_CANNOT_COPY_IN_KERNEL = frozenset(
    {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM}
)


@dataclass(frozen=True, slots=True)
class Room:
    """How much is kept for copying."""

    trees: int = 16
    files: int = 100_000
    size: int = 1 << 30
    """Bytes."""


@dataclass(slots=True)
class _Tree:
    directory: Path
    files: int = 0
    size: int = 0
    copying: int = 0


class SharedCheckouts:
    """An exporter that keeps the trees of commits that are asked for again.

    Jobs get copies, never the kept files themselves: those belong to the server, in a directory
    that no sandbox shows. A commit that is asked for once costs nothing more.
    """

    def __init__(self, root: Path, exporter: Exporter, room: Room | None = None) -> None:
        """Keep trees in `root`, an empty directory on the file system of the work areas."""
        root.chmod(0o700)
        self._root = root
        self._exporter = exporter
        self._room = room or Room()
        self._asked: OrderedDict[_Key, None] = OrderedDict()
        self._kept: OrderedDict[_Key, _Tree] = OrderedDict()
        self._made: dict[_Key, asyncio.Task[None]] = {}
        self._too_large: set[tuple[str, tuple[str, ...]]] = set()
        self._count = 0

    async def export(
        self, repository: str, commit: Commit, directory: Path, patterns: tuple[str, ...] = ()
    ) -> None:
        """See Exporter.export."""
        key = (repository, commit, patterns)
        asked_before = key in self._asked
        self._asked[key] = None
        self._asked.move_to_end(key)
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        if not asked_before or (repository, patterns) in self._too_large:
            await self._exporter.export(repository, commit, directory, patterns)
            return
        if key not in self._kept:
            await self._make(key)
        tree = self._kept.get(key)
        if tree is None:
            await self._exporter.export(repository, commit, directory, patterns)
            return
        self._kept.move_to_end(key)
        tree.copying += 1
        try:
            await in_thread(copy_tree, tree.directory, directory, tree.files)
        finally:
            tree.copying -= 1

    async def close(self) -> None:
        """End the exports that nobody waits for."""
        tasks = list(self._made.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _make(self, key: _Key) -> None:
        """Export once for everybody who waits; it goes on when one of them is cancelled."""
        task = self._made.get(key)
        if task is None:
            task = self._made[key] = asyncio.create_task(self._export(key))

            def ended(task: asyncio.Task[None]) -> None:
                self._made.pop(key, None)
                if not task.cancelled():
                    task.exception()  # Told to whoever waits; perhaps nobody does any more.

            task.add_done_callback(ended)
        await asyncio.shield(task)

    async def _export(self, key: _Key) -> None:
        self._count += 1
        tree = _Tree(self._root / str(self._count))
        tree.directory.mkdir()
        try:
            repository, commit, patterns = key
            await self._exporter.export(repository, commit, tree.directory, patterns)
            await in_thread(_measure, tree)
        except BaseException:
            await in_thread(remove, tree.directory)
            raise
        # One tree does not push out all others.
        if tree.files > self._room.files // 4 or tree.size > self._room.size // 4:
            self._too_large.add((repository, patterns))
            await in_thread(remove, tree.directory)
            return
        self._kept[key] = tree
        for old in self._surplus(key):
            await in_thread(remove, old)

    def _surplus(self, fresh: _Key) -> list[Path]:
        """Forget the trees that were not used for the longest time, while there are too many."""
        gone: list[Path] = []
        for key, tree in list(self._kept.items()):
            kept = self._kept.values()
            if (
                len(kept) <= self._room.trees
                and sum(each.files for each in kept) <= self._room.files
                and sum(each.size for each in kept) <= self._room.size
            ):
                break
            if key != fresh and not tree.copying:
                del self._kept[key]
                gone.append(tree.directory)
        return gone


async def check_out(
    exporter: Exporter, source: Path, project: str, checkouts: Sequence[Checkout]
) -> None:
    """Put each checkout below `source`, side by side. Raises what the exporter does."""
    if project not in {checkout.project for checkout in checkouts}:
        # A job without a repository runs in an empty directory of its project's name.
        (source / project).mkdir()
    for checkout in checkouts:
        (source / checkout.project).mkdir()
    # Together, and all to their end: a stopped run must not leave one writing.
    outcomes = await asyncio.gather(
        *(exporter.export(c.repository, c.commit, source / c.project, c.reads) for c in checkouts),
        return_exceptions=True,
    )
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


def copy_tree(source: Path, target: Path, files: int) -> None:
    """Copy directories, plain files and links of a checkout into an empty directory.

    `files` is how many there are, about: many are left to a program. OSError.
    """
    if files > _FEW_FILES:
        done = subprocess.run(
            ["cp", "-dR", "--reflink=auto", "--", f"{source}/.", str(target)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise OSError(said[-1] if said else f"cp ended with {done.returncode}")
        return
    look = [(str(source), str(target))]
    while look:
        here, there = look.pop()
        with os.scandir(here) as entries:
            for entry in entries:
                copy = f"{there}/{entry.name}"
                if entry.is_symlink():
                    os.symlink(os.readlink(entry.path), copy)  # noqa: PTH115, PTH211
                elif entry.is_dir(follow_symlinks=False):
                    os.mkdir(copy)  # noqa: PTH102
                    look.append((entry.path, copy))
                else:
                    _copy_file(entry.path, copy)


def _copy_file(source: str, target: str) -> None:
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        info = os.fstat(reader)
        # The kernel takes away what the umask does, as it did when the source was made.
        mode = stat.S_IMODE(info.st_mode)
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            left = info.st_size
            while left > 0 and (count := os.copy_file_range(reader, writer, left)):
                left -= count
        except OSError as error:
            if error.errno not in _CANNOT_COPY_IN_KERNEL:
                raise
            with open(reader, "rb", closefd=False) as old, open(writer, "wb", closefd=False) as new:
                shutil.copyfileobj(old, new)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def _measure(tree: _Tree) -> None:
    for parent, directories, files in os.walk(tree.directory):
        tree.files += len(directories) + len(files)
        tree.size += sum(os.lstat(f"{parent}/{name}").st_size for name in files)
