"""What a policy made of a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Result:
    """Decisions and costs of one policy on one world."""

    policy: str
    decided: dict[int, float] = field(default_factory=dict[int, float])
    """Change → seconds from arrival to decision."""
    landed: list[int] = field(default_factory=list[int])
    builds: int = 0
    untested: int = 0
    broken: int = 0
    usage: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    seconds: float = 0.0
    """Real seconds that the simulation took."""

    def percentile(self, share: float) -> float:
        """Turnaround in seconds below which that share of the decided changes lies."""
        return percentile(sorted(self.decided.values()), share)

    def summary(self, oracle: Result, arrivals: int) -> dict[str, float | int]:
        """Turnaround over the oracle's, and what it cost."""
        over = {
            f"p{int(share * 100)}_over_oracle": _ratio(
                self.percentile(share), oracle.percentile(share)
            )
            for share in (0.5, 0.95, 0.99)
        }
        minutes = {
            f"p{int(share * 100)}_minutes": round(self.percentile(share) / 60, 2)
            for share in (0.5, 0.95, 0.99)
        }
        return {
            **over,
            **minutes,
            "builds_per_change": round(self.builds / arrivals, 3) if arrivals else 0.0,
            "decided": len(self.decided),
            "landed": len(self.landed),
            "untested_landings": self.untested,
            "broken_landings": self.broken,
            "seconds": round(self.seconds, 3),
        }


def percentile(ordered: Sequence[float], share: float) -> float:
    """Nearest rank; 0 of nothing."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * len(ordered) * 100) // 100) - 1))]


def _ratio(a: float, b: float) -> float:
    return round(a / b, 3) if b > 0 else 0.0


Summary = Mapping[str, float | int]
