"""Findings and the outcomes of checks."""

from __future__ import annotations

from dataclasses import field
from enum import IntEnum, StrEnum

from headgate.model.record import record


class Severity(IntEnum):
    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        return self.name.lower()


class Confidence(IntEnum):
    """How sure the check is that this is real; separate from how bad it would be."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class Outcome(StrEnum):
    """What became of a check. Only `passed` is clean."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"
    UNKNOWN = "unknown"


@record
class Span:
    """A place in a file; lines and columns are counted from 1, columns in characters."""

    path: str
    """Relative to the root of the project, `/`-separated; bytes that are not UTF-8 are
    surrogate-escaped."""
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0


class StepRole(StrEnum):
    """What a step of a trace is: where data comes in, what it passes, where it does harm."""

    SOURCE = "source"
    STEP = "step"
    SINK = "sink"


@record
class TraceStep:
    """One step on the way of the data, from its source to its sink."""

    span: Span
    text: str
    """Why the data is here, e.g. `the query parameter id comes from the request`."""
    role: StepRole = StepRole.STEP
    excerpt: str = ""
    """The line, secrets masked; empty until the engine fills it in."""


class Evidence(StrEnum):
    """What shows that a finding is real."""

    TRACE = "trace"
    """The way of the data, from its source to its sink, with nothing assumed on it."""
    PLACE = "place"
    """What is written at the place itself: a literal, a setting, a secret."""
    ASSUMED = "assumed"
    """A way of the data that holds only if what was assumed on it is true."""


@record
class Anchor:
    """What a finding is recognised by when the code around it has changed."""

    rule: str
    scope: str
    """Names of the definitions round it, outermost first, joined by dots."""
    statement: str
    """The whole statement, masked and normalised; the mark of a secret after a NUL."""
    body: tuple[str, ...]
    """A digest of each line around it, for comparing places when the scope differs."""
    path: str
    line: int


@record
class Finding:
    """One defect found by a check."""

    rule: str
    """Stable identifier, e.g. `python/shell-injection`, `secret/aws-access-key`."""
    title: str
    message: str
    """What is wrong here, in one or two sentences."""
    remedy: str
    severity: Severity
    confidence: Confidence
    span: Span
    cwe: int | None = None
    check: str = ""
    """Name of the check that found it."""
    excerpt: str = ""
    """The line or statement, secrets masked."""
    identity: str = ""
    """Survives edits elsewhere; empty until computed."""
    url: str = ""
    trace: tuple[TraceStep, ...] = ()
    """The whole way of the data, the source first and the sink last; empty where none flows."""
    ways: tuple[tuple[TraceStep, ...], ...] = ()
    """Other ways on which data comes to the same place, each from where it comes in."""
    assumed: tuple[str, ...] = ()
    """What the check took for true without proof, each a sentence; lowers the confidence."""
    engines: tuple[str, ...] = ()
    """Names of the analyzers that say it, in alphabetical order; two of them agree."""
    allowed: str = ""
    """Why a comment in the code allows it; empty when none does."""
    anchor: Anchor | None = field(default=None, repr=False)
    """Filled in by the engine; None for what is no finding in a text."""

    @property
    def is_traced(self) -> bool:
        """Whether the trace leads from a source to a sink with nothing assumed on its way."""
        roles = [step.role for step in self.trace]
        whole = bool(roles) and roles[0] is StepRole.SOURCE and roles[-1] is StepRole.SINK
        return whole and not self.assumed

    @property
    def evidence(self) -> Evidence:
        """What shows that it is real. Of another tool's finding without a trace, its word."""
        if not self.trace:
            return Evidence.PLACE
        return Evidence.TRACE if self.is_traced else Evidence.ASSUMED

    @property
    def is_complete(self) -> bool:
        """Whether nothing has to be assumed for it to be real: only such a finding may deny."""
        return self.evidence is not Evidence.ASSUMED


@record
class CheckResult:
    """What one check says of a change or a tree."""

    check: str
    outcome: Outcome
    reason: str = ""
    """Why it is not passed; what was left out."""
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    skipped: tuple[str, ...] = field(default=())
    """Paths that were not examined, each with the reason after a colon."""
    reduced: tuple[str, ...] = field(default=())
    """Paths that were examined in part only, each with the reason after a colon."""
