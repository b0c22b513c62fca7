"""What the command line examines: a work tree, what is new in it, or a range of commits."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from headgate.model.errors import BadInput, CouldNotRun
from headgate.model.finding import CheckResult, Outcome
from headgate.model.ids import Commit
from headgate.model.patterns import matches
from headgate.scan.analyzers.interface import Analyzer, SourceFile
from headgate.scan.change import (
    LINKS,
    READ,
    REGULAR,
    SUBMODULE,
    TOO_LARGE,
    Between,
    Gathered,
    files_of,
    gather,
    history,
)
from headgate.scan.context import is_code, within
from headgate.scan.engine import CHECKS, Request, examine
from headgate.scan.text import LARGEST, plural, printable
from headgate.vcs.diff import parse_raw
from headgate.vcs.git import GitError, run_git
from headgate.vcs.repository import ChangedFile, Repository

BATCH = 32 << 20
"""Bytes of files that are held in memory at once when a whole tree is examined."""
_LINK, _SUBMODULE, _SPECIAL = "symbolic link", "submodule", "not a regular file"
_NO_FILES = frozenset({_SUBMODULE, _SPECIAL})
_NOT_WALKED = frozenset({".git", ".hg", ".svn", "node_modules", ".venv", "__pycache__", ".tox"})


@dataclass(frozen=True, slots=True)
class Root:
    """Where the files are: the root of a git work tree, or a directory outside git."""

    path: Path
    repository: Repository | None


@dataclass(frozen=True, slots=True)
class Selection:
    """What to examine."""

    root: Root
    base: str
    """What it is compared with, as a person reads it; empty: everything counts."""
    paths: tuple[str, ...]
    """Every file, relative to the root; read when it is its turn."""
    request: Request | None
    """The files of a range or of what is new, read already; `paths` names them too."""
    skipped: tuple[str, ...] = ()
    problem: str = ""


async def find_root(start: Path) -> Root:
    """The work tree that holds `start`, or `start` itself outside git. Raises CouldNotRun."""
    start = _directory(start)
    try:
        shown = await run_git(
            "-C", str(start), "rev-parse", "--show-toplevel", "--absolute-git-dir", accept=(0, 128)
        )
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
    return Root(Path(top), Repository(Path(directory)))


def _directory(path: Path) -> Path:
    return path if path.is_dir() else path.parent


async def select(root: Root, paths: Sequence[Path], base: str, exclude: Sequence[str]) -> Selection:
    """The files to examine.

    `paths`: files and directories to keep to; none: all. `base`: a revision, for what the work
    tree has beyond it; `A..B`, for a range of commits; empty, for the whole work tree. Raises
    BadInput for paths and revisions that are not there.
    """
    wanted = inside(root, paths)
    if not base:
        listed, skipped = await _listed(root, wanted)
        if not listed:
            raise BadInput(
                f"There is no file to examine in {printable(str(root.path))}.",
                "Go to the project, or name files or directories.",
            )
        return Selection(root, "", tuple(listed), None, tuple(skipped))
    if root.repository is None:
        raise BadInput(
            f"{printable(str(root.path))} is not in a git repository, so there is no {base!r}.",
            "Leave --base out to examine every file.",
        )
    first, dots, last = base.partition("..")
    if dots:
        old = await _commit(root.repository, first or "HEAD")
        new = await _commit(root.repository, last.removeprefix(".") or "HEAD")
        gathered = await gather(root.repository, await _common(root, old, new), new, exclude)
    else:
        old = await _commit(root.repository, base)
        gathered = await _work_tree(root, root.repository, old, exclude)
    request = _kept(gathered.request, wanted)
    names = tuple(file.path for file in request.head)
    return Selection(root, base, names, request, gathered.skipped, gathered.problem)


def run(
    selection: Selection,
    tools: Sequence[Analyzer],
    exclude: Sequence[str],
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[CheckResult, ...]:
    """The checks `source` and `secrets` over a selection. `progress` hears how many are done."""
    if selection.problem:
        return tuple(
            CheckResult(check, Outcome.NOT_RUN, selection.problem, skipped=selection.skipped)
            for check in CHECKS
        )
    if selection.request is not None:
        return examine(selection.request, tools)
    done = 0
    joined: tuple[CheckResult, ...] = ()
    for request, count in _batches(selection, exclude):
        results = examine(request, tools)
        pairs = zip(joined or results, results, strict=True)
        joined = tuple(_joined(*pair) for pair in pairs) if joined else results
        done += count
        progress(done)
    return joined


def read_file(root: Path, path: str) -> bytes | str:
    """The content of a regular file of the tree, or why there is none to examine."""
    place = os.path.join(root, path)  # noqa: PTH118 - Path would change what is in the name
    try:
        status = os.lstat(place)
        if stat.S_ISLNK(status.st_mode):
            return _LINK
        if stat.S_ISDIR(status.st_mode):
            return _SUBMODULE
        if not stat.S_ISREG(status.st_mode):
            return _SPECIAL
        if status.st_size > LARGEST:
            return TOO_LARGE
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        return (error.strerror or "cannot be read").lower()


@dataclass(slots=True)
class _Read:
    """What reading a part of the work tree came to."""

    files: list[SourceFile] = field(default_factory=list[SourceFile])
    links: list[SourceFile] = field(default_factory=list[SourceFile])
    unread: dict[str, str] = field(default_factory=dict[str, str])
    skipped: list[str] = field(default_factory=list[str])

    def add(self, root: Path, path: str) -> int:
        """Read one path; how many bytes it has."""
        content = read_file(root, path)
        if isinstance(content, bytes):
            self.files.append(SourceFile(path, content))
            return len(content)
        if content == _LINK:
            try:
                target = os.fsencode((root / path).readlink())
            except OSError as error:
                self.unread[path] = (error.strerror or "cannot be read").lower()
            else:
                self.links.append(SourceFile(path, target))
        elif content in _NO_FILES:
            self.skipped.append(f"{path}: {content}")
        else:
            self.unread[path] = content
        return 0


def inside(root: Root, paths: Sequence[Path]) -> tuple[str, ...]:
    """The paths relative to the root, empty for the root itself. Raises BadInput."""
    wanted: list[str] = []
    for path in paths:
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - a link stays a link
        if not os.path.lexists(absolute):
            raise BadInput(f"There is no {printable(str(path))}.", "Name files or directories.")
        real = absolute.parent.resolve() / absolute.name
        top = root.path.resolve()
        if real != top and not real.is_relative_to(top):
            raise BadInput(
                f"{printable(str(path))} is not below {printable(str(root.path))}.",
                "Examine one repository at a time.",
            )
        wanted.append("" if real == top else real.relative_to(top).as_posix())
    return tuple(wanted)


def _wanted(path: str, wanted: Sequence[str]) -> bool:
    return not wanted or any(one in ("", path) or path.startswith(f"{one}/") for one in wanted)


async def _listed(root: Root, wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    if root.repository is None:
        found, skipped = _walked(root.path, wanted)
        return list(dict.fromkeys(found)), skipped
    shown = await run_git(
        "-C", str(root.path), "ls-files", "-z", "--cached", "--others", "--exclude-standard"
    )
    names = dict.fromkeys(os.fsdecode(name) for name in shown.out.split(b"\0") if name)
    kept = [name for name in names if _wanted(name, wanted)]
    skipped: list[str] = []
    for one in wanted:
        if not any(_wanted(name, (one,)) for name in kept):
            # What git ignores, and is named, is meant.
            found, left = _walked(root.path, (one,))
            kept += found
            skipped += left
    return _there(root.path, dict.fromkeys(kept)), skipped


def _there(top: Path, names: Iterable[str]) -> list[str]:
    """Without those that are deleted in the work tree."""
    return [name for name in names if os.path.lexists(top / name)]


def _walked(top: Path, wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    """Files below the wanted directories, all when none is named, and what was not entered."""
    found: list[str] = []
    skipped: list[str] = []
    for one in wanted or ("",):
        start = os.path.join(top, one) if one else str(top)  # noqa: PTH118 - names stay as given
        if not os.path.isdir(start) or os.path.islink(start):  # noqa: PTH112, PTH114
            found.append(one)
            continue
        for directory, folders, files in os.walk(start):
            inside = os.path.relpath(directory, top)
            prefix = "" if inside == "." else f"{inside}/"
            left = sorted(_NOT_WALKED.intersection(folders))
            skipped += [f"{prefix}{name}/: not looked into outside git" for name in left]
            folders[:] = sorted(set(folders) - _NOT_WALKED)
            found += [f"{prefix}{name}" for name in sorted(files)]
    return found, skipped


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
    return await root.repository.merge_base(old, new) or old


async def _work_tree(
    root: Root, repository: Repository, old: Commit, exclude: Sequence[str]
) -> Gathered:
    """What the work tree, uncommitted files included, has beyond where it left `old`."""
    head = await repository.resolve("HEAD")
    base = old if head is None else await _common(root, old, head)
    raw = await run_git(
        "-C", str(root.path), "diff", "--raw", "-z", "-M", "--no-abbrev", "--no-ext-diff",
        "--ignore-submodules=dirty", base,
    )  # fmt: skip
    changed = parse_raw(raw.out)[0]
    others = await run_git("-C", str(root.path), "ls-files", "-z", "--others", "--exclude-standard")
    untracked = [os.fsdecode(name) for name in others.out.split(b"\0") if name]
    read = _Read()
    for file in changed:
        if file.new_mode == SUBMODULE:
            read.skipped.append(f"{file.path}: {_SUBMODULE}")
    for path in dict.fromkeys((*(f.path for f in changed if f.new_mode in READ), *untracked)):
        read.add(root.path, path)
    before = [file for file in changed if file.old_mode in READ]
    between = Between() if head is None else await history(repository, base, head, changed, least=1)
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
        excluded=frozenset(file.path for file in read.files if matches(file.path, exclude)),
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


def _kept(request: Request, wanted: Sequence[str]) -> Request:
    if not wanted:
        return request
    return replace(
        request,
        head=tuple(file for file in request.head if _wanted(file.path, wanted)),
        links=tuple(file for file in request.links if _wanted(file.path, wanted)),
        unread={path: why for path, why in request.unread.items() if _wanted(path, wanted)},
        messages=(),
        history=tuple(past for past in request.history if _wanted(past.file.path, wanted)),
        skipped=tuple(one for one in request.skipped if _wanted(one.rpartition(": ")[0], wanted)),
    )


def _batches(selection: Selection, exclude: Sequence[str]) -> Iterator[tuple[Request, int]]:
    read = _Read(skipped=list(selection.skipped))
    size = count = 0

    def request() -> Request:
        excluded = (file.path for file in read.files if matches(file.path, exclude))
        return Request(
            tuple(read.files),
            excluded=frozenset(excluded),
            links=tuple(read.links),
            unread=read.unread,
            skipped=tuple(read.skipped),
        )

    for path in selection.paths:
        size += read.add(selection.root.path, path)
        count += 1
        if size >= BATCH:
            yield request(), count
            read, size, count = _Read(), 0, 0
    yield request(), count


def _joined(one: CheckResult, other: CheckResult) -> CheckResult:
    ranks = (Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_RUN)
    outcome = max(one.outcome, other.outcome, key=ranks.index)
    findings = (*one.findings, *other.findings)
    unsure = (Outcome.NOT_RUN, Outcome.UNKNOWN)
    reasons = [result.reason for result in (one, other) if result.outcome in unsure]
    if outcome is Outcome.FAILED:
        reasons = [plural(sum(not finding.allowed for finding in findings), "finding")]
    return CheckResult(
        check=one.check,
        outcome=outcome,
        reason="; ".join(dict.fromkeys(reasons)),
        findings=findings,
        seconds=one.seconds + other.seconds,
        skipped=(*one.skipped, *other.skipped),
        reduced=(*one.reduced, *other.reduced),
    )


def contents(
    selection: Selection, wants: Callable[[str], bool]
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The files whose paths are wanted, now and in the base; the base is empty without one."""
    if selection.request is not None:
        base = selection.request.base or ()
        return (
            {file.path: file.data for file in selection.request.head if wants(file.path)},
            {file.path: file.data for file in base if wants(file.path)},
        )
    found: dict[str, bytes] = {}
    for path in selection.paths:
        if wants(path):
            content = read_file(selection.root.path, path)
            if not isinstance(content, str):
                found[path] = content
    return found, {}
