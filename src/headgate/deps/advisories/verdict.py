"""What is said of one package: clean, affected, or unknown, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether advisories concern a version of a package."""

    CLEAN = "clean"
    AFFECTED = "affected"
    UNKNOWN = "unknown"
    """It could not be told; never taken for clean."""


@dataclass(frozen=True, slots=True)
class Package:
    """What is asked about."""

    ecosystem: str
    """As OSV names it (`PyPI`, `Debian:12`), or the type of its package-url (`pypi`)."""
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Known:
    """One vulnerability, or one malicious package, by all the records of it."""

    ids: tuple[str, ...]
    """The records that concern the package."""
    aliases: tuple[str, ...]
    """Other identifiers of the same."""
    summary: str
    score: float | None
    """The highest base score of its CVSS vectors, 0 to 10."""
    rating: str
    """`none`, `low`, `medium`, `high`, `critical`, or `` where nobody says."""
    malicious: bool
    """A record of malware: it blocks whatever the policy says of severities."""
    exploited: bool
    """Known to be exploited (CISA's catalogue)."""
    epss: float | None
    """Probability of exploitation within 30 days, by FIRST's EPSS; None where not known."""
    fixed: tuple[str, ...]
    """Later versions that its records name as fixed, the smallest first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict on one package."""

    package: Package
    verdict: Verdict
    reason: str
    """One sentence for people."""
    known: tuple[Known, ...] = ()
    """What concerns it, one for all records of the same."""
    fixes: tuple[str, ...] = ()
    """Versions that none of the records concerns: the smallest of the same major version first,
    then the smallest of all."""
    doubts: tuple[str, ...] = ()
    """Records that may concern it."""

    @property
    def advisories(self) -> tuple[str, ...]:
        """The identifiers of all records that concern it."""
        return tuple(sorted({one for known in self.known for one in known.ids}))

    @property
    def malicious(self) -> bool:
        """Whether a record says that it is malware."""
        return any(one.malicious for one in self.known)
