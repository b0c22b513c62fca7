"""What trial is to be made, and what came of making it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from headgate.model.ids import Commit, ItemId, QueueId
from headgate.model.queue import BranchKey
from headgate.model.trial import TrialPurpose


class Made(Enum):
    """What came of making a trial."""

    BUILDING = "building"
    PASSED = "passed"
    """Nothing had to run."""
    FAILED = "failed"
    """It does not merge, or its configuration cannot be used; that is recorded."""
    NO_SLOT = "no slot"
    """Jobs have to run, and there is no room for them now."""
    LEFT = "left"
    """Somebody left meanwhile, or met trouble that is nobody's fault."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made."""

    queue: QueueId
    name: str
    purpose: TrialPurpose
    units: tuple[tuple[ItemId, ...], ...]
    """Members: units that are tested, each with all its items in order."""
    assumed: tuple[tuple[ItemId, ...], ...]
    """Units that are taken as landed, in order."""
    heads: Mapping[BranchKey, Commit]
    """The branches as they are."""
    room: bool
    """Whether a build may be begun."""
    rules: str = ""
    """Digest of the policy when making it began: what is chosen under one that comes in between
    counts for neither."""

    @property
    def items(self) -> tuple[ItemId, ...]:
        return tuple(item for unit in self.units for item in unit)

    @property
    def ahead(self) -> tuple[ItemId, ...]:
        return tuple(item for unit in self.assumed for item in unit)
