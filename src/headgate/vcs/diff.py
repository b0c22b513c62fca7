"""What differs between two commits: values, and pure parsers of git's output."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from headgate.model.record import record
from headgate.vcs.git import decode_path
from headgate.vcs.objects import EMPTY_TREE

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)", re.DOTALL)
LARGE_FILE = 4 << 20
"""Bytes; larger files are not compared line by line."""

LONGEST_LINE = 2000
"""Bytes of one line that a diff shows; the rest is cut off."""


@record
class ChangedFile:
    """One path that differs. Modes are octal numbers, 0 where there is no file."""

    path: str
    old_path: str
    """The same as `path` unless renamed."""
    status: str
    """A added, M modified, D deleted, R renamed, T type changed."""
    old_mode: int
    new_mode: int
    old_object: str
    new_object: str


@record
class DiffLine:
    """A line of a hunk; `kind` is a blank, `+` or `-`. Numbers are None where it is absent."""

    kind: str
    old: int | None
    new: int | None
    text: str


@record
class Hunk:
    """Neighbouring changed lines with their context."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    heading: str
    lines: tuple[DiffLine, ...]


@record
class FileDiff:
    """How one file differs."""

    path: str
    old_path: str
    status: str
    binary: bool
    added: int
    deleted: int
    hunks: tuple[Hunk, ...]
    truncated: bool
    """Lines were left out because there are too many, or the file is too large."""


@record
class Diff:
    """How two commits differ."""

    files: tuple[FileDiff, ...]

    @property
    def added(self) -> int:
        return sum(file.added for file in self.files)

    @property
    def deleted(self) -> int:
        return sum(file.deleted for file in self.files)


@record
class Counts:
    """Lines added and deleted; None for a file that git takes for binary."""

    added: int | None
    deleted: int | None


@record
class Patch:
    """The hunks of one section of `git diff-tree -p`."""

    hunks: tuple[Hunk, ...]
    complete: bool


def parse_raw(out: bytes) -> tuple[list[ChangedFile], list[Counts]]:
    """Read `git diff-tree -r -z --raw [--numstat]`; both lists are in the same order."""
    fields = iter(out.split(b"\0"))
    files: list[ChangedFile] = []
    counts: list[Counts] = []
    for field in fields:
        if field.startswith(b":"):
            files.append(_raw_entry(field, fields))
        elif field:
            added, deleted, path = field.split(b"\t", 2)
            if not path:  # A rename: the two names follow.
                next(fields)
                next(fields)
            if added == b"-":
                counts.append(Counts(None, None))
            else:
                counts.append(Counts(int(added), int(deleted)))
    return files, counts


def _raw_entry(field: bytes, fields: Iterator[bytes]) -> ChangedFile:
    old_mode, new_mode, old_object, new_object, status = field[1:].split(b" ")
    letter = status[:1].decode("ascii")
    old_path = decode_path(next(fields))
    path = decode_path(next(fields)) if letter in "RC" else old_path
    return ChangedFile(
        path,
        old_path,
        letter,
        int(old_mode, 8),
        int(new_mode, 8),
        old_object.decode("ascii"),
        new_object.decode("ascii"),
    )


def parse_patches(out: bytes, files: Sequence[ChangedFile]) -> list[Patch]:
    """Read `git diff-tree -p` (names quoted): one Patch for each of `files`, in order.

    The text may be cut off anywhere; what is missing at the end is marked as incomplete.
    """
    sections = _sections(out)
    patches: list[Patch] = []
    for file in files:
        # Git shows a change of type as a deletion and a creation.
        parts = [next(sections, None) for _ in range(2 if file.status == "T" else 1)]
        hunks = tuple(hunk for part in parts if part is not None for hunk in part.hunks)
        patches.append(Patch(hunks, all(part is not None and part.complete for part in parts)))
    return patches


def _sections(out: bytes) -> Iterator[Patch]:
    lines = iter(_Lines(out))
    hunks: list[Hunk] = []
    complete = True
    begun = False
    for line in lines:
        if line.startswith(b"diff --git "):
            if begun:
                yield Patch(tuple(hunks), complete)
            hunks, begun, complete = [], True, True
        elif begun and (match := _HUNK.match(line)):
            hunk, whole = _read_hunk(match, lines)
            hunks.append(hunk)
            complete = complete and whole
    if begun:
        yield Patch(tuple(hunks), complete and out.endswith(b"\n"))


class _Lines:
    """Lines of a byte string by newline alone, without copying it whole."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        start = 0
        while start < len(self._data):
            end = self._data.find(b"\n", start)
            end = len(self._data) if end < 0 else end
            yield self._data[start:end]
            start = end + 1


def _read_hunk(match: re.Match[bytes], lines: Iterator[bytes]) -> tuple[Hunk, bool]:
    old_start, new_start = int(match[1]), int(match[3])
    old_left = old_lines = 1 if match[2] is None else int(match[2])
    new_left = new_lines = 1 if match[4] is None else int(match[4])
    old, new = old_start, new_start
    found: list[DiffLine] = []
    whole = True
    while old_left > 0 or new_left > 0:
        line = next(lines, None)
        if line is None:
            whole = False
            break
        kind = chr(line[0]) if line else " "
        if kind == "\\":  # "\ No newline at end of file"
            continue
        text = line[1 : LONGEST_LINE + 1].decode("utf-8", "replace")
        if len(line) > LONGEST_LINE + 1:
            text += "…"
        in_old, in_new = kind != "+", kind != "-"
        found.append(DiffLine(kind, old if in_old else None, new if in_new else None, text))
        old, new = old + in_old, new + in_new
        old_left, new_left = old_left - in_old, new_left - in_new
    heading = match[5].decode("utf-8", "replace")
    return Hunk(old_start, old_lines, new_start, new_lines, heading, tuple(found)), whole


def assemble(
    files: Sequence[ChangedFile],
    counts: Sequence[Counts],
    patches: Sequence[Patch],
    too_large: frozenset[str],
) -> Diff:
    """Join what git said in three ways. `too_large` names objects not compared by line."""
    found: list[FileDiff] = []
    for file, count, patch in zip(files, counts, patches, strict=True):
        large = bool({file.old_object, file.new_object} & too_large)
        unread = count.added is None
        found.append(
            FileDiff(
                file.path,
                file.old_path,
                file.status,
                unread and not large,
                count.added or 0,
                count.deleted or 0,
                patch.hunks,
                large or not patch.complete,
            )
        )
    return Diff(tuple(found))


def diff_arguments(base: str | None, head: str, *options: str) -> tuple[str, ...]:
    """The words of a `git diff-tree` that no setting can change; without `base`, all is added."""
    return (
        "-c",
        f"core.bigFileThreshold={LARGE_FILE}",
        "-c",
        "core.quotePath=true",
        "diff-tree",
        "-r",
        "-M",
        "-l1000",
        "--no-commit-id",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--no-relative",
        "--full-index",
        "--no-abbrev",
        "--submodule=short",
        "--ignore-submodules=none",
        *options,
        base or EMPTY_TREE,
        head,
        "--",
    )
