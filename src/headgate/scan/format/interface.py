"""What a format is: something that turns a report into text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from headgate.model.errors import ExitCode
from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.model.record import record


@record
class Report:
    """What the checks said of a tree or a range."""

    results: tuple[CheckResult, ...]
    root: str
    """Path of the tree that was examined."""
    base: str
    """What it was compared with; empty when everything counts."""
    version: str
    """Of Headgate."""
    files: int = 0
    """How many files were given to the checks."""

    def findings(self) -> Iterator[Finding]:
        """Those of every check that no comment allows, the gravest first."""
        yield from (finding for finding in self._everything() if not finding.allowed)

    def allowed(self) -> Iterator[Finding]:
        """Those that a comment in the code allows, in the same order."""
        yield from (finding for finding in self._everything() if finding.allowed)

    def _everything(self) -> list[Finding]:
        found = (finding for result in self.results for finding in result.findings)
        return sorted(found, key=lambda f: (-f.severity, -f.confidence, f.span.path, f.span.line))

    def counts(self) -> Counter[str]:
        """How many findings of each severity."""
        return Counter(finding.severity.word for finding in self.findings())

    @property
    def exit_code(self) -> ExitCode:
        """Clean only when every check ran and found nothing."""
        outcomes = {result.outcome for result in self.results}
        if outcomes & {Outcome.NOT_RUN, Outcome.UNKNOWN}:
            return ExitCode.NOT_RUN
        return ExitCode.CLEAN if outcomes <= {Outcome.PASSED} else ExitCode.FINDINGS


class Format(Protocol):
    """Renders a report, ending in a line break."""

    def __call__(self, report: Report) -> str: ...
