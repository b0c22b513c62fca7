"""What the parts of the reviewer hand each other, and the two seams: who is asked, who keeps count.

The material is made where hostile files are read (in the worker, at the gate); everything after
it works on material only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from headgate.model.finding import Finding
from headgate.model.record import record
from headgate.model.reviewer import Prices

PER_TOKEN = 3
"""Bytes of text that are counted as one token: code has about 3.5, so the estimate is high."""


def estimated(text: str | bytes) -> int:
    """Tokens that a text is counted as before the endpoint has said what it was."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    return -(-len(data) // PER_TOKEN)


@record
class Scope:
    """What may be shown of a change, and what else is known of it."""

    paths: tuple[str, ...]
    """Patterns of files that may leave."""
    never: tuple[str, ...]
    """Patterns of files that may not."""
    tokens: int
    """Estimated tokens of all lines together."""
    classes: Mapping[str, tuple[str, ...]]
    """Path classes of the project: name → patterns."""
    known: tuple[Finding, ...] = ()
    """What the source check says of the change, its questions among it."""


@record
class Line:
    """One line as it is shown: secrets masked, control characters escaped."""

    number: int
    """In the file as it would be; 0 for a line that the change takes out."""
    mark: str
    """`+` added, `-` taken out, ` ` as it was."""
    text: str


@record
class Piece:
    """Lines of one file that follow on one another."""

    path: str
    why: str
    """`changed`, or what it has to do with the change."""
    lines: tuple[Line, ...]


@record
class Source:
    """A file of which something is shown."""

    path: str
    digest: str
    """SHA-256 of its whole content."""
    lines: int
    """How many of its lines are shown; 0 where only a route of it is told."""


@record
class Material:
    """All that may be shown of a change, and what is left out."""

    pieces: tuple[Piece, ...] = ()
    questions: tuple[str, ...] = ()
    """What Headgate's own analysis says and asks about the lines shown."""
    routes: tuple[str, ...] = ()
    """The ways into the program near the change, and whether each looks at who asks."""
    sources: tuple[Source, ...] = ()
    withheld: tuple[str, ...] = ()
    """`path: reason` of what may not be shown."""
    cut: tuple[str, ...] = ()
    """`path: reason` of what changed and does not fit into the bounds."""
    masked: int = 0
    """Places in the lines shown where a secret was masked."""
    problem: str = ""
    """Why nothing may be shown at all."""

    @property
    def empty(self) -> bool:
        return not any(line.mark != " " for piece in self.pieces for line in piece.lines)


@record
class Usage:
    """Tokens of one or more answers."""

    sent: int
    received: int
    estimated: bool = False
    """Whether the endpoint did not say, and this is our own count."""

    @property
    def total(self) -> int:
        return self.sent + self.received

    def plus(self, other: Usage) -> Usage:
        return Usage(
            self.sent + other.sent,
            self.received + other.received,
            self.estimated or other.estimated,
        )


NOTHING = Usage(0, 0)


@record
class Reply:
    """What the endpoint answered."""

    text: str
    usage: Usage
    cut: bool = False
    """Whether the answer ends where its tokens ended."""


class NotAnswered(Exception):
    """There is no usable answer; the text is one sentence that says why and what to do.

    `spent`: tokens that must be taken for used all the same.
    """

    def __init__(self, reason: str, spent: Usage = NOTHING) -> None:
        super().__init__(reason)
        self.reason = reason
        self.spent = spent


class Endpoint(Protocol):
    """Somebody who can be asked."""

    async def ask(self, body: bytes) -> Reply:
        """Send one request body, as `prompt.body` makes it. Raises NotAnswered."""
        ...


@record
class Sending:
    """That code is about to leave: what, where to, and what is set aside for it."""

    project: str
    endpoint: str
    """Address, without anything secret."""
    model: str
    sources: tuple[Source, ...]
    digest: str
    """SHA-256 of the bytes that are sent."""
    size: int
    """Of these bytes."""
    reserved: int
    """Tokens that it may cost."""
    reserved_micros: int


@record
class Received:
    """What became of a sending."""

    outcome: str
    reason: str
    usage: Usage
    micros: int
    findings: int = 0
    discarded: int = 0


@record
class Spent:
    """What was used since midnight UTC, or is set aside."""

    tokens: int = 0
    micros: int = 0


UNSPENT = Spent()


class Account(Protocol):
    """Keeps count of what left the machine and what it cost, where it can be audited."""

    def begin(self, sending: Sending, most: Spent) -> tuple[int, Spent]:
        """Record that it leaves, unless that would exceed the `most` of a day (0: no bound).

        Gives its number, 0 when it is refused, and what had been spent before. Recorded before
        anything is sent: a crash in between leaves it as spent.
        """
        ...

    def end(self, number: int, received: Received) -> Spent:
        """Record what became of it; what is spent now."""
        ...


def price(prices: Prices, usage: Usage) -> int:
    """In millionths of the currency."""
    return prices.micros(usage.sent, usage.received)
