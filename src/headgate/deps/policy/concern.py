"""One thing that the policy minds about one package, before it is tied to a line."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.model.dependency_policy import Level
from headgate.model.finding import Severity


@dataclass(frozen=True, slots=True)
class Concern:
    """What is minded, how much, and what to do."""

    rule: str
    """Of the finding, without `dependency/`."""
    title: str
    message: str
    remedy: str
    severity: Severity
    """HIGH and above deny the change."""
    advisories: tuple[str, ...] = ()
    """Of a vulnerability: its identifier and all its aliases."""
    cause: str = ""
    """Of what is not known: why, so that a thousand such concerns can be told as one."""
    fixed: str = ""
    """Of a vulnerability: the smallest version without it."""
    rated: Severity | None = None
    """Of a vulnerability: how bad it is by itself, whatever the policy makes of it."""
    approvable: bool = False
    """Whether approving the package would settle it."""
    lasting: bool = False
    """Whether no exception can settle it."""

    @property
    def denies(self) -> bool:
        return self.severity >= Severity.HIGH


def severity_of(level: Level) -> Severity:
    """How bad it is what the policy wants denied, or only warned of."""
    return Severity.HIGH if level is Level.DENY else Severity.LOW
