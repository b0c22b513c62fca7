"""What a change introduces: its commits in a repository, turned into files for the analyzers."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from headgate.model.change import CommitInfo
from headgate.model.finding import CheckResult, Outcome
from headgate.model.ids import Commit
from headgate.model.patterns import matches
from headgate.model.record import record, replace
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.context import of_commit
from headgate.scan.engine import CHECKS, Past, Request
from headgate.scan.notes import message_note, names_note
from headgate.scan.runner import ScanRunner
from headgate.scan.text import LARGEST, TOO_LARGE
from headgate.vcs.repository import ChangedFile, Repository

__all__ = ["ScanRunner", "gather", "scan_change"]

MAX_BYTES = 256 << 20
"""Of all files together; a larger change is not examined, and so denied."""
MAX_COMMITS = 500
"""Commits of a change whose own states are searched for secrets; a longer change is denied."""

REGULAR = frozenset({0o100644, 0o100755, 0o100664})
"""Modes of files with content."""
LINKS = frozenset({0o120000})
"""The mode of a symbolic link, whose content is its target."""
READ = REGULAR | LINKS
SUBMODULE = 0o160000


@record
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
    tools: Mapping[str, str] | None = None,
    rules: Sequence[SourceFile] = (),
) -> tuple[CheckResult, ...]:
    """The checks `source` and `secrets`: what is found in `head` and was not there in `base`.

    Secrets are sought in every commit between the two as well, its message included: what a later
    commit removes still lands in the history. `exclude`: patterns of files that the source check
    leaves out. `tools`: of others, that it runs, too. `rules`: packs of the project's own. Raises
    GitError when git cannot answer.
    """
    gathered = await gather(repo, base, head, exclude)
    if gathered.problem:
        return tuple(
            CheckResult(check, Outcome.NOT_RUN, gathered.problem, skipped=gathered.skipped)
            for check in CHECKS
        )
    return await runner.scan(replace(gathered.request, tools=tools or {}, rules=tuple(rules)))


async def gather(
    repo: Repository, base: Commit, head: Commit, exclude: Sequence[str] = ()
) -> Gathered:
    """The files that differ, as they are in both commits and in those between."""
    changed = await repo.changed(base, head)
    skipped = tuple(f"{file.path}: submodule" for file in changed if file.new_mode == SUBMODULE)
    touched = [file for file in changed if file.new_mode in READ]
    before = [file for file in changed if file.old_mode in READ]
    between = await history(repo, base, head, changed)
    ids = {file.new_object for file in touched} | {file.old_object for file in before}
    ids |= {file.new_object for _, file in between.files}
    sizes = await repo.sizes(ids)
    unread = {
        file.path: TOO_LARGE
        for file in (*touched, *(file for _, file in between.files))
        if sizes.get(file.new_object, 0) > LARGEST
    }
    wanted = {name for name, size in sizes.items() if size <= LARGEST}
    total = sum(sizes[name] for name in wanted)
    problem = between.problem
    if total > MAX_BYTES:
        most = MAX_BYTES >> 20
        problem = f"the files hold {total >> 20} MB; at most {most} MB can be examined at once"
    if problem:
        return Gathered(Request(()), skipped, problem)
    data = await repo.blobs(wanted)
    paths = {file.path for file in changed}
    around, unfollowed = await of_commit(repo, head, paths, exclude)
    new = [(file.path, file.new_mode, file.new_object) for file in touched]
    old = [(file.old_path, file.old_mode, file.old_object) for file in before]
    request = Request(
        head=files_of(new, data, REGULAR),
        base=files_of(old, data, REGULAR),
        context=around,
        unfollowed=unfollowed,
        renamed={file.path: file.old_path for file in changed if file.path != file.old_path},
        excluded=frozenset(
            path
            for path in (*(f.path for f in touched), *(f.old_path for f in before))
            if matches(path, exclude)
        ),
        history=between.past(data),
        links=files_of(new, data, LINKS),
        base_links=files_of(old, data, LINKS),
        messages=between.messages,
        unread=unread,
        skipped=skipped,
    )
    return Gathered(request, skipped)


def files_of(
    places: Iterable[tuple[str, int, str]], data: Mapping[str, bytes], modes: frozenset[int]
) -> tuple[SourceFile, ...]:
    """Those places (path, mode, object) that have one of the modes and were read."""
    return tuple(
        SourceFile(path, data[name])
        for path, mode, name in places
        if mode in modes and name in data
    )


@record
class Between:
    """What the commits between two have that neither state shows."""

    files: tuple[tuple[Commit, ChangedFile], ...] = ()
    """Files and links whose objects neither state has."""
    names: tuple[Past, ...] = ()
    """Names that a commit gives and a later one takes."""
    messages: tuple[SourceFile, ...] = ()
    problem: str = ""
    """Why there are too many of them; empty when there are not."""

    def past(
        self, data: Mapping[str, bytes], known: Container[bytes] = frozenset()
    ) -> tuple[Past, ...]:
        """All of it that was read and is not known."""
        files = (
            Past(commit, SourceFile(file.path, data[file.new_object]))
            for commit, file in self.files
            if file.new_object in data and data[file.new_object] not in known
        )
        return (*files, *self.names)


async def history(
    repo: Repository,
    base: Commit,
    head: Commit,
    changed: Sequence[ChangedFile],
    *,
    least: int = 2,
) -> Between:
    """What is in the commits between base and head beside what is `changed` in the end.

    Of fewer commits than `least` only the messages: what a single one has is in the head.
    """
    commits = await repo.commits(base, head)
    if len(commits) > MAX_COMMITS:
        return Between(
            problem=f"the change has {len(commits)} commits; at most {MAX_COMMITS} can be examined"
        )
    messages = tuple(message_note(info.commit, info.message) for info in commits)
    if len(commits) < least:
        return Between(messages=messages)
    found: list[tuple[Commit, ChangedFile]] = []
    names: list[Past] = []
    seen = {name for file in changed for name in (file.new_object, file.old_object)}
    named = {path for file in changed for path in (file.path, file.old_path)}
    for info in commits:
        own = await _own(repo, info)
        for file in own:
            if file.new_mode in READ and file.new_object not in seen:
                seen.add(file.new_object)
                found.append((info.commit, file))
        given = [f.path for f in own if f.status in ("A", "R", "C") and f.path not in named]
        named.update(given)
        if given:
            names.append(Past(info.commit, names_note(given, info.commit)))
    return Between(tuple(found), tuple(names), messages)


async def _own(repo: Repository, info: CommitInfo) -> list[ChangedFile]:
    """What the commit changes; of a merge, only what none of its parents has."""
    if not info.parents:
        return await repo.changed(None, info.commit)
    first = await repo.changed(info.parents[0], info.commit)
    for parent in info.parents[1:]:
        others = {file.path for file in await repo.changed(parent, info.commit)}
        first = [file for file in first if file.path in others]
    return first
