"""What is asked of a place that publishes records of the OSV schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from headgate.deps.advisories.archive import Document


class Listed(NamedTuple):
    """A line of a listing."""

    modified: str
    id: str


class Source(Protocol):
    """A place that publishes records. Every method raises BadInput or CouldNotRun."""

    @property
    def address(self) -> str:
        """Where it is, for people: without credentials."""
        ...

    def ecosystems(self) -> Sequence[str]:
        """Those it has exports of; none where it is one heap of records."""
        ...

    def listing(self, ecosystem: str) -> Iterator[Listed] | None:
        """What an export has, the newest first; None where it does not say."""
        ...

    def everything(self, ecosystem: str) -> Iterator[Document]:
        """All documents of an export, or of the heap."""
        ...

    def some(self, ecosystem: str, ids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Single documents of an export; None for one that is no longer there."""
        ...
