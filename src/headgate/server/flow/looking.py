"""Looks at the files of a branch, and at their texts before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headgate.model.finding import CheckResult, Outcome
from headgate.model.ids import Commit
from headgate.model.patterns import matches
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.change import LINKS, READ, REGULAR, SUBMODULE, files_of
from headgate.scan.engine import CHECKS, Request
from headgate.scan.runner import ScanRunner
from headgate.scan.text import LARGEST, TOO_LARGE
from headgate.server.flow.recording import (
    joined,
)
from headgate.vcs.repository import ChangedFile, Repository

BATCH = 4 << 20
"""Bytes of files per request, so that inspections of changes get their turn in between."""


@dataclass(slots=True)
class Scanned:
    """What one scan looked at, and what was said."""

    commit: Commit
    before: Commit | None
    changed: Sequence[ChangedFile]
    whole: bool
    results: tuple[CheckResult, ...] = ()
    texts: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Path → content now, of what changed since the scan before."""
    old_texts: dict[str, bytes] = field(default_factory=dict[str, bytes])

    @property
    def renamed(self) -> dict[str, str]:
        return {file.path: file.old_path for file in self.changed if file.path != file.old_path}


async def examine(
    runner: ScanRunner,
    repository: Repository,
    files: Sequence[ChangedFile],
    exclude: Sequence[str],
    tools: Mapping[str, str],
    rules: tuple[SourceFile, ...],
) -> tuple[CheckResult, ...]:
    """What the checks say of files, a batch at a time."""
    there = [file for file in files if file.new_mode in READ]
    sizes = await repository.sizes({file.new_object for file in there})
    skipped = tuple(f"{f.path}: submodule" for f in files if f.new_mode == SUBMODULE)
    told: dict[str, CheckResult] = {
        check: CheckResult(check, Outcome.PASSED, skipped=skipped) for check in CHECKS
    }
    for batch in _batches(there, sizes):
        small = {f.new_object for f in batch if sizes.get(f.new_object, 0) <= LARGEST}
        data = await repository.blobs(small)
        places = [(file.path, file.new_mode, file.new_object) for file in batch]
        request = Request(
            head=files_of(places, data, REGULAR),
            excluded=frozenset(f.path for f in batch if matches(f.path, exclude)),
            links=files_of(places, data, LINKS),
            unread={f.path: TOO_LARGE for f in batch if f.new_object not in data},
            tools=tools,
            rules=rules,
        )
        for result in await runner.scan(request):
            told[result.check] = joined(told[result.check], result)
    return tuple(told.values())


async def read_texts(repository: Repository, scanned: Scanned) -> None:
    """What changed, before and after, for the diffs that lines are followed by."""
    if scanned.before is None:
        return
    files = [f for f in scanned.changed if f.new_mode in REGULAR or f.old_mode in REGULAR]
    ids = {f.new_object for f in files} | {f.old_object for f in files}
    sizes = await repository.sizes(ids)
    small = {name for name, size in sizes.items() if size <= BATCH}
    data = await repository.blobs(small)
    pairs = [(f.path, f.new_object) for f in files]
    scanned.texts = {path: data[name] for path, name in pairs if name in data}
    pairs = [(f.old_path, f.old_object) for f in files]
    scanned.old_texts = {path: data[name] for path, name in pairs if name in data}


def _batches(files: Iterable[ChangedFile], sizes: Mapping[str, int]) -> Iterator[list[ChangedFile]]:
    batch: list[ChangedFile] = []
    held = 0
    for file in files:
        batch.append(file)
        held += min(sizes.get(file.new_object, 0), LARGEST)
        if held >= BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
