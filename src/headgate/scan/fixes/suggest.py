"""Suggests changes for what was found, and keeps those that make it go away."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from headgate.model.finding import Confidence
from headgate.scan.fixes.changes import CHANGES
from headgate.scan.fixes.source import Edit, Source, applied
from headgate.scan.flow.analysis import analyse
from headgate.scan.flow.findings import Found
from headgate.scan.front.lowered import lowered, normal
from headgate.scan.packs.schema import Kinds, Pack


@dataclass(frozen=True, slots=True)
class Fix:
    """A change of one file that makes one finding go away."""

    path: str
    kind: str
    line: int
    """Of the finding, from 1."""
    start: int
    end: int
    """The bytes of the finding, as the file is now."""
    what: str
    """What it does, in a few words."""
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What can be fixed in a project, and how the files look then."""

    fixes: tuple[Fix, ...]
    files: Mapping[str, bytes]
    """Path → new content of the files that change."""
    left: int
    """Findings for which no change is safe."""

    def diff(self, before: Mapping[str, bytes]) -> str:
        """All of it as a unified diff."""
        out: list[str] = []
        for path, data in sorted(self.files.items()):
            out += difflib.unified_diff(
                before[path].decode("utf-8").splitlines(keepends=True),
                data.decode("utf-8").splitlines(keepends=True),
                f"a/{path}",
                f"b/{path}",
            )
        return "".join(one if one.endswith("\n") else one + "\n" for one in out)


def suggest(
    files: Mapping[str, bytes],
    packs: Sequence[Pack],
    kinds: Kinds,
    only: Sequence[str] = (),
    within: Collection[str] | None = None,
) -> Fixed:
    """Changes for the findings in Python files (path → content), of the kinds `only` and in the
    files `within` if given.

    Every change is tried: the file parses as it did, and the finding is gone when the project is
    analysed again. What fails is left out. Files in other encodings or with other line ends than
    UTF-8 and `\\n` are left alone.
    """
    found = [
        one
        for one in _found(files, packs, kinds)
        if (not only or one.kind in only) and (within is None or one.path in within)
    ]
    fixes: list[Fix] = []
    for one in found:
        fix = _for(one, files[one.path])
        if fix is not None:
            fixes.append(fix)
    for _ in range(2):
        made = _made(files, fixes)
        again = _found({**files, **made}, packs, kinds)
        kept = [fix for fix in fixes if fix.path in made and not _remains(fix, fixes, again)]
        if len(kept) == len(fixes):
            break
        fixes = kept
    changed = _made(files, fixes)
    fixes = [fix for fix in fixes if fix.path in changed]
    return Fixed(tuple(fixes), changed, len(found) - len(fixes))


def _found(files: Mapping[str, bytes], packs: Sequence[Pack], kinds: Kinds) -> list[Found]:
    outcome = analyse(lowered(files, None), packs, kinds)
    return [one for one in outcome.found if one.confidence >= Confidence.MEDIUM]


def _for(found: Found, data: bytes) -> Fix | None:
    known = CHANGES.get(found.kind)
    if known is None or normal(data) != data:
        return None
    wanted, change, what = known
    source = Source(data)
    node = source.at(found.start, found.end, wanted)
    if node is None:
        return None
    try:
        edits = change(source, node)
    except LookupError:
        return None
    if not edits:
        return None
    line = data.count(b"\n", 0, found.start) + 1
    return Fix(found.path, found.kind, line, found.start, found.end, what, tuple(edits))


def _made(files: Mapping[str, bytes], fixes: Sequence[Fix]) -> dict[str, bytes]:
    """The files with their fixes; a file whose fixes get in each other's way takes the first."""
    out: dict[str, bytes] = {}
    for path in dict.fromkeys(fix.path for fix in fixes):
        edits: list[Edit] = []
        data = files[path]
        for fix in fixes:
            if fix.path != path:
                continue
            try:
                tried = applied(data, [*edits, *fix.edits])
            except ValueError:
                continue
            if Source(tried).root.has_error and not Source(data).root.has_error:
                continue
            edits += fix.edits
            out[path] = tried
    return out


def _remains(fix: Fix, fixes: Sequence[Fix], again: Sequence[Found]) -> bool:
    """Whether the finding is still there, at the place to which the edits have moved it."""
    edits = {edit for one in fixes if one.path == fix.path for edit in one.edits}
    start, end = fix.start, fix.end
    for edit in edits:
        grown = len(edit.text.encode()) - (edit.end - edit.start)
        start += grown if edit.end <= fix.start else 0
        end += grown if edit.start < fix.end else 0
    return any(
        one.kind == fix.kind and one.path == fix.path and one.start < end and one.end > start
        for one in again
    )
