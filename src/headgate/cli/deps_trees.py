"""The states of a project whose dependencies are looked at: work trees, commits, documents."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from headgate.cli.output import printable
from headgate.deps.change import read_commit
from headgate.deps.compare import Files
from headgate.deps.inventory import Inventory, inventory
from headgate.deps.reachability import Imports, imports_of, is_source
from headgate.deps.sbom.reading import LARGEST, read_sbom
from headgate.deps.sbom.subject import Subject
from headgate.deps.worktree import read_directory
from headgate.model.errors import BadInput, CouldNotRun
from headgate.model.ids import Commit
from headgate.scan.tree import Root, find_root, select


@dataclass(frozen=True, slots=True)
class State:
    """A project as it is, or was."""

    inventory: Inventory
    subject: Subject
    imports: Imports | None = None
    """What its code imports; None when that was not asked for or cannot be known."""


def state_of(path: str, rev: str = "", *, imports: bool = False) -> State:
    """The state at a path: a directory, as it is or as a revision has it, or a document.

    Raises HeadgateError.
    """
    place = Path(path)
    if not os.path.lexists(place):
        raise BadInput(f"There is no {printable(path)}.", "Name a directory, or an SBOM in JSON.")
    if place.is_file():
        return _document(place)
    return asyncio.run(_directory(place.absolute(), rev, imports))


async def _directory(place: Path, rev: str, imports: bool) -> State:
    root = await find_root(place)
    if rev:
        commit = await commit_of(root, rev)
        assert root.repository is not None
        files = await read_commit(root.repository, commit)
        info = await root.repository.info(commit)
        created = datetime.fromtimestamp(info.committer.time, UTC)
        return State(inventory(files), Subject(root.path.name, commit, created))
    selection = await select(root, [place], "", ())
    files = read_directory(root.path, selection.paths)
    found: Imports | None = None
    if imports:
        found = Imports()
        for name in selection.paths:
            if is_source(name) and (data := _source(root.path / name)):
                found = found.joined(imports_of(name, data))
    return State(inventory(files), Subject(place.name, "", await _time(root)), found)


async def files_of(root: Root, rev: str) -> Files:
    """What the manifests of a revision say; of the work tree when it is empty."""
    if not rev:
        selection = await select(root, [], "", ())
        return read_directory(root.path, selection.paths)
    commit = await commit_of(root, rev)
    assert root.repository is not None
    return await read_commit(root.repository, commit)


async def commit_of(root: Root, rev: str) -> Commit:
    """The commit that a revision names. Raises BadInput."""
    if root.repository is None:
        raise BadInput(
            f"{printable(str(root.path))} is not in a git repository, so there is no {rev!r}.",
            "Go to a clone of the project.",
        )
    commit = await root.repository.resolve(rev)
    if commit is None:
        raise BadInput(
            f"There is no revision {rev!r} in this repository.",
            "Name a branch, a tag or a commit, e.g. origin/main.",
        )
    return commit


def _document(place: Path) -> State:
    try:
        if place.stat().st_size > LARGEST:
            raise BadInput(f"{printable(str(place))} is larger than {LARGEST >> 20} MB.")
        data = place.read_bytes()
        changed = place.stat().st_mtime
    except OSError as error:
        raise CouldNotRun(f"{printable(str(place))} cannot be read: {error.strerror}.") from error
    found = read_sbom(data, printable(str(place)))
    return State(found, Subject(place.name, "", datetime.fromtimestamp(changed, UTC)))


def _source(place: Path) -> bytes:
    try:
        if place.is_symlink() or not place.is_file():
            return b""
        return place.read_bytes()
    except OSError:
        return b""


async def _time(root: Root) -> datetime:
    """When a work tree came to be: with its commit, so that writing twice gives the same."""
    if (given := os.environ.get("SOURCE_DATE_EPOCH", "")).isdecimal():
        return datetime.fromtimestamp(int(given), UTC)
    if root.repository is not None and (head := await root.repository.resolve("HEAD")):
        info = await root.repository.info(head)
        return datetime.fromtimestamp(info.committer.time, UTC)
    return datetime.now(UTC).replace(microsecond=0)
