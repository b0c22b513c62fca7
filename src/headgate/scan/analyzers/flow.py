"""Data that flows from where it comes in to where it does harm, over all files of a project."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from headgate.model.finding import Confidence, Finding, Outcome, Span, StepRole, TraceStep
from headgate.model.record import record, replace
from headgate.scan.absence.every import lacking
from headgate.scan.absence.openapi import operations
from headgate.scan.analyzers.interface import Analysis, Hit, SourceFile
from headgate.scan.flow.analysis import Mode, analyse
from headgate.scan.flow.findings import Found, Step
from headgate.scan.front.lowered import Lowered, lowered
from headgate.scan.late import late
from headgate.scan.packs.schema import Kind, Kinds, Pack
from headgate.scan.packs.shipped import shipped, shipped_kinds
from headgate.scan.rules.table import load
from headgate.scan.text import Offsets, is_python, printable

LANGUAGE = "python"
_TABLE = "injection"
"""Of the rules that tell what is built from parameters."""
SHOWN = Confidence.MEDIUM
"""What the analysis is less sure of than this is not reported."""


@record
class Flow:
    """Follows data through Python files by the rule packs."""

    cache: Path | None = None
    """Where lowered files are kept between runs; None: nowhere."""
    mode: Mode = Mode.AUTO
    jobs: int = 1
    """Processes at once."""
    packs: Callable[[str], Sequence[Pack]] = field(default=shipped)
    kinds: Callable[[], Kinds] = field(default=shipped_kinds)
    shown: Confidence = SHOWN
    last: dict[str, Lowered] = field(default_factory=dict[str, Lowered], repr=False, compare=False)
    """What was lowered last: the other side of a change has most of it in common."""

    name = "flow"
    check = "source"
    needs_context = True
    """It is given the files that did not change as well."""

    def wants(self, path: str, start: bytes) -> bool:
        if _is_description(path, start):
            return True
        return is_python(path, start) and not path.endswith(".pyi")

    def scan(self, files: Sequence[SourceFile], context: Sequence[SourceFile] = ()) -> Analysis:
        """What is found in the files, and in those of the context when it is found there."""
        if not files:
            return Analysis(Outcome.PASSED)
        given = {file.path: file for file in (*context, *files)}
        documents = {path: one.data for path, one in given.items() if path.endswith(_DOCUMENTS)}
        for path in documents:
            del given[path]
        modules = lowered(given, self.cache, self.jobs, self.last)
        self.last.clear()
        self.last.update(modules)
        scope = None if not context else frozenset(file.path for file in files)
        kinds = self.kinds()
        packs = self.packs(LANGUAGE)
        # First of all: what the analysis holds makes everything that allocates after it slow.
        lacks = lacking(
            modules, packs, kinds, documents, cache=self.cache and self.cache.parent / "facts"
        )
        outcome = analyse(
            modules,
            packs,
            kinds,
            self.mode,
            self.shown,
            scope,
            routes=operations(documents),
            jobs=self.jobs,
            cache=self.cache and self.cache.parent / "outcomes",
        )
        places = Places(modules)
        hits = [
            Hit(_parameter(one, places) if one.code else finding_of(one, kinds[one.kind], places))
            for one in outcome.found
            if one.confidence >= self.shown or one.code
        ]
        # What is missing is a question to a human, however unsure.
        hits += [Hit(finding_of(one, kinds[one.kind], places)) for one in lacks]
        notes = [f"{path}: {why}" for path, why in reduced_by(modules, outcome.cut, places)]
        return Analysis(
            Outcome.PASSED, "", tuple(hits), reduced=tuple(notes), cut=cut_off(outcome.cut)
        )


_DOCUMENTS = (".yml", ".yaml", ".json")
_DESCRIPTION = late(rb"^\s*[{\"']*\s*[\"']?(openapi|swagger)[\"']?\s*:", re.MULTILINE)


def _is_description(path: str, start: bytes) -> bool:
    """Whether a file describes routes in OpenAPI."""
    return path.endswith(_DOCUMENTS) and _DESCRIPTION.search(start) is not None


def reduced_by(
    modules: Mapping[str, Lowered], cut: Mapping[str, Sequence[str]], places: Places
) -> list[tuple[str, str]]:
    """What was only examined in part, and why."""
    out: list[tuple[str, str]] = []
    for path, module in modules.items():
        if module.broken:
            start, end = module.broken[0]
            line = places.span(path, start, end).line
            count = len(module.broken)
            more = f" and {count - 1} more" if count > 1 else ""
            out.append((path, f"line {line}{more} could not be understood"))
        if path in cut:
            out.append((path, _cut_off(cut[path])))
    return out


def cut_off(cut: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """`path: reason` of every file with functions whose analysis was cut off."""
    return tuple(f"{path}: {_cut_off(names)}" for path, names in cut.items())


def _cut_off(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"the analysis of {', '.join(names[:5])}{more} was cut off"


class Places:
    """Turns offsets into lines and columns."""

    def __init__(self, modules: Mapping[str, Lowered]) -> None:
        self._modules = modules
        self._offsets: dict[str, Offsets] = {}

    def span(self, path: str, start: int, end: int) -> Span:
        offsets = self._offsets.get(path)
        if offsets is None:
            offsets = self._offsets[path] = Offsets(self._modules[path].data)
        return offsets.span(path, start, end)


def _parameter(found: Found, places: Places) -> Finding:
    """Of a parameter of a function whose callers are not known."""
    rule = load(_TABLE)[found.code]
    span = places.span(found.path, found.start, found.end)
    message = rule.message
    sink = found.steps[-1]
    line = places.span(sink.path, sink.start, sink.end).line
    if sink.path != span.path:
        message += f" {_capital(sink.reason)} on line {line} of {printable(sink.path)}."
    elif line != span.line:
        message += f" {_capital(sink.reason)} on line {line}."
    finding = finding_of(
        found, Kind(found.kind, rule.cwe, rule.severity, rule.title, "", ""), places
    )
    # These rules claim no more than that the text is put together from a parameter: for that
    # nothing is assumed about callers.
    return replace(
        finding,
        rule=rule.rule,
        message=message,
        remedy=rule.remedy,
        span=span,
        severity=min(found.severity, rule.severity),
        assumed=(),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def finding_of(
    found: Found, kind: Kind, places: Places, language: str = LANGUAGE, remedy: str = ""
) -> Finding:
    """What was found, as it is reported. `remedy`: instead of the kind's."""
    return Finding(
        rule=kind.rule(language),
        title=kind.title,
        message=found.message,
        remedy=remedy or kind.remedy,
        severity=found.severity,
        confidence=found.confidence,
        span=places.span(found.path, found.start, found.end),
        cwe=kind.cwe or None,
        check="source",
        trace=_trace(found.steps, places),
        ways=tuple(
            _trace(steps, places)
            for start, steps in sorted(found.ways.items())
            if start != (found.steps[0].path, found.steps[0].start)
        ),
        assumed=tuple(dict.fromkeys(found.assumed)),
    )


def _trace(steps: Sequence[Step], places: Places) -> tuple[TraceStep, ...]:
    return tuple(
        TraceStep(
            places.span(step.path, step.start, step.end), step.reason, _role(index, len(steps))
        )
        for index, step in enumerate(steps)
    )


def _role(index: int, count: int) -> StepRole:
    if index == 0:
        return StepRole.SOURCE
    return StepRole.SINK if index == count - 1 else StepRole.STEP
