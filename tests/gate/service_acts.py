"""What can happen to a queue of lanes in simulated time."""

from __future__ import annotations

from dataclasses import dataclass

AREAS = 4
PROJECT = "jinja"


@dataclass(frozen=True)
class Proposed:
    """The content of a revision."""

    areas: tuple[int, ...]
    sound: bool = True
    clashes: int = 0
    """Of those pushed before: how far back the one is with which it fails; 0: with none."""
    shared: bool = False
    """Writes a file that others write otherwise, so that git cannot merge both."""


@dataclass(frozen=True)
class Push:
    what: Proposed
    owner: str = "ada"
    depends: int = 0
    """How far back in the queue the one is that it depends on; 0: on none."""


@dataclass(frozen=True)
class Revise:
    which: int
    what: Proposed


@dataclass(frozen=True)
class End:
    """A job ends as its tree says."""

    which: int


@dataclass(frozen=True)
class Lose:
    """The machine of a job is gone."""

    which: int


@dataclass(frozen=True)
class Withdraw:
    which: int
    twice: bool = False


@dataclass(frozen=True)
class Again:
    """What has been said is said once more: enqueue, wake, a policy that is loaded again."""

    which: int


@dataclass(frozen=True)
class Hold:
    which: int


@dataclass(frozen=True)
class Promote:
    which: int
    priority: int


@dataclass(frozen=True)
class Outside:
    """Somebody moves the branch behind the gate's back: harmless, but not tested."""

    area: int


@dataclass(frozen=True)
class Die:
    """The program is killed after so many transactions more, or right before the last commits."""

    after: int
    before: bool = False
    again: int = 0
    """Transactions after which the next one dies, too, as it takes up what was left; 0: never."""


@dataclass(frozen=True)
class Restart:
    """Stopped in an orderly way, and begun again."""


@dataclass(frozen=True)
class Wait:
    seconds: float


Act = (
    Push | Revise | End | Lose | Withdraw | Again | Hold | Promote | Outside | Die | Restart | Wait
)


@dataclass(frozen=True)
class Script:
    acts: tuple[tuple[Act, bool], ...]
    """Each with whether all that follows from it happens before the next."""
    slots: int = 3
    fuse: int = 1
    seed: int = 0
    """Decides the order in which jobs end after the script."""
