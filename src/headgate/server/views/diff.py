"""The diff of a revision, with the findings of its checks at their lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from headgate.model.errors import HeadgateError
from headgate.model.finding import CheckResult, Finding
from headgate.model.ids import Commit
from headgate.model.principal import Principal
from headgate.server.views import words
from headgate.server.views.abilities import readable_change
from headgate.server.views.hiding import HIDDEN, Hiding, hiding
from headgate.server.views.house import House
from headgate.server.views.text import View, segments, shown_path
from headgate.server.views.words import Names
from headgate.vcs.diff import Diff, FileDiff, Hunk
from headgate.vcs.repository import Repository

EMBEDDED_LINES = 1500
"""So many lines of a diff stand on the page of a change; the rest is on the diff's own page."""

PAGE_LINES = 6000
"""So many lines stand on one page of the diff."""

STATUS = {
    "A": "added",
    "M": "changed",
    "D": "deleted",
    "R": "renamed",
    "T": "type changed",
    "C": "copied",
}


async def diff_view(house: House, number: int, viewer: Principal, start: int = 0) -> View:
    """One page of the diff of a change's current revision, from file `start` on."""
    with house.db.read() as tx:
        names = Names(tx)
        change = readable_change(house, tx, number, viewer, names)
        project = names.project(change.project)
        revision = tx.changes.current_revision(change.number)
        checks = tx.checks.of(revision.id)
        line = words.change_line(change, names)
    found = await diff_of(
        house.repository(project), revision.base, revision.head, checks, PAGE_LINES, start
    )
    return {
        "change": line,
        "revision": {"number": revision.number, "head": revision.head, "base": revision.base},
        "diff": found,
    }


async def diff_of(
    repository: Repository,
    base: Commit,
    head: Commit,
    checks: Iterable[CheckResult],
    limit: int,
    start: int = 0,
) -> View:
    """The diff between two commits as far as `limit` lines go, beginning at file `start`.

    A repository that cannot tell the difference yields an empty diff with a `problem`.
    """
    try:
        diff = await repository.diff(base, head)
    except HeadgateError as error:
        return _empty(str(error))
    return lay_out(diff, [f for check in checks for f in check.findings], limit, start)


def _empty(problem: str) -> View:
    return {
        "problem": problem,
        "files": [],
        "index": [],
        "total": 0,
        "added": 0,
        "deleted": 0,
        "start": 0,
        "next": None,
        "elsewhere": [],
    }


def lay_out(diff: Diff, findings: Sequence[Finding], limit: int, start: int = 0) -> View:
    """Pure: files with their hunks, and every finding at its line or in `elsewhere`.

    Of lines on which a secret stands only that is said.
    """
    hidden = hiding(diff, findings)
    at: defaultdict[str, list[Finding]] = defaultdict(list)
    for found in findings:
        at[found.span.path].append(found)
    files: list[View] = []
    left = limit
    next_start: int | None = None
    for index, file in enumerate(diff.files):
        if index < start:
            continue
        if left <= 0:
            next_start = index
            break
        view, used = _file(file, index, at.get(file.path, []), left, hidden)
        files.append(view)
        left -= max(1, used)
    touched = {file.path for file in diff.files}
    return {
        "problem": "",
        "files": files,
        "index": [
            {
                "path": shown_path(file.path),
                "status": STATUS.get(file.status, file.status),
                "added": file.added,
                "deleted": file.deleted,
                "anchor": f"file-{index}",
                "findings": len(at.get(file.path, [])),
                "page": index,
            }
            for index, file in enumerate(diff.files)
        ],
        "total": len(diff.files),
        "added": sum(file.added for file in diff.files),
        "deleted": sum(file.deleted for file in diff.files),
        "start": start,
        "next": next_start,
        "elsewhere": [words.finding(f) for f in findings if f.span.path not in touched],
    }


def _file(
    file: FileDiff, index: int, findings: list[Finding], limit: int, hidden: Hiding
) -> tuple[View, int]:
    placed: set[int] = set()
    hunks: list[View] = []
    used = 0
    cut = file.truncated
    for hunk in file.hunks:
        if used >= limit:
            cut = True
            break
        hunks.append(_hunk(file, hunk, findings, placed, hidden))
        used += len(hunk.lines)
    view: View = {
        "path": shown_path(file.path),
        "old_path": shown_path(file.old_path)
        if file.old_path and file.old_path != file.path
        else "",
        "status": STATUS.get(file.status, file.status),
        "binary": file.binary,
        "added": file.added,
        "deleted": file.deleted,
        "truncated": cut,
        "anchor": f"file-{index}",
        "findings": len(findings),
        "unplaced": [words.finding(f) for i, f in enumerate(findings) if i not in placed],
        "hunks": hunks,
    }
    return view, used


def _hunk(
    file: FileDiff, hunk: Hunk, findings: list[Finding], placed: set[int], hidden: Hiding
) -> View:
    lines: list[View] = []
    for line in hunk.lines:
        here: list[View] = []
        if line.new is not None and line.kind != "-":
            for index, found in enumerate(findings):
                if index not in placed and found.span.line == line.new:
                    placed.add(index)
                    here.append(words.finding(found))
        secret = hidden.line(file, line)
        pieces = [(HIDDEN, True)] if secret else segments(line.text)
        lines.append(
            {
                "kind": {"+": "add", "-": "del"}.get(line.kind, "same"),
                "old": line.old if line.kind != "+" else None,
                "new": line.new if line.kind != "-" else None,
                "pieces": [list(piece) for piece in pieces],
                "hidden": secret,
                "findings": here,
            }
        )
    heading = HIDDEN if hidden.heading(hunk.heading) else hunk.heading
    return {
        "heading": "".join(text for text, _ in segments(heading)),
        "old_start": hunk.old_start,
        "old_lines": hunk.old_lines,
        "new_start": hunk.new_start,
        "new_lines": hunk.new_lines,
        "lines": lines,
    }
