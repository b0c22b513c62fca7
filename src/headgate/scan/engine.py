"""Runs the analyzers over files and joins what they say into the outcomes of the checks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from headgate.model.finding import CheckResult, Finding, Outcome, TraceStep
from headgate.scan.agreement import joined
from headgate.scan.allowances import Allowances, allowances
from headgate.scan.analyzers.flow import Flow, Mode
from headgate.scan.analyzers.flow_javascript import JavaScriptFlow
from headgate.scan.analyzers.infrastructure import all_analyzers
from headgate.scan.analyzers.interface import Analysis, Analyzer, Hit, SourceFile
from headgate.scan.analyzers.ruff import Ruff
from headgate.scan.analyzers.secrets import Secrets
from headgate.scan.history import Past, in_history
from headgate.scan.identity import Anchor, anchor, identity
from headgate.scan.introduced import introduced
from headgate.scan.notes import masked, masks, names_note, placed, told
from headgate.scan.outline import Outline
from headgate.scan.packs.load import packs_with
from headgate.scan.packs.schema import Pack
from headgate.scan.reviewer.interface import Scope
from headgate.scan.text import Text, decode, listed, plural, printable, unreadable

__all__ = ["CHECKS", "Past", "Request", "analyzers", "examine"]

CHECKS = ("source", "secrets")
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


@dataclass(frozen=True, slots=True)
class Request:
    """What to examine."""

    head: tuple[SourceFile, ...]
    base: tuple[SourceFile, ...] | None = None
    """What the same files were before; None: every finding counts, not only new ones."""
    context: tuple[SourceFile, ...] = ()
    """Files that are the same in both, for what reaches into them and out of them."""
    unfollowed: str = ""
    """`what: reason` when there should be a context and is none."""
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Path in the head → path in the base."""
    excluded: frozenset[str] = frozenset()
    """Paths that the source check leaves out."""
    history: tuple[Past, ...] = ()
    """What is searched for secrets only."""
    links: tuple[SourceFile, ...] = ()
    """Symbolic links, with their targets as content; searched for secrets only."""
    base_links: tuple[SourceFile, ...] = ()
    messages: tuple[SourceFile, ...] = ()
    """Messages of commits, as notes; searched for secrets only."""
    unread: Mapping[str, str] = field(default_factory=dict[str, str])
    """Path → why it could not be read, of files that should have been examined."""
    skipped: tuple[str, ...] = ()
    """`path: reason` of what is no file to examine."""
    tools: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tools of others to run on the source, too; as `adapters` takes them."""
    foreign: tuple[Finding, ...] | None = None
    """What another tool found in these files; then none of ours looks for defects in them."""
    scope: Scope | None = None
    """What may be shown to the reviewer. With one, nothing is examined: its material is made."""


def analyzers(
    key: bytes,
    cache: Path | None,
    own: Sequence[Pack] = (),
    *,
    mode: Mode = Mode.AUTO,
    jobs: int = 1,
    keep: bool = True,
) -> tuple[Analyzer, ...]:
    """Those that Headgate ships. `key` and `cache` as `Secrets` takes them; `own`: rule packs
    besides those that Headgate ships, or in the place of one of the same name; `mode`: what the
    code is; `jobs`: processes at once; `keep`: whether what is worked out is kept for the next
    run."""
    kept = None if cache is None or not keep else cache.parent / "lowered"

    def packs(language: str) -> Sequence[Pack]:
        return packs_with(own, language)

    return (
        Ruff(),
        Flow(kept, mode, jobs, packs=packs),
        JavaScriptFlow(kept, mode, jobs, packs=packs),
        *all_analyzers(),
        Secrets(key, cache),
    )


def examine(
    request: Request,
    tools: Sequence[Analyzer],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[CheckResult, ...]:
    """One result per check, in the order of `CHECKS`."""
    if request.tools:
        from headgate.scan.analyzers.adapters import adapters

        tools = (*tools, *adapters(request.tools))
    notes = (*request.links, *request.messages)
    notes += (names_note(_names(request.head, request.links, request)),)
    head = _Side(request.head, notes, tools, request.excluded, clock, request.context)
    if request.foreign is not None:
        head.take(request.foreign)
    for check in CHECKS:
        head.run(check)
    base: _Side | None = None
    if request.base is not None:
        old_notes = (*request.base_links, names_note(_names(request.base, request.base_links)))
        base = _Side(request.base, old_notes, tools, frozenset(), clock, request.context)
        for check in CHECKS:
            if any(hit.finding.check == check for hit in head.hits(check)):
                # Old files that no longer hold a secret still have to be masked alike.
                base.run("secrets")
                base.run(check)
    results = [_result(check, head, base, request) for check in CHECKS]
    hidden = head.masks()
    if request.history:
        seen = {hit.mark for hit in head.hits("secrets")}
        old = (*(request.base or ()), *request.base_links)
        past = in_history(request.history, seen, base_files=old, tools=tools)
        results = [past.joined(one) if one.check == "secrets" else one for one in results]
        hidden |= past.masks
    return tuple(masked(result, hidden) for result in results)


def _names(
    files: Sequence[SourceFile], links: Sequence[SourceFile], request: Request | None = None
) -> Iterator[str]:
    """The paths of a state, those of what was not read among them."""
    yield from (file.path for file in (*files, *links))
    if request is not None:
        yield from request.unread
        yield from (entry.rpartition(": ")[0] for entry in request.skipped)


class _Side:
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
        self._excluded = excluded
        self._clock = clock
        self._why = {file.path: why for file in files if (why := unreadable(file.data))}
        self._files = tuple(files)
        self.data = {file.path: file.data for file in files}
        self._notes: list[SourceFile] = []
        for note in notes:
            path = note.path
            while path in self.data:
                # A file is free to have the name of a note.
                path = f"{path} "
            self.data[path] = note.data
            self._notes.append(SourceFile(path, note.data))
        self._texts: dict[str, Text] = {}
        self._outlines: dict[str, Outline] = {}
        self._allowances: dict[str, Allowances] = {}
        self._analyses: dict[str, list[Analysis]] = {}
        self.seconds: dict[str, float] = {}

    def run(self, check: str) -> None:
        if check in self._analyses:
            return
        began = self._clock()
        done: list[Analysis] = []
        for tool in self._tools:
            if tool.check != check:
                continue
            if check == "secrets":
                done.append(_signed(tool, tool.scan((*self._files, *self._notes))))
                continue
            wanted = [file for file in self._files if self.wanted(file.path)]
            given = [
                file
                for file in wanted
                if file.path not in self._why and tool.wants(file.path, file.data[:START])
            ]
            done.append(_signed(tool, self._scanned(tool, given)))
        if check == "source":
            done.append(self._comments())
        self._analyses[check] = done
        for analysis in done:
            for span in analysis.hidden:
                self.text(span.path).hide(span)
        self.seconds[check] = self._clock() - began

    def _scanned(self, tool: Analyzer, given: Sequence[SourceFile]) -> Analysis:
        if not isinstance(tool, Flow):
            return tool.scan(given)
        context = [
            file
            for file in self._context
            if not unreadable(file.data) and tool.wants(file.path, file.data[:START])
        ]
        for file in context:
            self.data.setdefault(file.path, file.data)
        return tool.scan(given, context)

    def text(self, path: str) -> Text:
        if path not in self._texts:
            self._texts[path] = Text(decode(self.data[path]))
        return self._texts[path]

    def take(self, foreign: Sequence[Finding]) -> None:
        """What another tool found is all that the source check says."""
        there = (finding for finding in foreign if finding.span.path in self.data)
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
            mentioned = b"headgate:" in self.data[path].lower()
            today = datetime.now(UTC).date()
            found = allowances(path, self.text(path), today) if mentioned else Allowances()
            self._allowances[path] = found
        return self._allowances[path]

    def outline(self, path: str) -> Outline:
        if path not in self._outlines:
            self._outlines[path] = Outline(self.text(path), path)
        return self._outlines[path]

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
        return self.text(path) if path in self.data else None

    def step(self, step: TraceStep, shown: bool) -> TraceStep:
        """The step with its line, where the file is at hand and may be shown."""
        if not shown or step.span.path not in self.data:
            return replace(step, excerpt="")
        excerpt = self.text(step.span.path).excerpt(step.span)
        return replace(step, excerpt=printable(excerpt.replace("\t", " ")))

    def reduced(self, check: str) -> tuple[str, ...]:
        return tuple(path for one in self._analyses.get(check, ()) for path in one.reduced)

    def outcome(self, check: str) -> Outcome:
        outcomes = {analysis.outcome for analysis in self._analyses.get(check, ())}
        return Outcome.PASSED if outcomes <= {Outcome.PASSED} else Outcome.NOT_RUN

    def reasons(self, check: str) -> list[str]:
        return [one.reason for one in self._analyses.get(check, ()) if one.reason]

    def wanted(self, path: str) -> bool:
        """Whether the source check is to look at the file, as far as its kind goes."""
        if path in self._excluded:
            return False
        start = self.data.get(path, b"")[:START]
        return any(tool.wants(path, start) for tool in self._tools if tool.check == "source")

    def skipped(self, check: str) -> list[str]:
        """`path: reason` of what no analyzer of the check was given or could read."""
        given = [path for one in self._analyses.get(check, ()) for path in one.skipped]
        if check == "secrets":
            return given
        return [*(f"{path}: {why}" for path, why in self._why.items()), *given]

    def missed(self, other: _Side | None, renamed: Mapping[str, str]) -> list[str]:
        """Those among the skipped of the source check that it was to look at, and which are not
        what they were in the other side."""
        missed = [
            f"{path}: {why}"
            for path, why in self._why.items()
            if self.wanted(path) and not self._same(path, other, renamed.get(path, path))
        ]
        return missed + [path for one in self._analyses.get("source", ()) for path in one.skipped]

    def _same(self, path: str, other: _Side | None, old: str) -> bool:
        if other is None or other.data.get(old) != self.data[path]:
            return False
        return other.wanted(old)

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


def _result(check: str, head: _Side, base: _Side | None, request: Request) -> CheckResult:
    hits = head.hits(check)
    anchors = head.anchors(hits)
    # While it is not known what is secret, nothing is shown.
    shown = head.outcome("secrets") is Outcome.PASSED
    counted: Counter[str] = Counter()
    findings: list[Finding] = []
    for hit, where in zip(hits, anchors, strict=True):
        key = identity(where, 0)
        text = head.text(hit.finding.span.path)
        excerpt = text.excerpt(hit.finding.span)
        findings.append(
            replace(
                placed(told(hit.finding), text),
                excerpt=printable(excerpt.replace("\t", " ")) if shown else "",
                trace=tuple(head.step(step, shown) for step in hit.finding.trace),
                identity=identity(where, counted[key]),
                allowed=hit.finding.allowed or head.allowed(hit.finding),
                anchor=replace(where, statement=where.statement.partition("\0")[0]),
            )
        )
        counted[key] += 1
    outcome, reasons = head.outcome(check), head.reasons(check)
    seconds = head.seconds[check]
    if base is not None and hits:
        seconds += base.seconds[check]
        if base.outcome(check) is Outcome.PASSED:
            old = base.hits(check)
            keep = introduced(
                anchors, base.anchors(old), request.renamed, head.text_or_none, base.text_or_none
            )
            findings = [findings[index] for index in keep]
        else:
            outcome = Outcome.NOT_RUN
            reasons += [f"the base could not be examined: {why}" for why in base.reasons(check)]
    told_of = [finding for finding in findings if not finding.allowed]
    if outcome is Outcome.PASSED and told_of:
        outcome = Outcome.FAILED
        reasons = [plural(len(told_of), "finding")]
    if len(told_of) < len(findings):
        reasons.append(f"{plural(len(findings) - len(told_of), 'finding')} allowed by comments")
    unread = [f"{path}: {why}" for path, why in request.unread.items()]
    skipped = [*request.skipped, *unread, *head.skipped(check)]
    if check == "source":
        skipped += [f"{link.path}: symbolic link" for link in request.links]
        missed = [f"{path}: {why}" for path, why in request.unread.items() if head.wanted(path)]
        missed += head.missed(base, request.renamed)
    else:
        missed = unread
    if outcome is not Outcome.NOT_RUN:
        if missed:
            outcome = Outcome.UNKNOWN
            reasons.append(_missed(check, missed))
        elif skipped:
            reasons.append(f"{plural(len(skipped), 'file')} not examined: {listed(skipped)}")
    unfollowed = (request.unfollowed,) if request.unfollowed and check == "source" else ()
    return CheckResult(
        check=check,
        outcome=outcome,
        reason=printable("; ".join(reasons)),
        findings=tuple(findings),
        seconds=seconds,
        skipped=tuple(dict.fromkeys(skipped)),
        reduced=tuple(dict.fromkeys((*unfollowed, *head.reduced(check)))),
    )


def _missed(check: str, missed: Sequence[str]) -> str:
    """Why the check came to no result, and what to do."""
    remedy = (
        "mend what is not valid, split what is too large, see that it may be read and has no NULs"
    )
    if check == "source":
        remedy += ", or exclude it under `[checks] exclude` in headgate.toml"
    had = plural(len(missed), "file")
    return f"{had} that had to be examined could not be: {listed(missed)} ({remedy})"
