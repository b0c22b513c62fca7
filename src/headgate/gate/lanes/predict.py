"""How likely a change is to pass: logistic regression that learns with each verdict.

Stochastic gradient descent on the log loss with a step that shrinks per feature (AdaGrad, Duchi et
al. 2011, section 1.3) and a little decay towards nothing, so that few verdicts move it little. It
starts from a base rate and works without any feature.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

BASE = "base"
STEP = 0.5
DECAY = 1e-4
FEW = 0.005
"""No prediction is closer to certainty than this."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What one feature adds to a prediction, in log odds: above zero speaks for passing."""

    feature: str
    weight: float


@dataclass(slots=True)
class Predictor:
    """Weights per feature. Features are numbers about as large as one."""

    weights: dict[str, float] = field(default_factory=dict[str, float])
    _squares: dict[str, float] = field(default_factory=dict[str, float])

    @classmethod
    def starting(cls, chance: float = 0.9) -> Predictor:
        """One that knows nothing but a base rate."""
        return cls({BASE: _logit(chance)})

    def chance(self, features: Mapping[str, float]) -> float:
        """Probability that a change with these features passes."""
        return min(max(_sigmoid(self._score(features)), FEW), 1.0 - FEW)

    def learn(self, features: Mapping[str, float], passed: bool) -> None:
        """Take a verdict into account."""
        error = (1.0 if passed else 0.0) - _sigmoid(self._score(features))
        for name, value in (*features.items(), (BASE, 1.0)):
            if not value:
                continue
            weight = self.weights.get(name, 0.0)
            gradient = error * value - DECAY * weight
            squares = self._squares[name] = self._squares.get(name, 1.0) + gradient * gradient
            self.weights[name] = weight + STEP * gradient / math.sqrt(squares)

    def explain(self, features: Mapping[str, float]) -> tuple[Reason, ...]:
        """What the prediction is made of, the weightiest first."""
        parts = (Reason(n, self.weights.get(n, 0.0) * v) for n, v in features.items())
        return tuple(sorted(parts, key=lambda r: -abs(r.weight)))

    def _score(self, features: Mapping[str, float]) -> float:
        score = self.weights.get(BASE, 0.0)
        for name, value in features.items():
            score += self.weights.get(name, 0.0) * value
        return score


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x > -500 else 0.0


def _logit(p: float) -> float:
    return math.log(p / (1.0 - p))
