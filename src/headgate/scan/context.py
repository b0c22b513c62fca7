"""The files of a project that a change leaves alone: data flows through them all the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from headgate.model.ids import Commit
from headgate.model.patterns import matches
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.text import MAX_SIZE
from headgate.vcs.repository import Repository

MAX_CONTEXT = 64 << 20
"""Bytes of files that did not change; of a larger project nothing but the change is followed."""
TOO_MUCH = (
    "(the rest of the project): its code is larger than "
    f"{MAX_CONTEXT >> 20} MB, so data was followed within the change only"
)
_ENDINGS = (".py", ".pyw", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts")


def is_code(path: str) -> bool:
    """Whether a file by its name is one that data is followed through."""
    return path.endswith(_ENDINGS)


async def of_commit(
    repo: Repository, head: Commit, changed: Collection[str], exclude: Sequence[str]
) -> tuple[tuple[SourceFile, ...], str]:
    """The code in a commit beside what changed, and why there is none although there should be."""
    if not any(is_code(path) for path in changed):
        return (), ""
    entries = [
        entry
        for entry in await repo.files(head)
        if is_code(entry.path)
        and entry.path not in changed
        and entry.is_file
        and entry.size <= MAX_SIZE
        and not matches(entry.path, exclude)
    ]
    if sum(entry.size for entry in entries) > MAX_CONTEXT:
        return (), TOO_MUCH
    data = await repo.blobs({entry.object for entry in entries})
    return tuple(
        SourceFile(entry.path, data[entry.object]) for entry in entries if entry.object in data
    ), ""


def within(files: Iterable[SourceFile]) -> tuple[tuple[SourceFile, ...], str]:
    """Files that were read already, when they are not too many."""
    kept = tuple(files)
    if sum(len(file.data) for file in kept) > MAX_CONTEXT:
        return (), TOO_MUCH
    return kept, ""
