"""Findings that the policy silences, in every project that it names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from headgate.model.finding import Finding
from headgate.model.patterns import matches, name_matches

POLICY = "policy.toml:"
"""How the reason of a finding begins that the policy silences."""
DAY = 86400


@dataclass(frozen=True, slots=True)
class Suppression:
    """One `[[suppress]]` of policy.toml."""

    rules: tuple[str, ...]
    paths: tuple[str, ...]
    """Patterns; empty: every path."""
    projects: tuple[str, ...]
    """Names of projects, `*` is a wildcard; empty: every project."""
    until: float
    """The last day on which it holds, as its beginning in UTC, in seconds since the epoch."""
    owner: str
    because: str
    line: int
    """In policy.toml."""

    @property
    def place(self) -> str:
        return f"{POLICY}{self.line}"

    @property
    def words(self) -> str:
        """As a report tells it."""
        until = datetime.fromtimestamp(self.until, UTC).date()
        return f"{self.place}: {self.because} (until {until}) (owner {self.owner})"

    def holds(self, now: float) -> bool:
        return now < self.until + DAY

    def covers(self, finding: Finding, project: str) -> bool:
        """Whether it is about a finding, in force or not."""
        if finding.rule not in self.rules:
            return False
        if self.projects and not name_matches(project, self.projects):
            return False
        return not self.paths or matches(finding.span.path, self.paths)


@dataclass(frozen=True, slots=True)
class Central:
    """What the policy says of the findings of one project at one time."""

    suppressions: tuple[Suppression, ...]
    project: str
    now: float

    def silences(self, finding: Finding) -> Suppression | None:
        """What silences a finding now: of several the one that holds longest."""
        found = self._about(finding)
        return found if found is not None and found.holds(self.now) else None

    def lapsed(self, finding: Finding) -> Suppression | None:
        """What silenced a finding once and has ended, when nothing silences it now."""
        found = self._about(finding)
        return found if found is not None and not found.holds(self.now) else None

    def _about(self, finding: Finding) -> Suppression | None:
        about = [one for one in self.suppressions if one.covers(finding, self.project)]
        return max(about, key=lambda one: one.until, default=None)
