"""The seam between a forge and the intake: proposals in, reports out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from headgate.model.change import Entry
from headgate.model.ids import ChangeNumber, Commit
from headgate.model.report import Status
from headgate.vcs.repository import Repository


@dataclass(frozen=True, slots=True)
class Proposal:
    """A wish to land `head` on `branch`, whichever forge it came through."""

    project: str
    branch: str
    topic: str
    """Empty: the proposal names none, and becomes a change of its own."""
    change: ChangeNumber | None
    """Set when the pusher names the change to revise."""
    head: Commit
    options: tuple[str, ...]
    entry: Entry


@dataclass(frozen=True, slots=True)
class DependsOn:
    """A `Depends-On:` footer as written, and the change that it names."""

    text: str
    change: ChangeNumber | None
    """None when the footer does not name a change of this server."""
    external: bool = False
    """Whether it is the address of something on another server."""


class Forge(Protocol):
    """A place that changes come from."""

    name: str

    def proposal(
        self, project: str, ref: str, head: Commit, options: Sequence[str], branches: Sequence[str]
    ) -> Proposal:
        """Read what was pushed. Raises BadInput with the remedy when it cannot be a proposal."""
        ...

    def depends_on(self, message: str) -> tuple[DependsOn, ...]:
        """The `Depends-On:` footers of a commit message."""
        ...

    async def report(self, repository: Repository, status: Status) -> None:
        """Tell how a commit fares; one at a time for a repository. Raises HeadgateError."""
        ...
