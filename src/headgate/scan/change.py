"""What a change introduces: its commits in a repository, turned into files for the analyzers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headgate.model.change import CommitInfo
from headgate.model.finding import CheckResult, Outcome
from headgate.model.ids import Commit
from headgate.model.patterns import matches
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.engine import CHECKS, MAX_SIZE, Past, Request
from headgate.scan.runner import ScanRunner
from headgate.vcs.repository import ChangedFile, Repository

__all__ = ["ScanRunner", "gather", "scan_change"]

MAX_BYTES = 256 << 20
"""Of all files together; a larger change is not examined, and so denied."""
MAX_COMMITS = 500
"""Commits of a change whose own states are searched for secrets; a longer change is denied."""

REGULAR = frozenset({0o100644, 0o100755, 0o100664})
"""Modes of files with content."""
_SYMLINK, _SUBMODULE = 0o120000, 0o160000


@dataclass(frozen=True, slots=True)
class Gathered:
    """The files of a change."""

    request: Request
    skipped: tuple[str, ...] = ()
    """`path: reason` of those that no analyzer is given."""
    problem: str = ""
    """Why the change cannot be examined at all; empty when it can."""


async def scan_change(
    repo: Repository,
    base: Commit,
    head: Commit,
    *,
    exclude: tuple[str, ...],
    runner: ScanRunner,
) -> tuple[CheckResult, ...]:
    """The checks `source` and `secrets`: what is found in `head` and was not there in `base`.

    Secrets are sought in every commit between the two as well: what a later commit removes still
    lands in the history. `exclude`: patterns of files that the source check leaves out. Raises
    GitError when git cannot answer.
    """
    gathered = await gather(repo, base, head, exclude)
    if gathered.problem:
        return tuple(
            CheckResult(check, Outcome.NOT_RUN, gathered.problem, skipped=gathered.skipped)
            for check in CHECKS
        )
    return await runner.scan(gathered.request)


async def gather(
    repo: Repository, base: Commit, head: Commit, exclude: Sequence[str] = ()
) -> Gathered:
    """The files that differ, as they are in both commits and in those between."""
    changed = await repo.changed(base, head)
    skipped = [f"{file.path}: {why}" for file in changed if (why := left_out(file))]
    touched = [file for file in changed if file.new_mode in REGULAR]
    before = [file for file in changed if file.old_mode in REGULAR]
    between, problem = await history(repo, base, head, {file.new_object for file in changed})
    ids = {file.new_object for file in touched} | {file.old_object for file in before}
    ids |= {file.new_object for _, file in between}
    sizes = await repo.sizes(ids)
    skipped += [
        f"{file.path}: larger than {MAX_SIZE // 1_000_000} MB"
        for file in touched
        if sizes.get(file.new_object, 0) > MAX_SIZE
    ]
    wanted = {name for name, size in sizes.items() if size <= MAX_SIZE}
    total = sum(sizes[name] for name in wanted)
    if total > MAX_BYTES:
        most = MAX_BYTES >> 20
        problem = f"the files hold {total >> 20} MB; at most {most} MB can be examined at once"
    if problem:
        return Gathered(Request(()), tuple(skipped), problem)
    data = await repo.blobs(wanted)
    request = Request(
        head=_files(((file.path, file.new_object) for file in touched), data),
        base=_files(((file.old_path, file.old_object) for file in before), data),
        renamed={file.path: file.old_path for file in changed if file.path != file.old_path},
        excluded=frozenset(file.path for file in touched if matches(file.path, exclude)),
        history=tuple(
            Past(commit, SourceFile(file.path, data[file.new_object]))
            for commit, file in between
            if file.new_object in data
        ),
        skipped=tuple(skipped),
    )
    return Gathered(request, tuple(skipped))


def _files(places: Iterable[tuple[str, str]], data: dict[str, bytes]) -> tuple[SourceFile, ...]:
    return tuple(SourceFile(path, data[name]) for path, name in places if name in data)


def left_out(file: ChangedFile) -> str:
    """Why what is at this path is no file to examine; empty when it is one."""
    if file.new_mode == _SYMLINK:
        return "symbolic link"
    return "submodule" if file.new_mode == _SUBMODULE else ""


async def history(
    repo: Repository, base: Commit, head: Commit, known: set[str], *, least: int = 2
) -> tuple[list[tuple[Commit, ChangedFile]], str]:
    """Files of the commits between base and head whose objects are not `known`, with the commit.

    Fewer commits than `least` are not looked at: what a single one has is in the head. The text
    says why the history is too long to be examined; empty when it is not.
    """
    commits = await repo.commits(base, head)
    if len(commits) > MAX_COMMITS:
        return [], f"the change has {len(commits)} commits; at most {MAX_COMMITS} can be examined"
    found: list[tuple[Commit, ChangedFile]] = []
    seen = set(known)
    if len(commits) < least:
        return found, ""
    for info in commits:
        for file in await _own(repo, info):
            if file.new_mode in REGULAR and file.new_object not in seen:
                seen.add(file.new_object)
                found.append((info.commit, file))
    return found, ""


async def _own(repo: Repository, info: CommitInfo) -> list[ChangedFile]:
    """What the commit changes; of a merge, only what none of its parents has."""
    if not info.parents:
        return await repo.changed(None, info.commit)
    first = await repo.changed(info.parents[0], info.commit)
    for parent in info.parents[1:]:
        others = {file.path for file in await repo.changed(parent, info.commit)}
        first = [file for file in first if file.path in others]
    return first
