"""What the command line examines: a work tree, what is new in it, or a range of commits."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import field
from pathlib import Path

from headgate.model.errors import BadInput
from headgate.model.finding import CheckResult, Outcome
from headgate.model.patterns import matches
from headgate.model.record import record, replace
from headgate.scan.analyzers.interface import Analyzer, SourceFile
from headgate.scan.analyzers.keeping import keeper_of
from headgate.scan.engine import examine
from headgate.scan.request import CHECKS, Request
from headgate.scan.root import Root as Root
from headgate.scan.root import find_root as find_root
from headgate.scan.root import root_of as root_of
from headgate.scan.seen import Changed, Seen
from headgate.scan.text import LARGEST, TOO_LARGE, plural, printable
from headgate.vcs.invocation import call_git

BATCH = 32 << 20
"""Bytes of files that are held in memory at once when a whole tree is examined."""
_LINK, SUBMODULE_KIND, _SPECIAL = "symbolic link", "submodule", "not a regular file"
_NO_FILES = frozenset({SUBMODULE_KIND, _SPECIAL})
_NOT_WALKED = frozenset({".git", ".hg", ".svn", "node_modules", ".venv", "__pycache__", ".tox"})


@record
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


async def select(root: Root, paths: Sequence[Path], base: str, exclude: Sequence[str]) -> Selection:
    """The files to examine.

    `paths`: files and directories to keep to; none: all. `base`: a revision, for what the work
    tree has beyond it; `A..B`, for a range of commits; empty, for the whole work tree. Raises
    BadInput for paths and revisions that are not there.
    """
    if not base:
        return whole(root, paths)
    from headgate.scan.newer import beyond

    wanted = inside(root, paths)
    gathered = await beyond(root, base, exclude)
    request = _kept(gathered.request, wanted)
    names = tuple(file.path for file in request.head)
    return Selection(root, base, names, request, gathered.skipped, gathered.problem)


def whole(root: Root, paths: Sequence[Path]) -> Selection:
    """The files of the work tree, whatever is new in them. Raises BadInput."""
    listed, skipped = _listed(root, inside(root, paths))
    if not listed:
        raise BadInput(
            f"There is no file to examine in {printable(str(root.path))}.",
            "Go to the project, or name files or directories.",
        )
    return Selection(root, "", tuple(listed), None, tuple(skipped))


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
    keeper = keeper_of(tools)
    if keeper is not None:
        seen = Seen(selection.root.path, keeper.root / "seen", selection.paths)
        with suppress(Changed):
            return _run(selection, tools, exclude, progress, seen)
    return _run(selection, tools, exclude, progress, None)


def _run(
    selection: Selection,
    tools: Sequence[Analyzer],
    exclude: Sequence[str],
    progress: Callable[[int], None],
    seen: Seen | None,
) -> tuple[CheckResult, ...]:
    """Raises Changed when a file is not what was seen of it."""
    done = 0
    joined: tuple[CheckResult, ...] = ()
    for request, count in _batches(selection, exclude, seen):
        results = examine(request, tools)
        pairs = zip(joined or results, results, strict=True)
        joined = tuple(_joined(*pair) for pair in pairs) if joined else results
        done += count
        progress(done)
    if seen is not None:
        seen.keep()
    return joined


def read_file(root: Path, path: str) -> bytes | str:
    """The content of a regular file of the tree, or why there is none to examine."""
    place = os.path.join(root, path)  # noqa: PTH118 - Path would change what is in the name
    try:
        status = os.lstat(place)
        if stat.S_ISLNK(status.st_mode):
            return _LINK
        if stat.S_ISDIR(status.st_mode):
            return SUBMODULE_KIND
        if not stat.S_ISREG(status.st_mode):
            return _SPECIAL
        if status.st_size > LARGEST:
            return TOO_LARGE
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        return (error.strerror or "cannot be read").lower()


@record(frozen=False)
class Read:
    """What reading a part of the work tree came to."""

    files: list[SourceFile] = field(default_factory=list[SourceFile])
    links: list[SourceFile] = field(default_factory=list[SourceFile])
    unread: dict[str, str] = field(default_factory=dict[str, str])
    skipped: list[str] = field(default_factory=list[str])

    def add(self, root: Path, path: str, seen: Seen | None = None) -> int:
        """Read one path; how many bytes it has."""
        if seen is not None and (known := seen.read(path)) is not None:
            self.files.append(known[0])
            return known[1]
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


def _listed(root: Root, wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    if root.directory is None or (len(wanted) == 1 and _is_file(root.path, wanted[0])):
        # A file that is named is meant, whether git knows it or ignores it.
        found, skipped = _walked(root.path, wanted)
        return list(dict.fromkeys(found)), skipped
    shown = call_git(
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


def _is_file(top: Path, path: str) -> bool:
    return os.path.isfile(os.path.join(top, path))  # noqa: PTH113, PTH118 - names stay as given


def _there(top: Path, names: Iterable[str]) -> list[str]:
    """Without those that are deleted in the work tree."""
    start = f"{top}{os.sep}"
    return [name for name in names if os.path.lexists(start + name)]


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


def _batches(
    selection: Selection, exclude: Sequence[str], seen: Seen | None
) -> Iterator[tuple[Request, int]]:
    read = Read(skipped=list(selection.skipped))
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
        size += read.add(selection.root.path, path, seen)
        count += 1
        if size >= BATCH:
            yield request(), count
            read, size, count = Read(), 0, 0
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
