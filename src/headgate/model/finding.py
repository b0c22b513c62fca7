"""Findings and the outcomes of checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


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


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a file; lines and columns are counted from 1, columns in characters."""

    path: str
    """Relative to the root of the project, `/`-separated; bytes that are not UTF-8 are
    surrogate-escaped."""
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One place that data passes on its way from where it comes in to where it does harm."""

    span: Span
    reason: str
    """What happens to it there, e.g. `it is put into a text`."""


@dataclass(frozen=True, slots=True)
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
    """From the source to the sink, both included; empty where no data flows."""


@dataclass(frozen=True, slots=True)
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
