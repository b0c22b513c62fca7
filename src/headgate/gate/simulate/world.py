"""What happens outside the gate in a simulation: who arrives when, and what is true of them."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

HOUR = 3600.0


class Mix(StrEnum):
    """How many changes fail, and how well that can be known beforehand."""

    HARD = "hard"
    EASY = "easy"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A change as it will be, whatever the gate does."""

    number: int
    time: float
    """Seconds since the beginning."""
    duration: float
    """Seconds of its build, alone."""
    estimate: float
    """What one would guess of `duration` beforehand, in seconds."""
    targets: frozenset[int]
    """What it touches; two that touch the same can affect each other."""
    sound: bool
    """Whether it passes by itself."""
    signal: bool
    """What can be known of `sound` beforehand."""


@dataclass(frozen=True)
class World:
    """A trace, and which changes do not go together."""

    arrivals: tuple[Arrival, ...]
    clashes: frozenset[tuple[int, int]] = frozenset()
    """Pairs (earlier, later) that pass alone and fail together."""
    settings: Mapping[str, object] = field(default_factory=dict[str, object])

    @cached_property
    def overlaps(self) -> Mapping[int, frozenset[int]]:
        """Number → those that touch something that it touches."""
        by_target: dict[int, list[int]] = {}
        found: dict[int, set[int]] = {}
        for one in self.arrivals:
            mine = found[one.number] = set()
            for target in one.targets:
                others = by_target.setdefault(target, [])
                mine.update(others)
                others.append(one.number)
            for other in mine:
                found[other].add(one.number)
        return {number: frozenset(others) for number, others in found.items()}

    def clash(self, a: int, b: int) -> bool:
        """Whether two changes fail together."""
        return ((a, b) if a < b else (b, a)) in self.clashes


TARGETS = 2000
LARGE = 0.03
LARGE_TARGETS = 200
SKEW = 1.9
"""Exponent that makes some targets popular: about 4 % of all pairs then overlap."""
TOGETHER = 3 * HOUR
"""Changes further apart than this never clash."""


@dataclass(frozen=True, slots=True)
class Odds:
    """The numbers of a mix."""

    good: float
    """Share of changes that are of the good kind."""
    good_passes: float
    bad_passes: float
    accuracy: float
    """How often the kind is known beforehand."""
    clash: float
    """Probability that an overlapping pair fails together."""


ODDS = {
    Mix.HARD: Odds(0.9, 0.985, 0.12, 0.97, 0.035),
    Mix.EASY: Odds(1.0, 0.97, 0.97, 1.0, 0.008),
}


def generate(mix: Mix, *, rate: float, hours: float, seed: int) -> World:
    """The synthetic model: Poisson arrivals at `rate` per hour, lognormal durations of 27 minutes
    in the median clipped to 5 to 120, 3 % large changes that take twice as long and touch a tenth
    of everything, and clashes between overlapping pairs within three hours."""
    rng = random.Random(f"{mix}:{rate}:{hours}:{seed}")
    odds = ODDS[mix]
    arrivals: list[Arrival] = []
    time = 0.0
    while True:
        time += rng.expovariate(rate / HOUR)
        if time > hours * HOUR:
            break
        minutes = min(max(rng.lognormvariate(math.log(27.0), 0.5), 5.0), 120.0)
        if rng.random() < LARGE:
            minutes *= 2
            targets = frozenset(rng.sample(range(TARGETS), LARGE_TARGETS))
        else:
            count = 1 + int(9.999 * rng.random() ** 2)
            targets = frozenset(int(TARGETS * rng.random() ** SKEW) for _ in range(count))
        good = rng.random() < odds.good
        sound = rng.random() < (odds.good_passes if good else odds.bad_passes)
        signal = good if rng.random() < odds.accuracy else not good
        estimate = minutes * 60 * rng.lognormvariate(0.0, 0.15)
        arrivals.append(
            Arrival(len(arrivals) + 1, time, minutes * 60, estimate, targets, sound, signal)
        )
    return World(
        tuple(arrivals),
        _clashes(arrivals, odds.clash, rng),
        {"mix": mix.value, "rate": rate, "hours": hours, "seed": seed},
    )


def _clashes(
    arrivals: Sequence[Arrival], odds: float, rng: random.Random
) -> frozenset[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for at, later in enumerate(arrivals):
        for earlier in reversed(arrivals[:at]):
            if later.time - earlier.time > TOGETHER:
                break
            if later.targets & earlier.targets and rng.random() < odds:
                found.add((earlier.number, later.number))
    return frozenset(found)
