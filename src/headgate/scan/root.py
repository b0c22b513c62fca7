"""Where the files are that the command line examines: a git work tree, or a directory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.model.errors import BadInput, CouldNotRun
from headgate.model.record import record
from headgate.scan.text import printable
from headgate.vcs.invocation import GitError, started_git

if TYPE_CHECKING:
    from headgate.vcs.repository import Repository


@record
class Root:
    """Where the files are: the root of a git work tree, or a directory outside git."""

    path: Path
    directory: Path | None
    """Git's own; None outside git."""

    @property
    def repository(self) -> Repository | None:
        if self.directory is None:
            return None
        from headgate.vcs.repository import Repository

        return Repository(self.directory)


async def find_root(start: Path) -> Root:
    """The work tree that holds `start`, or `start` itself outside git. Raises CouldNotRun, and
    BadInput inside a bare repository."""
    return root_of(start)


def root_of(start: Path) -> Root:
    """As `find_root`, for a program that has nothing else to do meanwhile."""
    return asked_root(start)()


def asked_root(start: Path) -> Callable[[], Root]:
    """As `find_root`, for a program that has other things to do meanwhile: git works until what
    is returned is called."""
    start = start if start.is_dir() else start.parent
    answer = started_git(
        "-C", str(start), "rev-parse", "--show-toplevel", "--absolute-git-dir", accept=(0, 128)
    )

    def root() -> Root:
        try:
            shown = answer()
        except GitError as error:
            raise CouldNotRun(error.message, error.remedy) from error
        if shown.code != 0:
            if "not a git repository" in shown.complaint:
                return Root(start, None)
            if "work tree" in shown.complaint:
                raise BadInput(
                    f"{printable(str(start))} is in a bare repository.", "Go to a work tree of it."
                )
            raise CouldNotRun(f"git cannot read {printable(str(start))}: {shown.complaint}.")
        top, _, directory = os.fsdecode(shown.out).rstrip("\n").partition("\n")
        return Root(Path(top), Path(directory))

    return root
