"""A queue at one moment, as the lanes planner sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from headgate.model.ids import ChangeNumber, ItemId, NodeId


class TrialState(StrEnum):
    """What is known of the test of one assumed future."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Trial:
    """One build: items tested together in one assumed future."""

    id: NodeId
    members: tuple[ItemId, ...]
    """What is tested, in the order in which it was merged; several when the build is fused."""
    assumed: frozenset[ItemId]
    """Items ahead that were taken as landed when it began."""
    epoch: int
    """How many landings the queue had seen when it began; those are in its base."""
    state: TrialState
    started: float
    """Seconds since the epoch."""
    expected: float
    """Seconds that it should take in all."""
    culprits: frozenset[ItemId] | None = None
    """Of a failed one, the members to whom the failure was traced; None: to nobody."""
    reason: str = ""
    unmade: bool = False
    """It failed before anything ran: it does not merge, or its configuration cannot be used."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item without a verdict."""

    id: ItemId
    change: ChangeNumber
    position: int
    arrived: float
    conflicts: frozenset[ItemId] = frozenset()
    """Items, live or landed meanwhile, that it can affect or be affected by."""
    chance: float = 0.9
    """Predicted probability that it passes, before anything of it was tested."""
    duration: float = 600.0
    """Predicted seconds of its build."""
    priority: int = 0
    """Higher goes first."""
    requires: frozenset[ItemId] = frozenset()
    """Live items that must land before it (or with it)."""
    source: str = ""
    """Whose budget it counts against; empty: nobody's."""
    most: int = 1 << 30
    """The most items that it is tested with in one build: halved when a fused build with it
    failed and nobody could say why, so that no failure is asked for twice."""
    ready: bool = True
    """False: nothing is begun for it now."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A landed item whose own build had tested it together with a live one."""

    landed: ItemId
    beside: frozenset[ItemId]
    """Conflicts of the live one that this build took as landed, too; the witness holds as long
    as none of them left."""
    near: frozenset[ItemId]
    """Conflicts of the landed item."""
    epoch: int
    """How many landings the queue had seen when that build began."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How far the planner goes."""

    slots: int = 4
    fuse: int = 1
    """The most items in one build; 1: builds are never fused."""
    fuse_cost: float = 0.1
    """By how much one more member lengthens a fused build, as a share of it."""
    quarantine: float = 0.5
    """An item less likely to pass than this is built once on the branch, and nobody assumes it."""
    conflict: float = 0.02
    """Probability that two items that can affect each other do not go together."""
    screen: float = 0.4
    """An item whose likeliest future is less likely than this is first tested on the branch."""
    patience: float = 1.3
    """An item overtakes one ahead of it that needs more than this many times as long."""
    pressed_patience: float = 4.0
    """The same when slots are short: overtaking costs one more build."""
    least: float = 0.15
    """A future less likely than this is not tested even on an idle machine."""
    pressed_least: float = 0.35
    """The same when slots are nearly used up."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the planner may know."""

    now: float
    entries: tuple[Entry, ...]
    """In no order that matters."""
    trials: tuple[Trial, ...]
    settings: Settings
    landed: Mapping[ItemId, int] = field(default_factory=dict[ItemId, int])
    """Items that landed, with the count of landings after it: of all that entries and trials
    mention."""
    witnesses: Mapping[ItemId, tuple[Witness, ...]] = field(
        default_factory=dict[ItemId, tuple[Witness, ...]]
    )
    """Per live item, who landed beside it."""
    budgets: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many items of a source are tested at once; absent: all."""
    frozen: bool = False
    """Nothing lands."""
