"""What outlives a run: artifacts, and the caches of a job."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from headgate.jobs.dispatch.area import copy_plain, real_directory, regular_files, remove

ARTIFACT_BYTES = 1 << 30
ARTIFACT_FILES = 5000

_FAULT_OF_THE_JOB = frozenset(
    # Unreadable, a directory in one place and a file in the other, a name that is too long.
    {errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
)


def collect(
    checkout: Path, patterns: Sequence[str], own: Path, target: Path
) -> tuple[tuple[str, ...], str]:
    """Copy artifacts: plain files of the checkout that match, and all below `own`.

    Returns their paths below `target`, and a note when some were left out. OSError when the
    target cannot be written.
    """
    found: dict[str, Path] = {}
    if patterns:
        found.update((path, checkout / path) for path in regular_files(checkout, patterns))
    found.update((path, own / path) for path in regular_files(own, None))
    kept: list[str] = []
    notes: list[str] = []
    size = 0
    for path, source in found.items():
        size += source.lstat().st_size
        if size > ARTIFACT_BYTES or len(kept) == ARTIFACT_FILES:
            notes.append(
                f"{len(found) - len(kept)} artifacts are left out: at most {ARTIFACT_FILES} files "
                f"and {ARTIFACT_BYTES >> 20} MiB are kept"
            )
            break
        try:
            copy_plain(source, target / path)
        except OSError as error:
            if error.errno not in _FAULT_OF_THE_JOB:
                raise
            notes.append(f"artifact {path} is left out: {error.strerror}")
            continue
        kept.append(path)
    return tuple(kept), "\n".join(notes)


def is_empty(area: Path, directory: Path) -> bool:
    """Whether `directory`, somewhere below the work area, is still there and holds nothing."""
    if not real_directory(area, str(directory.relative_to(area))):
        return False
    try:
        with os.scandir(directory) as entries:
            return next(entries, None) is None
    except PermissionError:
        return False  # Locked by the job; collecting it says so.


def collect_from(
    area: Path, checkout: Path, patterns: tuple[str, ...], own: Path, target: Path
) -> tuple[tuple[str, ...], str]:
    """Collect from a work area that a job has had its way with. OSError, as `collect`."""
    # The job may have put a link where its directories were.
    if not real_directory(area, str(own.relative_to(area))):
        return (), "the artifacts directory is gone: none are kept"
    if not real_directory(area, str(checkout.relative_to(area))):
        return (), "the checkout is gone: no artifacts are kept"
    return collect(checkout, patterns, own, target)


class Caches:
    """Directories that a job finds again as the last passing run of a landed change left them.

    A run works on a copy, so runs at the same time do not see each other. A run that fails, or
    whose change does not land, leaves nothing behind: it could break the tests of those after it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def _kept(self, project: str, job: str, name: str) -> Path:
        digest = hashlib.sha256("\0".join((project, job, name)).encode("utf-8", "surrogateescape"))
        return self._root / digest.hexdigest()[:32]

    def fill(self, project: str, job: str, caches: Mapping[str, str], checkout: Path) -> list[str]:
        """Put copies into a checkout; returns a note for each that could not be. OSError."""
        notes: list[str] = []
        for name, directory in caches.items():
            place = checkout / directory
            if not _free_for(checkout, directory):
                notes.append(f"cache {name} is not used: the project has something at {directory}")
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            kept = self._kept(project, job, name)
            if kept.is_dir():
                subprocess.run(
                    ["cp", "-a", "--reflink=auto", "--", str(kept), str(place)],
                    check=True,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                )
            else:
                place.mkdir(exist_ok=True)
        return notes

    def keep(
        self, run: int, project: str, job: str, caches: Mapping[str, str], checkout: Path
    ) -> None:
        """Put aside what a passing run left, until `promote` or `discard`. OSError.

        It is code that has not landed: no other run may meet it before it has.
        """
        for name, directory in caches.items():
            if not real_directory(checkout, directory):
                continue
            aside = self._aside(run) / self._kept(project, job, name).name
            aside.parent.mkdir(parents=True, exist_ok=True)
            remove(aside)
            try:
                (checkout / directory).rename(aside)
            except OSError:
                # Another file system.
                shutil.move(str(checkout / directory), aside)

    def promote(self, run: int) -> None:
        """What this run left is found by later runs: its change has landed. OSError."""
        place = self._aside(run)
        if not place.is_dir():
            return
        for aside in place.iterdir():
            kept = self._root / aside.name
            old = kept.with_suffix(f".{os.getpid()}-old")
            if kept.exists():
                kept.rename(old)
            aside.rename(kept)
            remove(old)
        remove(place)

    def discard(self, run: int) -> None:
        """What this run left is not wanted. OSError."""
        remove(self._aside(run))

    def discard_all(self) -> None:
        """Let go of everything that is put aside, as when a process begins. OSError."""
        remove(self._root / "aside")

    def _aside(self, run: int) -> Path:
        return self._root / "aside" / str(run)


def _free_for(checkout: Path, directory: str) -> bool:
    """Whether nothing, or only real directories on the way, is at this place."""
    parts = Path(directory).parts
    if not parts or any(part in ("..", "/") for part in parts):
        return False
    for count in range(1, len(parts) + 1):
        relative = "/".join(parts[:count])
        path = checkout / relative
        if not os.path.lexists(path):
            return True
        if not real_directory(checkout, relative):
            return False
    return False
