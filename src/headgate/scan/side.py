"""One state of the files, and what the analyzers find in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from headgate.model.finding import Finding, Outcome, TraceStep
from headgate.model.record import replace
from headgate.scan.agreement import joined
from headgate.scan.allowances import Allowances, allowances
from headgate.scan.analyzers.flow import Flow
from headgate.scan.analyzers.interface import Analysis, Analyzer, Asking, Hit, SourceFile
from headgate.scan.analyzers.keeping import keeper_of
from headgate.scan.analyzers.ruff import Ruff
from headgate.scan.apart import Apart
from headgate.scan.identity import Anchor, anchor
from headgate.scan.notes import masks
from headgate.scan.outline import Outline
from headgate.scan.text import Text, decode, printable, unreadable

T = TypeVar("T")
START = 200
"""Bytes that an analyzer sees of a file to tell whether it wants it."""
_SUPERSEDED: Mapping[str, frozenset[str]] = {
    "python/sql-string": frozenset({"python/sql-injection"}),
    "python/eval": frozenset({"python/code-injection"}),
    "python/exec": frozenset({"python/code-injection"}),
}
"""Rules that say less than another one at the same place."""
_FOLLOWED: frozenset[str] = frozenset(
    {
        "python/archive-traversal", "python/django-extra", "python/django-raw-sql", "python/eval",
        "python/exec", "python/mako-template", "python/sql-string", "python/unescaped-html",
        "python/unescaped-markup", "python/unsafe-deserialization", "python/unsafe-marshal",
        "python/weak-hash", "python/xml-expansion",
    }
)  # fmt: skip
"""Rules of ruff that name a call; where data is followed, what reaches it is known."""


class Side:
    """The files of one state, and what was found in them so far."""

    def __init__(
        self,
        files: Sequence[SourceFile],
        notes: Sequence[SourceFile],
        tools: Sequence[Analyzer],
        excluded: frozenset[str],
        clock: Callable[[], float],
        context: Sequence[SourceFile] = (),
    ) -> None:
        self._context = context
        self._tools = tools
        self._names = ",".join(tool.name for tool in tools if tool.check == "source")
        self._excluded = excluded
        self._clock = clock
        self._keeper = keeper_of(tools)
        self._why = {file.path: why for file in files if (why := self._unreadable(file))}
        self._files = tuple(files)
        self._named = {file.path: file for file in files}
        self._notes: list[SourceFile] = []
        for note in notes:
            path = note.path
            while path in self._named:
                # A file is free to have the name of a note.
                path = f"{path} "
            self._named[path] = SourceFile(path, note.data)
            self._notes.append(self._named[path])
        self._texts: dict[str, Text] = {}
        self._outlines: dict[str, Outline] = {}
        self._allowances: dict[str, Allowances] = {}
        self._analyses: dict[str, list[Analysis]] = {}
        self.seconds: dict[str, float] = {}

    def run(self, check: str) -> None:
        if check in self._analyses:
            return
        began = self._clock()
        tools = [tool for tool in self._tools if tool.check == check]
        if check == "secrets":
            everything = (*self._files, *self._notes)
            done = [_signed(tool, tool.scan(everything)) for tool in tools]
        else:
            done = [*self._source(tools), self._comments()]
        self._analyses[check] = done
        for analysis in done:
            for span in analysis.hidden:
                self.text(span.path).hide(span)
        self.seconds[check] = self._clock() - began

    def _source(self, tools: Sequence[Analyzer]) -> list[Analysis]:
        """What the analyzers say, in their order."""
        given: list[list[SourceFile]] = [[] for _ in tools]
        for file in self._files:
            if file.path not in self._why and file.path not in self._excluded:
                for index in self._wanting(file, tools):
                    given[index].append(file)
        # Ruff is a process of its own: it works while the others do. What is made of its answer
        # waits for its turn.
        asked = {
            index: (tool, Apart(tool.asked(files)))
            for index, (tool, files) in enumerate(zip(tools, given, strict=True))
            if isinstance(tool, Asking) and files
        }
        done: dict[int, Analysis] = {}
        try:
            for index, (tool, files) in enumerate(zip(tools, given, strict=True)):
                if index not in asked:
                    done[index] = self._scanned(tool, files)
        finally:
            for _, one in asked.values():
                one.wait()
        for index, (tool, one) in asked.items():
            done[index] = tool.told(one.result())
        return [_signed(tools[index], done[index]) for index in sorted(done)]

    def _wanting(self, file: SourceFile, tools: Sequence[Analyzer]) -> Sequence[int]:
        """Which of the analyzers of the source want the file."""
        names = self._names
        kept = None if self._keeper is None else self._keeper.get(file, "wanting")
        if kept is not None and kept[0] == names:
            return kept[1]
        start = file.data[:START]
        wanting = [index for index, tool in enumerate(tools) if tool.wants(file.path, start)]
        if self._keeper is not None:
            self._keeper.put(file, "wanting", (names, wanting))
        return wanting

    def _scanned(self, tool: Analyzer, given: Sequence[SourceFile]) -> Analysis:
        if not isinstance(tool, Flow):
            return tool.scan(given)
        context = [
            file
            for file in self._context
            if not unreadable(file.data) and tool.wants(file.path, file.data[:START])
        ]
        for file in context:
            self._named.setdefault(file.path, file)
        return tool.scan(given, context)

    def text(self, path: str) -> Text:
        if path not in self._texts:
            self._texts[path] = Text(decode(self._named[path].data))
        return self._texts[path]

    def take(self, foreign: Sequence[Finding]) -> None:
        """What another tool found is all that the source check says."""
        there = (finding for finding in foreign if finding.span.path in self._named)
        self._analyses["source"] = [Analysis(Outcome.PASSED, hits=tuple(map(Hit, there)))]
        self.seconds["source"] = 0.0

    def _comments(self) -> Analysis:
        """What the comments that allow findings are wrong in."""
        hits: list[Hit] = []
        for file in self._files:
            if file.path not in self._why and file.path not in self._excluded:
                hits += map(Hit, self.allowances(file.path).unusable)
        return Analysis(Outcome.PASSED, hits=tuple(hits))

    def allowances(self, path: str) -> Allowances:
        """What the comments of a file allow."""
        if path not in self._allowances:
            mentioned = self._mentions(self._named[path])
            today = datetime.now(UTC).date()
            found = allowances(path, self.text(path), today) if mentioned else Allowances()
            self._allowances[path] = found
        return self._allowances[path]

    def _mentions(self, file: SourceFile) -> bool:
        """Whether a comment may speak to us."""
        return self._small(file, "mentioned", lambda: b"headgate:" in file.data.lower())

    def _unreadable(self, file: SourceFile) -> str:
        return self._small(file, "unreadable", lambda: unreadable(file.data))

    def _small(self, file: SourceFile, what: str, make: Callable[[], T]) -> T:
        return make() if self._keeper is None else self._keeper.small(file, what, make)

    def outline(self, path: str) -> Outline:
        found = self._outlines.get(path)
        if found is None:
            file, keeper = self._named[path], self._keeper
            kept = None if keeper is None else keeper.get(file, "outline")
            found = self._outlines[path] = Outline(self.text(path), path, kept)
            if keeper is not None and kept is None and self._shows_all(path):
                keeper.put(file, "outline", found.plain())
        return found

    def _shows_all(self, path: str) -> bool:
        """Whether it is known that there is no secret in the file: names may hold one, too."""
        searched = self._analyses.get("secrets", ())
        passed = all(one.outcome is Outcome.PASSED for one in searched)
        return bool(searched) and passed and self.text(path).hides_nothing

    def allowed(self, finding: Finding) -> str:
        """Why a comment allows a finding; empty when none does."""
        found = self.allowances(finding.span.path)
        if not found.usable:
            return ""
        span = finding.span
        first, last = self.outline(span.path).statement(span.line, span.end_line)
        one = found.of(finding.rule, first, last)
        return one.words if one else ""

    def text_or_none(self, path: str) -> Text | None:
        return self.text(path) if path in self._named else None

    def step(self, step: TraceStep, shown: bool) -> TraceStep:
        """The step with its line, where the file is at hand and may be shown."""
        if not shown or step.span.path not in self._named:
            return replace(step, excerpt="")
        excerpt = self.text(step.span.path).excerpt(step.span)
        return replace(step, excerpt=printable(excerpt.replace("\t", " ")))

    def reduced(self, check: str) -> tuple[str, ...]:
        return tuple(path for one in self._analyses.get(check, ()) for path in one.reduced)

    def cut(self, other: Side | None, renamed: Mapping[str, str]) -> list[str]:
        """`path: reason` of files that are not what they were in the other side, and whose
        analysis was cut off."""
        cut = [entry for one in self._analyses.get("source", ()) for entry in one.cut]
        mine = {file.path for file in self._files}
        return [
            entry
            for entry in cut
            for path in (entry.rpartition(": ")[0],)
            if path in mine
            and self.wanted(path)
            and not self._same(path, other, renamed.get(path, path))
        ]

    def outcome(self, check: str) -> Outcome:
        outcomes = {analysis.outcome for analysis in self._analyses.get(check, ())}
        return Outcome.PASSED if outcomes <= {Outcome.PASSED} else Outcome.NOT_RUN

    def reasons(self, check: str) -> list[str]:
        return [one.reason for one in self._analyses.get(check, ()) if one.reason]

    def wanted(self, path: str) -> bool:
        """Whether the source check is to look at the file, as far as its kind goes."""
        if path in self._excluded:
            return False
        file = self._named.get(path)
        start = b"" if file is None else file.data[:START]
        return any(tool.wants(path, start) for tool in self._tools if tool.check == "source")

    def skipped(self, check: str) -> list[str]:
        """`path: reason` of what no analyzer of the check was given or could read."""
        given = [path for one in self._analyses.get(check, ()) for path in one.skipped]
        if check == "secrets":
            return given
        return [*(f"{path}: {why}" for path, why in self._why.items()), *given]

    def missed(self, other: Side | None, renamed: Mapping[str, str]) -> list[str]:
        """Those among the skipped of the source check that it was to look at, and which are not
        what they were in the other side."""
        missed = [
            f"{path}: {why}"
            for path, why in self._why.items()
            if self.wanted(path) and not self._same(path, other, renamed.get(path, path))
        ]
        return missed + [path for one in self._analyses.get("source", ()) for path in one.skipped]

    def _same(self, path: str, other: Side | None, old: str) -> bool:
        before = None if other is None else other.content(old)
        if other is None or before != self.content(path):
            return False
        return other.wanted(old)

    def content(self, path: str) -> bytes | None:
        """Of a file, as it is in this state."""
        file = self._named.get(path)
        return None if file is None else file.data

    def masks(self) -> dict[str, str]:
        """Of the names that hold a secret."""
        return masks(self.text(self._notes[-1].path))

    def hits(self, check: str) -> list[Hit]:
        """In the order of the files, what another finding says better left out."""
        hits = [hit for one in self._analyses.get(check, ()) for hit in one.hits]
        places: dict[tuple[str, str], list[Finding]] = {}
        for hit in hits:
            places.setdefault((hit.finding.rule, hit.finding.span.path), []).append(hit.finding)

        hits = [hit for hit in hits if not self._followed(hit.finding)]

        def superseded(finding: Finding) -> bool:
            return any(
                _overlap(finding, other)
                for rule in _SUPERSEDED.get(finding.rule, ())
                for other in places.get((rule, finding.span.path), ())
            )

        kept = {
            (hit.finding.rule, hit.finding.span): hit for hit in hits if not superseded(hit.finding)
        }
        return joined(sorted(kept.values(), key=lambda hit: _order(hit.finding)))

    def _followed(self, finding: Finding) -> bool:
        """Whether the analysis of the data's flow has judged what ruff names only."""
        if finding.engines != (Ruff.name,) or finding.rule not in _FOLLOWED:
            return False
        if not any(isinstance(tool, Flow) for tool in self._tools):
            return False
        path = finding.span.path
        return not any(one.startswith(f"{path}: ") for one in self.reduced("source"))

    def anchors(self, hits: Iterable[Hit]) -> list[Anchor]:
        return [
            anchor(hit.finding, self.text(path), hit.mark, self.outline(path))
            for hit in hits
            for path in (hit.finding.span.path,)
        ]


def _signed(tool: Analyzer, analysis: Analysis) -> Analysis:
    """The analysis, with whom every finding is from."""
    hits = (
        hit
        if hit.finding.engines
        else replace(hit, finding=replace(hit.finding, engines=(tool.name,)))
        for hit in analysis.hits
    )
    return replace(analysis, hits=tuple(hits))


def _overlap(one: Finding, other: Finding) -> bool:
    return one.span.line <= max(other.span.end_line, other.span.line) and other.span.line <= max(
        one.span.end_line, one.span.line
    )


def _order(finding: Finding) -> tuple[str, int, int, str]:
    span = finding.span
    return span.path, span.line, span.column, finding.rule
