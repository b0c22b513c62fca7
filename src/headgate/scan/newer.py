"""What is new in a work tree, or in a range of commits, as a request."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from headgate.model.errors import BadInput
from headgate.model.ids import Commit
from headgate.model.patterns import matches
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.change import (
    LINKS,
    READ,
    REGULAR,
    SUBMODULE,
    Between,
    Gathered,
    files_of,
    gather,
    history,
)
from headgate.scan.context import is_code, within
from headgate.scan.request import Request
from headgate.scan.text import LARGEST, TOO_LARGE, printable
from headgate.scan.tree import SUBMODULE_KIND, Read, Root, read_file
from headgate.vcs.diff import parse_raw
from headgate.vcs.git import run_git
from headgate.vcs.repository import ChangedFile, Repository


async def beyond(root: Root, base: str, exclude: Sequence[str]) -> Gathered:
    """What there is beyond a revision, or in a range `A..B`. Raises BadInput."""
    if root.repository is None:
        raise BadInput(
            f"{printable(str(root.path))} is not in a git repository, so there is no {base!r}.",
            "Leave --base out to examine every file.",
        )
    first, dots, last = base.partition("..")
    if dots:
        old = await _commit(root.repository, first or "HEAD")
        new = await _commit(root.repository, last.removeprefix(".") or "HEAD")
        return await gather(root.repository, await _common(root, old, new), new, exclude)
    old = await _commit(root.repository, base)
    return await _work_tree(root, root.repository, old, exclude)


async def _commit(repository: Repository, rev: str) -> Commit:
    commit = await repository.resolve(rev)
    if commit is None:
        raise BadInput(
            f"There is no revision {rev!r} in this repository.",
            "Name a branch, a tag or a commit, e.g. --base origin/main.",
        )
    return commit


async def _common(root: Root, old: Commit, new: Commit) -> Commit:
    assert root.repository is not None
    return old if old == new else await root.repository.merge_base(old, new) or old


async def _work_tree(
    root: Root, repository: Repository, old: Commit, exclude: Sequence[str]
) -> Gathered:
    """What the work tree, uncommitted files included, has beyond where it left `old`."""
    head = await repository.resolve("HEAD")
    base = old if head is None else await _common(root, old, head)
    place = ("-C", str(root.path))
    raw, others = await asyncio.gather(
        run_git(
            *place, "diff", "--raw", "-z", "-M", "--no-abbrev", "--no-ext-diff",
            "--ignore-submodules=dirty", base,
        ),
        run_git(*place, "ls-files", "-z", "--others", "--exclude-standard"),
    )  # fmt: skip
    changed = parse_raw(raw.out)[0]
    untracked = [os.fsdecode(name) for name in others.out.split(b"\0") if name]
    read = Read()
    for file in changed:
        if file.new_mode == SUBMODULE:
            read.skipped.append(f"{file.path}: {SUBMODULE_KIND}")
    for path in dict.fromkeys((*(f.path for f in changed if f.new_mode in READ), *untracked)):
        read.add(root.path, path)
    before = [file for file in changed if file.old_mode in READ]
    between = Between()
    if head is not None and head != base:
        between = await history(repository, base, head, changed, least=1)
    ids = {file.old_object for file in before} | {file.new_object for _, file in between.files}
    sizes = await repository.sizes(ids)
    for _, file in between.files:
        if sizes.get(file.new_object, 0) > LARGEST:
            read.unread[file.path] = TOO_LARGE
    data = await repository.blobs(name for name, size in sizes.items() if size <= LARGEST)
    around, unfollowed = await _around(root, changed, untracked, exclude)
    now = {file.data for file in (*read.files, *read.links)}
    was = [(file.old_path, file.old_mode, file.old_object) for file in before]
    request = Request(
        head=tuple(read.files),
        base=files_of(was, data, REGULAR),
        context=around,
        unfollowed=unfollowed,
        renamed={file.path: file.old_path for file in changed if file.path != file.old_path},
        excluded=frozenset(
            path
            for path in (*(f.path for f in read.files), *(f.old_path for f in before))
            if matches(path, exclude)
        ),
        history=between.past(data, now),
        links=tuple(read.links),
        base_links=files_of(was, data, LINKS),
        messages=between.messages,
        unread=read.unread,
        skipped=tuple(read.skipped),
    )
    return Gathered(request, tuple(read.skipped), between.problem)


async def _around(
    root: Root, changed: Sequence[ChangedFile], untracked: Sequence[str], exclude: Sequence[str]
) -> tuple[tuple[SourceFile, ...], str]:
    """The code of the work tree beside what is new in it."""
    new = {file.path for file in changed} | set(untracked)
    if not any(is_code(path) for path in new):
        return (), ""
    tracked = await run_git("-C", str(root.path), "ls-files", "-z", "--cached", "--full-name")
    names = dict.fromkeys(os.fsdecode(name) for name in tracked.out.split(b"\0") if name)
    files: list[SourceFile] = []
    for name in names:
        if is_code(name) and name not in new and not matches(name, exclude):
            content = read_file(root.path, name)
            if isinstance(content, bytes):
                files.append(SourceFile(name, content))
    return within(files)
