"""What an analyzer is: something that reads source files and finds defects in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Protocol

from headgate.model.finding import Finding, Outcome, Span
from headgate.model.record import record


@record
class SourceFile:
    """One file as an analyzer sees it."""

    path: str
    """Relative to the root of the project; bytes that are not UTF-8 are surrogate-escaped."""
    data: bytes = field(repr=False)


@record
class Hit:
    """A finding, and what tells it from another on a line that reads the same when masked."""

    finding: Finding
    """Without excerpt and identity: the engine fills both in."""
    mark: str = ""
    """A keyed hash of what is masked, comparable within one run only; never shown."""


@record
class Analysis:
    """What one analyzer says of some files."""

    outcome: Outcome
    """`passed` when it ran to its end, whatever it found; `not run` when it did not."""
    reason: str = ""
    hits: tuple[Hit, ...] = ()
    skipped: tuple[str, ...] = ()
    """`path: reason` of every file that it was given and nobody could read."""
    hidden: tuple[Span, ...] = ()
    """Places that must never be shown, reported as findings or not."""
    reduced: tuple[str, ...] = ()
    """`path: reason` of what was examined in part only."""
    cut: tuple[str, ...] = ()
    """Those among them whose analysis used up its budget: what is left is not known."""


class Analyzer(Protocol):
    """Examines files of the kinds that it knows."""

    @property
    def name(self) -> str:
        """What it is called in reports, e.g. `ruff`."""
        ...

    @property
    def check(self) -> str:
        """The check that its findings belong to: `source` or `secrets`."""
        ...

    def wants(self, path: str, start: bytes) -> bool:
        """Whether it can say anything of a file with this path that begins with these bytes."""
        ...

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        """Examine the files. A tool that is missing or crashes is `not run`, never an exception."""
        ...
