"""What a file says that declares or locks dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from headgate.model.finding import Span


class Relation(StrEnum):
    """Whether the project asks for a package itself, or another package does."""

    DIRECT = "direct"
    TRANSITIVE = "transitive"
    UNKNOWN = "unknown"
    """The file does not tell, and nothing beside it does."""


class Scope(StrEnum):
    """What a package is for."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"
    """Building, testing, documenting; absent where the software runs."""


class SourceKind(StrEnum):
    """Where a package's code is taken from."""

    REGISTRY = "registry"
    GIT = "git"
    URL = "url"
    PATH = "path"
    """A directory or file beside the project."""


class Role(StrEnum):
    """What a file is to its ecosystem's installer."""

    MANIFEST = "manifest"
    """Says what is wanted; often a range of versions."""
    LOCK = "lock"
    """Says what is installed, version by version."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One dependency, as a file declares or locks it."""

    ecosystem: str
    """The type of its package URL: `pypi`, `npm`, `golang`, `cargo`, `maven`, `gem`, `composer`,
    `nuget`, `docker`, `githubactions`, `github` (a pre-commit hook), `generic`."""
    name: str
    """As the index compares names; for Maven `group:artifact`."""
    requirement: str
    """As written."""
    span: Span
    source: str = ""
    """Where it comes from when not from an index: an address, a repository, a path."""
    version: str = ""
    """The one version that is installed; empty when the file leaves a choice."""
    relation: Relation = Relation.DIRECT
    scope: Scope = Scope.PRODUCTION
    kind: SourceKind = SourceKind.REGISTRY
    hashes: tuple[str, ...] = ()
    """As the file writes them, sorted; each accepts one artifact."""
    licence: str = ""
    """As the file states it; empty when it does not."""
    requires: tuple[str, ...] = ()
    """Names of packages that this one needs, as far as the file says."""

    def related(self, relation: Relation, scope: Scope) -> Declared:
        """The same with what other files tell of it."""
        if relation is self.relation and scope is self.scope:
            return self
        # `replace` takes three times as long, and lockfiles have thousands of these.
        return Declared(
            self.ecosystem,
            self.name,
            self.requirement,
            self.span,
            self.source,
            self.version,
            relation,
            scope,
            self.kind,
            self.hashes,
            self.licence,
            self.requires,
        )


@dataclass(frozen=True, slots=True)
class IndexSetting:
    """A line that tells the installer to ask another index, or to trust one blindly."""

    ecosystem: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Include:
    """Another file whose dependencies count as well."""

    path: str
    """From the root of the project."""
    span: Span
    constraint: bool = False
    """Its versions bind, but it asks for nothing (pip's `-c`)."""
    optional: bool = False
    """Its absence is no fault: a parent that may be in a repository of its own."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a file that could not be understood."""

    message: str
    span: Span


@dataclass(frozen=True, slots=True)
class Parsed:
    """Everything one file says."""

    declared: tuple[Declared, ...] = ()
    indexes: tuple[IndexSetting, ...] = ()
    includes: tuple[Include, ...] = ()
    problems: tuple[Problem, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """What other files of the ecosystem may refer to: Maven's properties and managed versions,
    NuGet's central versions. Key and value."""


class Manifest(Protocol):
    """A format of files that declare or lock dependencies."""

    @property
    def ecosystem(self) -> str:
        """Of most of the packages in it."""
        ...

    @property
    def role(self) -> Role: ...

    def wants(self, path: str) -> bool:
        """Whether the file at this path is of the format, by its name."""
        ...

    def parse(self, path: str, data: bytes) -> Parsed:
        """What the file says. Never raises: what is not understood is a problem."""
        ...
