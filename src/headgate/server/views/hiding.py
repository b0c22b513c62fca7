"""Which lines of a diff are not shown, because a finding says that a secret stands there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headgate.model.finding import Finding
from headgate.scan.text import printable
from headgate.vcs.diff import Diff, DiffLine, FileDiff

HIDDEN = "(hidden: a secret stands here)"

RULES = "secret/"
"""How the rules begin whose findings mean a secret."""

_MASK, _CUT = "*", "…"
"""What an excerpt shows in the place of a secret, and where it is shortened."""

_SHORTEST = 6
"""Characters; what is shorter is in too many innocent lines."""

_CODE = 4
"""Characters around a secret by which its line is known again."""


@dataclass(frozen=True, slots=True)
class Hiding:
    """What one diff must not show."""

    places: frozenset[tuple[str, int]] = frozenset()
    """(path, line) on the new side."""
    secrets: frozenset[str] = frozenset()
    """As they stand in those lines: nor are they shown anywhere else."""
    starts: frozenset[tuple[str, str]] = frozenset()
    """(path, text before the secret): what such a line replaces holds the secret before it."""
    lines: frozenset[str] = frozenset()
    excerpts: tuple[str, ...] = ()
    """Lines with their secrets masked, for those that the diff numbers otherwise or leaves out."""

    def line(self, file: FileDiff, line: DiffLine) -> bool:
        """Whether a line is hidden, on whatever side it stands."""
        if not self.places:
            return False
        if line.kind != "-" and line.new is not None and (file.path, line.new) in self.places:
            return True
        text = _plain(line.text)
        if line.kind == "-" and any(
            path == file.path and text.startswith(start) for path, start in self.starts
        ):
            return True
        return self._tells(text) or any(
            _same(excerpt, part) for part in text.split("\r") for excerpt in self.excerpts
        )

    def heading(self, heading: str) -> bool:
        """Whether the heading of a hunk, which is the beginning of some line, is hidden."""
        text = _plain(heading).strip()
        if not self.places or not text:
            return False
        return (
            self._tells(text)
            or any(line.startswith(text) for line in self.lines)
            or any(_begins(excerpt.strip(), text) for excerpt in self.excerpts)
        )

    def _tells(self, text: str) -> bool:
        return any(secret in text for secret in self.secrets)


def hiding(diff: Diff, findings: Iterable[Finding]) -> Hiding:
    """What to hide of a diff, given the findings of the checks."""
    secret = [found for found in findings if found.rule.startswith(RULES)]
    if not secret:
        return Hiding()
    places: set[tuple[str, int]] = set()
    secrets: set[str] = set()
    starts: set[tuple[str, str]] = set()
    lines: set[str] = set()
    texts = _new_side(diff, {found.span.path for found in secret})
    for found in secret:
        path = found.span.path
        numbers = range(found.span.line, max(found.span.line, found.span.end_line) + 1)
        places.update((path, number) for number in numbers)
        there = [texts.get((path, number), "") for number in numbers]
        lines.update(text.strip() for text in there if text)
        # What was found in an earlier commit does not stand in these lines.
        if there[0] and _may_be(found.excerpt, there[0]):
            start = there[0][: found.span.column - 1]
            if len(start.strip()) >= _CODE:
                starts.add((path, start))
            secrets.update(_secrets(found, there))
    excerpts = tuple(
        {f.excerpt for f in secret if _MASK * _SHORTEST in f.excerpt and _code(f.excerpt) >= _CODE}
    )
    return Hiding(
        frozenset(places), frozenset(secrets), frozenset(starts), frozenset(lines), excerpts
    )


def _plain(text: str) -> str:
    """A line as the checks read it, so that their columns hold."""
    text = text.removeprefix("\ufeff")
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _new_side(diff: Diff, paths: set[str]) -> dict[tuple[str, int], str]:
    return {
        (file.path, line.new): _plain(line.text)
        for file in diff.files
        if file.path in paths
        for hunk in file.hunks
        for line in hunk.lines
        if line.new is not None and line.kind != "-"
    }


def _secrets(found: Finding, lines: Sequence[str]) -> set[str]:
    span = found.span
    if len(lines) == 1:
        parts = [lines[0][span.column - 1 : span.end_column - 1 if span.end_column else None]]
    else:
        parts = [lines[0][span.column - 1 :], *lines[1:]]
        if span.end_column:
            parts[-1] = parts[-1][: span.end_column - 1]
    return {part for text in parts if len(part := text.strip()) >= _SHORTEST}


def _code(excerpt: str) -> int:
    return len(re.sub(rf"[\s{re.escape(_MASK + _CUT)}]", "", excerpt))


def _may_be(excerpt: str, text: str) -> bool:
    """Whether an excerpt may be of this line; one that is shortened or empty tells too little."""
    return not excerpt or _CUT in excerpt or _same(excerpt, text)


def _same(excerpt: str, text: str) -> bool:
    """Whether a line reads like the excerpt wherever that is not masked."""
    shown = excerpt.removesuffix(_CUT)
    text = _printed(text.rstrip())
    if excerpt.startswith(_CUT) or len(text) < len(shown):
        return False
    return (shown != excerpt or len(text) == len(shown)) and _alike(shown, text)


def _begins(excerpt: str, text: str) -> bool:
    """Whether a text is the beginning of a masked line, and shows something of what is masked."""
    text = _printed(text)
    return (
        len(text) <= len(excerpt)
        and _MASK in excerpt[: len(text)]
        and _code(excerpt[: len(text)]) >= _CODE
        and _alike(excerpt, text)
    )


def _printed(text: str) -> str:
    return printable(text.replace("\t", " "))


def _alike(excerpt: str, text: str) -> bool:
    return all(a in (_MASK, b) for a, b in zip(excerpt, text, strict=False))
