"""What is asked of a package index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Existence(StrEnum):
    """Whether an index knows a package."""

    EXISTS = "exists"
    MISSING = "missing"
    UNKNOWN = "unknown"
    """The index did not say; never taken for either of the others."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an index says of one name."""

    existence: Existence
    detail: str = ""
    """For an unknown: what happened, e.g. `answered 503`."""


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a package, as its index tells of it. None: the index does not say."""

    published: float | None = None
    """Seconds since the epoch."""
    yanked: str | None = None
    """The reason for which it was taken back; empty when none was given, None: it was not."""
    deprecated: str = ""
    """Why it should not be used any more."""
    attested: bool | None = None
    """Whether a signed statement says who built it: PEP 740, npm provenance."""
    scripts: tuple[str, ...] | None = None
    """What runs when it is installed."""
    publisher: str = ""
    """Who uploaded it."""
    licence: str = ""
    """As its metadata writes it."""


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """All that an index tells of one package, and when it was asked."""

    name: str
    existence: Existence
    detail: str = ""
    """For an unknown: what happened."""
    asked: float = 0.0
    """Seconds since the epoch."""
    address: str = ""
    """Of the index, for people."""
    first: float | None = None
    """When the first release that is still there was published."""
    latest: str = ""
    """The release that is installed when none is named."""
    status: str = ""
    """Of the whole package: `quarantined`, `archived`, `deprecated`; empty: nothing is said."""
    downloads: int | None = None
    """In the last month."""
    maintainers: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    """Maintainers when they were last asked for, if they were others."""
    licence: str = ""
    """Of the latest release."""
    releases: Mapping[str, Release] = field(default_factory=dict[str, Release])
    doubts: tuple[str, ...] = ()
    """What could not be told, and why, e.g. `downloads: answered 403`."""

    def release(self, version: str) -> Release | None:
        """The release of a version; the latest one for an empty version."""
        return self.releases.get(version or self.latest)


class PackageIndex(Protocol):
    """An index of packages."""

    @property
    def address(self) -> str:
        """Where it is, for people: without credentials."""
        ...

    async def look_up(self, names: Iterable[str]) -> Mapping[str, Answer]:
        """Whether packages of these names exist. Never raises for what the network does."""
        ...

    async def facts(self, names: Iterable[str]) -> Mapping[str, PackageFacts]:
        """What is known of the packages. Never raises for what the network does."""
        ...
