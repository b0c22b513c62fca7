"""What an analyzer is: something that reads source files and finds defects in them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from headgate.model.finding import Finding, Outcome, Span
from headgate.model.record import record


class Later(NamedTuple):
    """Data of a known digest that is read when somebody asks for it."""

    digest: bytes
    place: str
    read: Callable[[str, bytes], bytes]
    """From the place; raises what makes the whole run begin anew when it has another digest."""


class SourceFile:
    """One file as an analyzer sees it."""

    __slots__ = ("_data", "_digest", "path")

    def __init__(self, path: str, data: bytes | Later) -> None:
        self.path = path
        """Relative to the root of the project; bytes that are not UTF-8 are surrogate-escaped."""
        self._data = data
        self._digest = data.digest if isinstance(data, Later) else b""

    @property
    def data(self) -> bytes:
        """Its content."""
        data = self._data
        if isinstance(data, Later):
            data = self._data = data.read(data.place, data.digest)
        return data

    @property
    def digest(self) -> bytes:
        """SHA-256 of the data."""
        if not self._digest:
            self._digest = hashlib.sha256(self.data).digest()
        return self._digest

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SourceFile):
            return NotImplemented
        return self.path == other.path and self.data == other.data

    def __hash__(self) -> int:
        return hash((self.path, self.digest))

    def __repr__(self) -> str:
        return f"SourceFile({self.path!r})"


@record
class Hit:
    """A finding, and what tells it from another on a line that reads the same when masked."""

    finding: Finding
    """Without excerpt and identity: the engine fills both in."""
    mark: str = ""
    """A keyed hash of what is masked, comparable within one run only; never shown."""
    place: tuple[int, int, int] | None = None
    """Where that is, so that the hash can be made again in another run: which reading of the file,
    0 for its text, and the first and last offset in the bytes of that."""


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


class Separate(Analyzer, Protocol):
    """An analyzer whose outcome for a file depends on that file alone, so that it can be kept."""

    def version(self) -> str:
        """What an outcome depends on besides the file and the code in `scan/`, e.g. which binary
        is run; empty: nothing."""
        ...

    def each(self, files: Sequence[SourceFile]) -> list[Analysis] | Analysis:
        """As `scan`, one for each file in their order; or why none could be examined."""
        ...

    def mark(self, file: SourceFile, place: tuple[int, int, int]) -> str:
        """The mark of a hit at this place of the file, as this run makes it."""
        ...


@runtime_checkable
class Asking(Analyzer, Protocol):
    """One that lets a process of its own do the work, which may go on beside other work."""

    def asked(self, files: Sequence[SourceFile]) -> Callable[[], Any]:
        """What lets the process read the files when it is called, in another thread if need be."""
        ...

    def told(self, answer: Any) -> Analysis:
        """As `scan`, of what that came to."""
        ...


@runtime_checkable
class SeparateAsking(Separate, Asking, Protocol):
    """Both."""

    def judged(self, answer: Any) -> list[Analysis] | Analysis:
        """As `each`, of what the process came to."""
        ...


def together(analyses: Sequence[Analysis]) -> Analysis:
    """What is said of several files, in their order, as one. It was not run where it was not run
    for one of them."""
    failed = next((one for one in analyses if one.outcome is not Outcome.PASSED), None)
    return Analysis(
        Outcome.PASSED if failed is None else failed.outcome,
        "" if failed is None else failed.reason,
        tuple(hit for one in analyses for hit in one.hits),
        tuple(entry for one in analyses for entry in one.skipped),
        tuple(span for one in analyses for span in one.hidden),
        tuple(entry for one in analyses for entry in one.reduced),
        tuple(entry for one in analyses for entry in one.cut),
    )
