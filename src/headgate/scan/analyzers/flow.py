"""Data that flows from where it comes in to where it does harm, over all files of a project."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headgate.model.finding import Confidence, Finding, Outcome, Span, StepRole, TraceStep
from headgate.scan.analyzers.interface import Analysis, Hit, SourceFile
from headgate.scan.flow.analysis import Mode, analyse
from headgate.scan.flow.findings import Found
from headgate.scan.flow.javascript_modules import tests_of
from headgate.scan.front.generated import why_generated
from headgate.scan.front.lowered import Lowered, grammar, lowered
from headgate.scan.packs.load import Kinds, shipped, shipped_kinds
from headgate.scan.packs.schema import Kind, Pack
from headgate.scan.text import Offsets, is_python, plural

SHOWN = Confidence.MEDIUM
"""What the analysis is less sure of than this is not reported."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Follows data through the files of one language by the rule packs."""

    cache: Path | None = None
    """Where lowered files are kept between runs; None: nowhere."""
    mode: Mode = Mode.AUTO
    jobs: int = 1
    """Processes that lower files at once."""
    packs: Callable[[str], Sequence[Pack]] = field(default=shipped)
    kinds: Callable[[], Kinds] = field(default=shipped_kinds)
    shown: Confidence = SHOWN
    language: str = "python"
    """Or `javascript`, TypeScript and JSX included."""

    name = "flow"
    check = "source"
    needs_context = True
    """It is given the files that did not change as well."""

    def wants(self, path: str, start: bytes) -> bool:
        if self.language == "javascript":
            return bool(grammar(path)) and not path.endswith(".d.ts")
        return is_python(path, start) and not path.endswith(".pyi")

    def scan(self, files: Sequence[SourceFile], context: Sequence[SourceFile] = ()) -> Analysis:
        """What is found in the files, and in those of the context when it is found there."""
        if not files:
            return Analysis(Outcome.PASSED)
        given = {file.path: file.data for file in (*context, *files)}
        unwritten: dict[str, str] = {}
        tests: set[str] = set()
        if self.language == "javascript":
            unwritten = {
                path: why for path, data in given.items() if (why := why_generated(path, data))
            }
            given = {path: data for path, data in given.items() if path not in unwritten}
        modules = lowered(given, self.cache, self.jobs)
        if self.language == "javascript":
            tests = tests_of({path: module.imports for path, module in modules.items()})
            modules = {path: one for path, one in modules.items() if path not in tests}
        kinds = self.kinds()
        outcome = analyse(
            modules, self.packs(self.language), kinds, self.mode, self.shown, self.language
        )
        places = _Places(modules)
        hits = [
            Hit(_finding(one, kinds[one.kind], places, self.language))
            for one in outcome.found
            if one.confidence >= self.shown
        ]
        notes = [f"{file.path}: {unwritten[file.path]}" for file in files if file.path in unwritten]
        tested = sorted(tests.intersection(file.path for file in files))
        if tested:
            more = f", and {plural(len(tested) - 1, 'file')} more" if len(tested) > 1 else ""
            notes.append(f"{tested[0]}{more}: a test that nothing else imports")
        notes += [f"{path}: {why}" for path, why in _reduced(modules, outcome.cut, places)]
        return Analysis(Outcome.PASSED, "", tuple(hits), reduced=tuple(notes))


def _reduced(
    modules: Mapping[str, Lowered], cut: Mapping[str, Sequence[str]], places: _Places
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
        names = cut.get(path, ())
        if names:
            out.append((path, f"the analysis of {', '.join(names[:5])} was cut off"))
    return out


class _Places:
    """Turns offsets into lines and columns."""

    def __init__(self, modules: Mapping[str, Lowered]) -> None:
        self._modules = modules
        self._offsets: dict[str, Offsets] = {}

    def span(self, path: str, start: int, end: int) -> Span:
        offsets = self._offsets.get(path)
        if offsets is None:
            offsets = self._offsets[path] = Offsets(self._modules[path].data)
        return offsets.span(path, start, end)


def _finding(found: Found, kind: Kind, places: _Places, language: str) -> Finding:
    return Finding(
        rule=f"{language}/{found.kind}",
        title=kind.title,
        message=found.message,
        remedy=kind.remedy,
        severity=found.severity,
        confidence=found.confidence,
        span=places.span(found.path, found.start, found.end),
        cwe=kind.cwe or None,
        check="source",
        trace=tuple(
            TraceStep(
                places.span(step.path, step.start, step.end),
                step.reason,
                _role(index, len(found.steps)),
            )
            for index, step in enumerate(found.steps)
        ),
        assumed=tuple(dict.fromkeys(found.assumed)),
    )


def _role(index: int, count: int) -> StepRole:
    if index == 0:
        return StepRole.SOURCE
    return StepRole.SINK if index == count - 1 else StepRole.STEP
