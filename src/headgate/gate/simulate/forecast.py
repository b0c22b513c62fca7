"""What the planner is told of changes that arrive: the predictor of the gate, as it would stand
after some weeks of the same kind of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headgate.gate.lanes.predict import Predictor
from headgate.gate.simulate.oracle import truth
from headgate.gate.simulate.world import TOGETHER, World

CONFLICT = 0.02
"""Share of overlapping pairs that fail together, before any was seen."""


@dataclass(slots=True)
class Forecast:
    """Predicts the changes of one world, and learns from their verdicts."""

    world: World
    predictor: Predictor
    conflict: float = CONFLICT
    _landed: dict[int, float] = field(default_factory=dict[int, float])
    _features: dict[int, Mapping[str, float]] = field(
        default_factory=dict[int, Mapping[str, float]]
    )

    def chance(self, number: int) -> float:
        """Of a change that arrives now: probability that it passes."""
        found = self._features[number] = features(self.world, number, self._landed)
        return self.predictor.chance(found)

    def learn(self, number: int, passed: bool) -> None:
        """A verdict was reached."""
        if passed:
            self._landed[number] = self.world.arrivals[number - 1].time
        self.predictor.learn(self._features[number], passed)


def features(world: World, number: int, landed: Mapping[int, float]) -> Mapping[str, float]:
    """What can be known of a change when it arrives."""
    one = world.arrivals[number - 1]
    recent = sum(
        1
        for other in world.overlaps[number]
        if other in landed and one.time - world.arrivals[other - 1].time < TOGETHER
    )
    return {"trusted": 1.0 if one.signal else -1.0, "near": recent / 10.0}


def trained(histories: Sequence[World]) -> tuple[Predictor, float]:
    """A predictor that has seen these worlds, and the share of overlapping pairs that clashed."""
    predictor = Predictor.starting()
    pairs = clashes = 0
    for world in histories:
        lands = truth(world)
        landed: dict[int, float] = {}
        for one in world.arrivals:
            near = [
                other
                for other in world.overlaps[one.number]
                if other < one.number and one.time - world.arrivals[other - 1].time < TOGETHER
            ]
            pairs += len(near)
            clashes += sum(world.clash(one.number, other) for other in near)
            predictor.learn(features(world, one.number, landed), lands[one.number])
            if lands[one.number]:
                landed[one.number] = one.time
    return predictor, clashes / pairs if pairs else CONFLICT
