"""Chooses what is shown of a change: within the policy's paths and a budget, without secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headgate.model.finding import Finding
from headgate.model.patterns import matches
from headgate.scan.analyzers.interface import Analyzer, SourceFile
from headgate.scan.context import is_code
from headgate.scan.engine import Request
from headgate.scan.front.generated import why_generated
from headgate.scan.outline import Outline
from headgate.scan.reviewer.around import Names, called_in, related
from headgate.scan.reviewer.interface import (
    Line,
    Material,
    Piece,
    Scope,
    Source,
    estimated,
)
from headgate.scan.reviewer.pieces import Difference, difference, gone, pieces
from headgate.scan.reviewer.veil import Veil, veiled
from headgate.scan.reviewer.ways_in import ways_in
from headgate.scan.text import Text, is_test, plural, printable, unreadable

MOST_QUESTIONS = 20
_LINE_COST = 4
"""Tokens that the number of a line, and what else stands with it, take."""
_PIECE_COST = 30
_RESERVED = 3
"""One part in so many of the budget that what is round the change may take."""


def material(request: Request, scope: Scope, tools: Sequence[Analyzer]) -> Material:
    """What may be shown of the change in a request; `tools` must look for secrets.

    Pure but for the tools: the same input gives the same material, byte for byte.
    """
    return _Maker(request, scope, tools).make()


@dataclass(slots=True)
class _Changed:
    file: SourceFile
    diff: Difference
    outline: Outline
    pieces: list[Piece]


@dataclass(slots=True)
class _Maker:
    request: Request
    scope: Scope
    tools: Sequence[Analyzer]
    left: int = 0
    chosen: list[Piece] = field(default_factory=list[Piece])
    withheld: list[str] = field(default_factory=list[str])
    cut: list[str] = field(default_factory=list[str])
    veil: Veil = field(default_factory=lambda: Veil({}))
    shown: dict[str, set[int]] = field(default_factory=dict[str, set[int]])

    def make(self) -> Material:
        self.left = self.scope.tokens
        base = {file.path: file for file in self.request.base or ()}
        head = [file for file in self.request.head if self._allowed(file)]
        kept = {self.request.renamed.get(file.path, file.path) for file in self.request.head}
        # What a file was before it moved here may be what never leaves.
        old = [
            base[name]
            for name in self._old_names(head)
            if name in base and not self._why_not(base[name])
        ]
        dropped = [f for f in base.values() if f.path not in kept and self._allowed(f)]
        self.veil = veiled(head, self.tools)
        before = veiled([*old, *dropped], self.tools).joined(self.veil)
        self.veil.joined(before)
        if self.veil.problem:
            return Material(problem=self.veil.problem)
        self._unread()
        changed = [self._changed(file, before) for file in head if self._named(file, self.veil)]
        changed.sort(key=lambda one: self._order(one.file.path))
        for one in changed:
            self._take_changed(one)
        for file in dropped:
            if self._named(file, before):
                lines = before.texts[file.path].lines
                count = len(lines) - (not lines[-1])
                piece = gone(file.path, count, lambda n, p=file.path: before.line(p, n))
                if not self._take(piece, self.left):
                    self.cut.append(f"{file.path}: deleted, and did not fit")
        around = self._around(changed)
        return Material(
            pieces=tuple(self._masked(piece) for piece in self.chosen),
            questions=tuple(self._questions()),
            routes=tuple(self._routes(around)),
            sources=self._sources(head, around),
            withheld=tuple(self.withheld),
            cut=tuple(self.cut),
            masked=sum(
                self.veil.masked(path, number)
                for path, numbers in self.shown.items()
                for number in numbers
            ),
        )

    def _masked(self, piece: Piece) -> Piece:
        """Without the secrets that only a file which was read later tells of."""
        lines = tuple(replace(line, text=self.veil.mask(line.text)) for line in piece.lines)
        return replace(piece, why=self.veil.mask(piece.why), lines=lines)

    # -- which files -------------------------------------------------------------------------

    def _unread(self) -> None:
        """What changed and nobody could read was not looked at; it is no matter of policy."""
        for path, why in self.request.unread.items():
            if off := self._off_limits(path):
                self.withheld.append(f"{path}: {off}")
            else:
                self.cut.append(f"{path}: {why}")

    def _allowed(self, file: SourceFile) -> bool:
        why = self._why_not(file)
        if why:
            self.withheld.append(f"{file.path}: {why}")
        return not why

    def _why_not(self, file: SourceFile) -> str:
        path = file.path
        return (
            self._off_limits(path)
            or self._moved(path)
            or unreadable(file.data)
            or why_generated(path, file.data)
        )

    def _moved(self, path: str) -> str:
        """What never leaves does not leave because the change itself moves it."""
        before = self.request.renamed.get(path)
        if before is None or not self._forbidden(before):
            return ""
        return "it was moved here from where the policy lets nothing leave"

    def _off_limits(self, path: str) -> str:
        excluded = path in self.request.excluded
        return self._forbidden(path) or ("headgate.toml excludes it from checks" * excluded)

    def _forbidden(self, path: str) -> str:
        if matches(path, self.scope.never):
            return "the policy says that it never leaves (`never`)"
        if not matches(path, self.scope.paths):
            return "the policy does not let it leave (`paths`)"
        return ""

    def _named(self, file: SourceFile, veil: Veil) -> bool:
        if file.path in veil.unnamed:
            # Not with its name, which is what must not be told.
            self.withheld.append("(a file): there is a credential in its name")
        return file.path not in veil.unnamed

    def _old_names(self, head: Iterable[SourceFile]) -> list[str]:
        return [self.request.renamed.get(file.path, file.path) for file in head]

    def _order(self, path: str) -> tuple[bool, bool, bool, str]:
        """Critical code first, tests and what is no code last."""
        critical = any(
            matches(path, patterns)
            for name, patterns in self.scope.classes.items()
            if name.partition(".")[0] == "critical"
        )
        return not critical, not is_code(path), is_test(path), path

    # -- what of them ------------------------------------------------------------------------

    def _changed(self, file: SourceFile, before: Veil) -> _Changed:
        path = file.path
        old_path = self.request.renamed.get(path, path)
        text, old = self.veil.texts[path], before.texts.get(old_path)
        diff = difference(text, old)
        outline = Outline(text, path)
        found = pieces(
            path,
            diff,
            outline,
            lambda number: self.veil.line(path, number),
            lambda number: before.line(old_path, number),
        )
        return _Changed(file, diff, outline, found)

    def _take_changed(self, one: _Changed) -> None:
        missed = 0
        room = self.left - (self.scope.tokens // _RESERVED if is_test(one.file.path) else 0)
        for piece in one.pieces:
            if not self._take(piece, room):
                missed += sum(line.mark != " " for line in piece.lines)
        if missed:
            self.cut.append(
                f"{one.file.path}: {plural(missed, 'changed line')} did not fit into "
                f"{self.scope.tokens} tokens"
            )

    def _take(self, piece: Piece, room: int) -> bool:
        cost = _cost(piece)
        if cost > min(room, self.left):
            return False
        self.left -= cost
        self.chosen.append(piece)
        numbers = {line.number for line in piece.lines if line.number}
        self.shown.setdefault(piece.path, set()).update(numbers)
        return True

    # -- what is round them ------------------------------------------------------------------

    def _around(self, changed: Sequence[_Changed]) -> dict[str, SourceFile]:
        """Show callers and callees while there is room; the files that they are in."""
        room = min(self.left, self.scope.tokens // _RESERVED)
        files = {
            file.path: file
            for file in (*(one.file for one in changed), *self.request.context)
            if is_code(file.path) and (file.path in self.shown or not self._why_not(file))
        }
        wanted = related([self._names(one) for one in changed if self._has_names(one)], files)
        veil = self._veil_of({one.path for one in wanted} - self.veil.texts.keys(), files)
        for one in wanted:
            if one.path not in veil.texts or one.path in veil.unnamed:
                continue
            known = self.shown.get(one.path, set())
            count = len(veil.texts[one.path].lines)
            numbers = [n for n in range(one.first, min(one.last, count) + 1) if n not in known]
            lines = tuple(Line(n, " ", veil.line(one.path, n)) for n in numbers)
            piece = Piece(one.path, one.why, lines)
            if lines and _cost(piece) <= room and self._take(piece, room):
                room -= _cost(piece)
        return files

    def _veil_of(self, paths: Iterable[str], files: Mapping[str, SourceFile]) -> Veil:
        more = veiled([files[path] for path in sorted(paths) if path in files], self.tools)
        if more.problem:
            return self.veil
        texts: dict[str, Text] = {**self.veil.texts, **more.texts}
        self.veil.literals |= more.literals
        self.veil.texts = texts
        self.veil.unnamed |= more.unnamed
        return self.veil

    def _has_names(self, one: _Changed) -> bool:
        path = one.file.path
        return path in self.shown and is_code(path) and not is_test(path)

    def _names(self, one: _Changed) -> Names:
        inside = (one.outline.definition(number) for number in one.diff.places)
        defined = dict.fromkeys(d.scope.rpartition(".")[2] for d in inside if d is not None)
        usual = [name for name in defined if len(name) > 2 and not name.startswith("__")]
        text = self.veil.texts[one.file.path]
        called = called_in(text.line(number) for number in sorted(one.diff.added))
        others = tuple(name for name in called if name not in defined)
        return Names(one.file.path, tuple(usual), others)

    # -- what is known of them ---------------------------------------------------------------

    def _questions(self) -> list[str]:
        known = [one for one in self.scope.known if self._is_shown(one)]
        lines = (self._question(one) for one in known[:MOST_QUESTIONS])
        return [text for line in lines if (text := self._fitting(line))]

    def _routes(self, files: Mapping[str, SourceFile]) -> list[str]:
        found: list[str] = []
        there = ways_in(files, self.shown, self.tools)
        # A route may have a secret in its pattern: what was not searched for one is not told.
        self._veil_of({path for path, _ in there} - self.veil.texts.keys(), files)
        for path, words in there:
            searched = path in self.veil.texts and path not in self.veil.unnamed
            if searched and (text := self._fitting(words)):
                found.append(text)
                self.shown.setdefault(path, set())
        return found

    def _fitting(self, line: str) -> str:
        """A line, masked, if there is room for it."""
        text = self.veil.clean(line)
        cost = estimated(text) + _LINE_COST
        if cost > self.left:
            return ""
        self.left -= cost
        return text

    def _is_shown(self, finding: Finding) -> bool:
        return finding.span.line in self.shown.get(finding.span.path, ())

    def _question(self, finding: Finding) -> str:
        where = f"{printable(finding.span.path)}:{finding.span.line}"
        return f"{where}: [{finding.rule}] {' '.join(finding.message.split())}"

    def _sources(
        self, head: Sequence[SourceFile], around: Mapping[str, SourceFile]
    ) -> tuple[Source, ...]:
        files = {file.path: file for file in head} | dict(around)
        base = {file.path: file for file in self.request.base or ()}
        counts = dict.fromkeys(self.shown, 0)
        for piece in self.chosen:
            counts[piece.path] = counts.get(piece.path, 0) + len(piece.lines)
        return tuple(
            Source(path, hashlib.sha256((files.get(path) or base[path]).data).hexdigest(), count)
            for path, count in sorted(counts.items())
        )


def _cost(piece: Piece) -> int:
    """Tokens that a piece is counted as."""
    texts = sum(estimated(line.text) + _LINE_COST for line in piece.lines)
    return texts + _PIECE_COST + estimated(piece.path)
