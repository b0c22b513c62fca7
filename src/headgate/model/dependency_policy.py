"""What the policy says about packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from headgate.model.finding import Severity
from headgate.model.purl import Package

LONGEST_EXCEPTION = 180
"""Days."""


class Level(StrEnum):
    """What something that the policy dislikes means for the change that brings it."""

    IGNORE = "ignore"
    WARN = "warn"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule stands."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class AllowRule:
    """An `[[dependencies.allow]]` table: packages that may be used without asking."""

    package: Package
    versions: str = ""
    """A `vers:` range; empty: any."""
    projects: tuple[str, ...] = ()
    """Patterns over project names; empty: any."""
    reason: str = ""
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class DenyRule:
    """A `[[dependencies.deny]]` table: packages that may not be used."""

    package: Package
    reason: str
    versions: str = ""
    use_instead: str = ""
    """A package URL, or words."""
    projects: tuple[str, ...] = ()
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Registry:
    """A `[[dependencies.registries]]` table: an index of one's own, and what must come from it."""

    name: str
    ecosystem: str
    address: str
    packages: tuple[str, ...] = ()
    """Patterns of the names that exist only here."""
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class NewPackageRules:
    """`[dependencies.new]`: what is looked at when a package comes to a project."""

    minimum_age: int = 30
    """Days since the package's first release."""
    minimum_release_age: int = 3
    """Days since the release itself."""
    minimum_downloads: int = 0
    """In a month, where the index publishes them; 0: not asked."""
    young: Level = Level.WARN
    """What too young, or too rarely downloaded, means."""
    similar_names: Level = Level.DENY
    install_scripts: Level = Level.WARN
    yanked: Level = Level.DENY
    deprecated: Level = Level.WARN
    maintainers_changed: Level = Level.WARN
    unpinned: Level = Level.IGNORE


@dataclass(frozen=True, slots=True)
class VulnerabilityRules:
    """`[dependencies.vulnerabilities]`."""

    introduced: Severity | None = Severity.HIGH
    """From which severity a vulnerability that a change brings denies it; None: from none."""
    existing: Severity | None = None
    """The same for what was there before the change."""
    unknown: Level = Level.WARN
    """What it means that nothing is known: no data, no version, data that is too old."""
    kev: Level = Level.DENY
    """A vulnerability that is known to be exploited (CISA's list), whatever its severity."""
    epss: float = 1.0
    """From which probability of exploitation (FIRST's EPSS) on it denies; 1: from none."""
    stale: int = 7
    """Days after which the advisories are too old to call anything clean."""
    service_levels: Mapping[Severity, int] = field(
        default_factory=lambda: {
            Severity.CRITICAL: 7,
            Severity.HIGH: 30,
            Severity.MEDIUM: 90,
            Severity.LOW: 180,
        }
    )
    """Days in which a vulnerability of what has landed is to be mended."""


@dataclass(frozen=True, slots=True)
class LicenceRules:
    """`[dependencies.licences]`: SPDX identifiers, or names of categories."""

    allow: tuple[str, ...] = ()
    """Empty: every licence that is not denied."""
    deny: tuple[str, ...] = ()
    unknown: Level = Level.IGNORE

    @property
    def given(self) -> bool:
        """Whether licences are looked at."""
        return bool(self.allow or self.deny) or self.unknown is not Level.IGNORE


@dataclass(frozen=True, slots=True)
class SourceRules:
    """`[dependencies.sources]`: where packages may come from, besides the configured indexes."""

    addresses: tuple[str, ...] = ()
    """Beginnings of addresses of archives and repositories, e.g. `git+https://git.example/`."""
    registries: tuple[str, ...] = ()
    """Hosts that lockfiles may name; empty: any that is an index of the ecosystem."""


@dataclass(frozen=True, slots=True)
class ProvenanceRules:
    """`[dependencies.provenance]`: attestations of who built a release."""

    require: tuple[Package, ...] = ()
    """Packages whose releases must be attested."""
    lost: Level = Level.WARN
    """A release without attestation where the one before had one."""


@dataclass(frozen=True, slots=True)
class PolicyException:
    """A `[[dependencies.exceptions]]` table: something bad that is lived with for a while."""

    package: Package
    owner: str
    reason: str
    approvers: tuple[str, ...]
    since: float
    """Seconds since the epoch: the beginning of the day on which it was granted."""
    expires: float
    """The beginning of the first day on which it no longer counts."""
    advisories: tuple[str, ...] = ()
    """Advisories, by any alias; empty: see `rules`."""
    rules: tuple[str, ...] = ()
    """Rules of findings, e.g. `licence`, `too-young`."""
    versions: str = ""
    projects: tuple[str, ...] = ()
    justification: str = ""
    """One of OpenVEX's, where the vulnerability does not touch us; empty: it does."""
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class DependencyPolicy:
    """The `[dependencies]` table of policy.toml, or the file dependencies.toml."""

    approved: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Ecosystem (`pypi`, `npm`) → normalised names."""
    index: Mapping[str, str] = field(default_factory=dict[str, str])
    """Ecosystem → base address of the index that existence is asked of; none: not asked."""
    humans: str = "warn"
    """`warn` or `deny`: what an unapproved dependency means in a human's change."""
    agents: str = "deny"
    """The same for agents; `deny` lasts until the policy, or an approver, approves the package."""
    approvers: tuple[str, ...] = ()
    """Groups whose humans may approve a package for everybody; empty: `admins`."""
    downloads: Mapping[str, str] = field(default_factory=dict[str, str])
    """Ecosystem → base address that counts downloads are asked of; none: not asked."""
    allow: tuple[AllowRule, ...] = ()
    deny: tuple[DenyRule, ...] = ()
    registries: tuple[Registry, ...] = ()
    new: NewPackageRules = NewPackageRules()
    vulnerabilities: VulnerabilityRules = field(default_factory=VulnerabilityRules)
    licences: LicenceRules = LicenceRules()
    sources: SourceRules = SourceRules()
    provenance: ProvenanceRules = ProvenanceRules()
    exceptions: tuple[PolicyException, ...] = ()
    more_licences: tuple[LicenceRules, ...] = ()
    """Of the project's own file: a licence has to pass these as well."""


NOTHING = DependencyPolicy(
    humans="warn",
    agents="warn",
    new=NewPackageRules(
        minimum_age=0,
        minimum_release_age=0,
        young=Level.IGNORE,
        similar_names=Level.IGNORE,
        install_scripts=Level.IGNORE,
        yanked=Level.IGNORE,
        deprecated=Level.IGNORE,
        maintainers_changed=Level.IGNORE,
    ),
    vulnerabilities=VulnerabilityRules(
        introduced=None,
        unknown=Level.IGNORE,
        kev=Level.IGNORE,
        stale=365,
        service_levels=dict.fromkeys(
            (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW), 3650
        ),
    ),
    provenance=ProvenanceRules(lost=Level.IGNORE),
)
"""What asks for nothing: the ground that a project's own file stands on, which only tightens."""
