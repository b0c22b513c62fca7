"""What a file says that declares dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from headgate.model.finding import Span


@dataclass(frozen=True, slots=True)
class Declared:
    """One dependency, as a file declares it."""

    ecosystem: str
    """`pypi` or `npm`."""
    name: str
    """As the index compares names."""
    requirement: str
    """As written."""
    span: Span
    source: str = ""
    """Where it comes from when not from an index: an address, a repository."""


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


class Manifest(Protocol):
    """A format of files that declare dependencies."""

    def wants(self, path: str) -> bool:
        """Whether the file at this path is of the format, by its name."""
        ...

    def parse(self, path: str, data: bytes) -> Parsed:
        """What the file says. Never raises: what is not understood is a problem."""
        ...
