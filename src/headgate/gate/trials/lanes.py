"""What a queue of lanes remembers between two looks at it; all of it can be found out anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from headgate.gate.lanes.evidence import Memory
from headgate.gate.lanes.view import Entry, Trial, Witness
from headgate.gate.trials.footprint import Footprint, conflict
from headgate.gate.trials.forecast import Forecast
from headgate.gate.trials.windows import Windows
from headgate.model.ids import ItemId, JobRunId

FIRST_GUESS = 60.0
"""Seconds that a job is expected to take of which nothing is known."""

_WEIGHT = 0.3
"""How much one more run changes what is expected."""

BELIEVED = 240.0
"""Seconds in which a job that failed on the bare branches is not asked there again: less than a
held item waits, so that each of its tries asks anew."""

RESTLESS = 3
"""How often an item is confirmed before it is taken to conflict with all, so that those behind it
let it land first."""


@dataclass(slots=True)
class Durations:
    """How long jobs take lately."""

    seconds: dict[str, float] = field(default_factory=dict[str, float])
    """`project/job` → seconds."""

    def learn(self, job: str, seconds: float) -> None:
        """A run has passed."""
        before = self.seconds.get(job)
        self.seconds[job] = seconds if before is None else before + _WEIGHT * (seconds - before)

    def of(self, jobs: Iterable[str]) -> float:
        """What a build of these jobs takes: they run side by side."""
        return max((self.seconds.get(job, FIRST_GUESS) for job in jobs), default=1.0)


@dataclass(slots=True)
class Red:
    """Jobs that failed on the bare branches, by what they see, for as long as that is believed.

    A job that failed there by chance would else excuse every change that breaks it, and keep it
    waiting, until the branch moves.
    """

    runs: dict[str, tuple[JobRunId, float]] = field(
        default_factory=dict[str, tuple[JobRunId, float]]
    )
    """→ the run that showed it, and when."""

    def add(self, key: str, run: JobRunId, now: float) -> None:
        """It has failed; what is not believed any more is forgotten."""
        self.runs = {k: known for k, known in self.runs.items() if now - known[1] < BELIEVED}
        self.runs[key] = (run, now)

    def find(self, key: str, now: float) -> JobRunId | None:
        """The run that showed that it fails; None when that is not known."""
        run, when = self.runs.get(key, (None, 0.0))
        return run if now - when < BELIEVED else None


@dataclass(slots=True)
class Lanes:
    """One queue; a unit of items that land together goes by its first item."""

    epoch: int = 0
    """How many landings it has seen."""
    footprints: dict[ItemId, Footprint] = field(default_factory=dict[ItemId, Footprint])
    edges: dict[ItemId, dict[ItemId, str]] = field(default_factory=dict[ItemId, dict[ItemId, str]])
    """Who conflicts with whom, and why; landed ones too, while a trial was made before that."""
    learned: dict[ItemId, dict[ItemId, str]] = field(
        default_factory=dict[ItemId, dict[ItemId, str]]
    )
    """Conflicts that only showed when the two met."""
    landed: dict[ItemId, int] = field(default_factory=dict[ItemId, int])
    unit_of: dict[ItemId, ItemId] = field(default_factory=dict[ItemId, ItemId])
    """Landed items → the unit that they landed with."""
    witnesses: dict[ItemId, tuple[Witness, ...]] = field(
        default_factory=dict[ItemId, tuple[Witness, ...]]
    )
    most: dict[ItemId, int] = field(default_factory=dict[ItemId, int])
    """Units that a fused build failed with and nobody knew why → the most of the next one."""
    proven: set[ItemId] = field(default_factory=set[ItemId])
    """Passed once, in a future that did not come about exactly."""
    asked_again: set[ItemId] = field(default_factory=set[ItemId])
    """Failed once, which a later future contradicted."""
    confirmed: dict[ItemId, int] = field(default_factory=dict[ItemId, int])
    red: Red = field(default_factory=lambda: Red())
    memory: Memory = field(default_factory=Memory)
    entries: dict[ItemId, Entry] = field(default_factory=dict[ItemId, Entry])
    """As last shown to the planner, which knows them again by identity."""
    trials: dict[int, Trial] = field(default_factory=dict[int, Trial])
    sources: dict[ItemId, str] = field(default_factory=dict[ItemId, str])
    """Whose budget each unit counts against."""
    windows: Windows = field(default_factory=Windows)
    """How many changes of each source are tested at once."""
    forecast: Forecast = field(default_factory=Forecast)
    waits: dict[ItemId, str] = field(default_factory=dict[ItemId, str])
    """Why a unit is not tested now, in words."""

    def place(self, unit: ItemId, footprint: Footprint) -> None:
        """The unit is there with this footprint; finds out whom it conflicts with."""
        if self.confirmed.get(unit, 0) >= RESTLESS and not footprint.unclear:
            why = "others landed between its test and its landing too often"
            footprint = footprint.and_(Footprint(unclear=why))
        if self.footprints.get(unit) == footprint:
            return
        self._forget_edges(unit)
        self.footprints[unit] = footprint
        mine = self.edges[unit] = dict(self.learned.get(unit, {}))
        for other, theirs in self.footprints.items():
            if other == unit:
                continue
            why = mine.get(other) or conflict(footprint, theirs)
            if why:
                mine[other] = why
                self.edges[other][unit] = why

    def learn(self, unit: ItemId, others: Collection[ItemId], why: str) -> None:
        """These do conflict, whatever their footprints say."""
        for other in others:
            for one, two in ((unit, other), (other, unit)):
                self.learned.setdefault(one, {})[two] = why
                self.edges.setdefault(one, {})[two] = why

    def leave(self, unit: ItemId) -> None:
        """The unit has left without landing, or its items are not a unit any more."""
        self._forget_edges(unit)
        for of in (self.footprints, self.learned, self.witnesses, self.most, self.confirmed):
            of.pop(unit, None)
        for learned in self.learned.values():
            learned.pop(unit, None)
        self.proven.discard(unit)
        self.asked_again.discard(unit)
        self.entries.pop(unit, None)
        self.sources.pop(unit, None)
        self.waits.pop(unit, None)

    def land(self, unit: ItemId, items: Iterable[ItemId], epoch: int) -> None:
        """The unit has landed, as the last of `epoch` landings."""
        self.epoch = max(self.epoch, epoch)
        self.landed[unit] = epoch
        self.unit_of.update(dict.fromkeys(items, unit))
        self.witnesses.pop(unit, None)
        self.entries.pop(unit, None)
        self.sources.pop(unit, None)
        self.waits.pop(unit, None)

    def landed_items(self) -> dict[ItemId, int]:
        """Items that landed, with the count of landings after theirs."""
        return {item: self.landed[unit] for item, unit in self.unit_of.items()}

    def keep(self, live: Collection[ItemId], trials: Collection[Trial]) -> None:
        """Forget whoever is neither live nor named by a trial: what was tested with one that left
        says nothing, and only conflicts tell that."""
        oldest = min((trial.epoch for trial in trials), default=self.epoch)
        named = {i for trial in trials for i in (*trial.assumed, *trial.members)}
        named |= {i for found in self.witnesses.values() for w in found for i in w.beside}
        for unit, when in list(self.landed.items()):
            if when <= oldest and unit not in named:
                del self.landed[unit]
                self.leave(unit)
        here = {*live, *self.landed, *named}
        for unit in [u for u in self.footprints if u not in here]:
            self.leave(unit)
        for item in [i for i, unit in self.unit_of.items() if unit not in self.landed]:
            del self.unit_of[item]

    def conflicts(self, unit: ItemId) -> Mapping[ItemId, str]:
        """Whom it conflicts with, and why."""
        return self.edges.get(unit, {})

    def _forget_edges(self, unit: ItemId) -> None:
        for other in self.edges.pop(unit, {}):
            self.edges.get(other, {}).pop(unit, None)
