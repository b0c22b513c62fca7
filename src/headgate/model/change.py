"""Changes, their revisions and commits, and the states they pass through."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from headgate.model.ids import ChangeNumber, Commit, PrincipalId, ProjectId, RevisionId
from headgate.model.origin import Origin
from headgate.model.record import record


class ChangeState(StrEnum):
    CHECKING = "checking"
    """The current revision is being inspected."""
    DENIED = "denied"
    """The verdict forbids it; a new revision is needed."""
    WAITING = "waiting"
    """Something is missing: approvals, or a dependency that is not queued yet."""
    READY = "ready"
    """May enter a queue, and is held back by its owner."""
    QUEUED = "queued"
    LANDED = "landed"
    EJECTED = "ejected"
    """It failed in the queue; a new revision or `change enqueue` tries again."""
    ABANDONED = "abandoned"


TRANSITIONS: Mapping[ChangeState, frozenset[ChangeState]] = {
    ChangeState.CHECKING: frozenset(
        {
            ChangeState.CHECKING,
            ChangeState.DENIED,
            ChangeState.WAITING,
            ChangeState.READY,
            ChangeState.QUEUED,
            ChangeState.ABANDONED,
        }
    ),
    ChangeState.DENIED: frozenset({ChangeState.CHECKING, ChangeState.ABANDONED}),
    ChangeState.WAITING: frozenset(
        {
            ChangeState.CHECKING,
            ChangeState.DENIED,
            ChangeState.WAITING,
            ChangeState.READY,
            ChangeState.QUEUED,
            ChangeState.ABANDONED,
        }
    ),
    ChangeState.READY: frozenset(
        {
            ChangeState.CHECKING,
            ChangeState.DENIED,
            ChangeState.WAITING,
            ChangeState.QUEUED,
            ChangeState.ABANDONED,
        }
    ),
    ChangeState.QUEUED: frozenset(
        {
            ChangeState.CHECKING,
            ChangeState.WAITING,
            ChangeState.READY,
            ChangeState.DENIED,
            ChangeState.LANDED,
            ChangeState.EJECTED,
            ChangeState.ABANDONED,
        }
    ),
    ChangeState.EJECTED: frozenset(
        {
            ChangeState.CHECKING,
            ChangeState.DENIED,
            ChangeState.WAITING,
            ChangeState.READY,
            ChangeState.QUEUED,
            ChangeState.ABANDONED,
        }
    ),
    ChangeState.LANDED: frozenset(),
    ChangeState.ABANDONED: frozenset({ChangeState.CHECKING}),
}
"""Which state may follow which; anything else is a defect of ours and raises."""

OPEN_STATES = frozenset(ChangeState) - {ChangeState.LANDED, ChangeState.ABANDONED}


class Entry(StrEnum):
    """Whether a change enters its queue by itself once its verdict allows it."""

    AUTOMATIC = "automatic"
    HELD = "held"


@record
class Change:
    """A proposal for one branch of one project."""

    number: ChangeNumber
    project: ProjectId
    branch: str
    topic: str
    """What its owner calls it; with owner, project and branch it finds the change again."""
    owner: PrincipalId
    title: str
    state: ChangeState
    reason: str
    """Why it is in this state, in words a person reads."""
    revision: int
    """Number of the current revision, counted from 1."""
    entry: Entry
    created: float
    updated: float
    landed_commit: Commit | None = None


class DependencyKind(StrEnum):
    FOOTER = "footer"
    """A `Depends-On:` footer that names a change of this server."""
    STACK = "stack"
    """The commits stand on the head of another change."""
    EXTERNAL = "external"
    """A `Depends-On:` footer with an address that is not of this server."""


@record
class Dependency:
    """What has to land before a change, or together with it."""

    text: str
    """As written; in a stack, the number of the other change."""
    change: ChangeNumber | None
    """None for what is not on this server."""
    kind: DependencyKind = DependencyKind.FOOTER
    revision: int = 0
    """In a stack, the revision of the other change that this one stands on."""


@record
class Satisfaction:
    """A human's word that something outside of this server has landed."""

    address: str
    by: PrincipalId
    comment: str
    created: float


@record
class Revision:
    """One state of a change, as pushed."""

    id: RevisionId
    change: ChangeNumber
    number: int
    head: Commit
    base: Commit
    """What its own commits begin from: the merge base of head and the target branch when it was
    pushed; in a stack, the head of the change that it stands on."""
    message: str
    """Of the head commit, whole."""
    pusher: PrincipalId
    options: tuple[str, ...]
    """Push options."""
    created: float
    depends_on: tuple[Dependency, ...] = ()

    @property
    def needs(self) -> tuple[ChangeNumber, ...]:
        """The changes of this server that it depends on."""
        return tuple(dict.fromkeys(d.change for d in self.depends_on if d.change is not None))

    @property
    def external(self) -> tuple[str, ...]:
        """The addresses outside of this server that it depends on."""
        found = (d.text for d in self.depends_on if d.kind is DependencyKind.EXTERNAL)
        return tuple(dict.fromkeys(found))

    @property
    def stands_on(self) -> tuple[Dependency, ...]:
        """The changes whose commits are below its own."""
        return tuple(d for d in self.depends_on if d.kind is DependencyKind.STACK)


@record
class Signature:
    """Who is named by a commit, and when (seconds since the epoch)."""

    name: str
    email: str
    time: int


@record
class CommitInfo:
    """A commit as git tells it."""

    commit: Commit
    parents: tuple[Commit, ...]
    author: Signature
    committer: Signature
    message: str

    @property
    def subject(self) -> str:
        return self.message.split("\n", 1)[0]


@record
class RevisionCommit:
    """A commit of a revision, with its origin."""

    commit: CommitInfo
    origin: Origin
