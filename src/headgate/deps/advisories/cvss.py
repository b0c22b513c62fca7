"""Base scores of CVSS 3.0, 3.1 and 4.0 from their vectors; other metrics do not count.

Sources: FIRST, CVSS v3.1 Specification, 7.1; CVSS v4.0 Specification, 8.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import product

_RATINGS = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))


def rating_of(base: float) -> str:
    """The word for a base score: `none`, `low`, `medium`, `high` or `critical`."""
    return next((word for least, word in _RATINGS if base >= least), "none")


@lru_cache(maxsize=2000)
def score(vector: str) -> float | None:
    """The base score of a vector, 0.0 to 10.0; None for what is no vector of these versions."""
    name, _, rest = vector.strip().rstrip("/").partition("/")
    metrics: dict[str, str] = {}
    for part in rest.split("/"):
        metric, _, value = part.partition(":")
        if metric in metrics:
            return None
        metrics[metric] = value
    try:
        if name in ("CVSS:3.0", "CVSS:3.1"):
            return _three(metrics)
        return _four(metrics) if name == "CVSS:4.0" else None
    except KeyError:
        return None


_AV = {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2}
_AC = {"L": 0.77, "H": 0.44}
_PR = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}
_UI = {"N": 0.85, "R": 0.62}
_CIA = {"H": 0.56, "L": 0.22, "N": 0.0}


def _three(metrics: Mapping[str, str]) -> float:
    scope = metrics["S"]
    exploitability = (
        8.22
        * _AV[metrics["AV"]]
        * _AC[metrics["AC"]]
        * _PR[scope][metrics["PR"]]
        * _UI[metrics["UI"]]
    )
    left = math.prod(1 - _CIA[metrics[one]] for one in "CIA")
    base = 1 - left
    changed = scope == "C"
    impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 if changed else 6.42 * base
    if impact <= 0:
        return 0.0
    return _up(min((1.08 if changed else 1) * (impact + exploitability), 10))


def _up(value: float) -> float:
    """The next tenth, without what floating point adds: Appendix A of the 3.1 specification."""
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10


_LEVELS: dict[str, str] = {
    "AV": "NALP", "AC": "LH", "AT": "NP", "PR": "NLH", "UI": "NPA",
    "VC": "HLN", "VI": "HLN", "VA": "HLN", "SC": "SHLN", "SI": "SHLN", "SA": "SHLN",
}  # fmt: skip
"""Values of each base metric, the worst first: one step is a tenth of a level (8.3)."""

_SETS = (("AV", "PR", "UI"), ("AC", "AT"), ("VC", "VI", "VA"), ("SC", "SI", "SA"))
"""The metrics of EQ1, EQ2, EQ3 with EQ6, and EQ4; EQ5 is of a threat metric, taken as worst."""

_HIGHEST: tuple[dict[int, tuple[str, ...]], ...] = (
    {0: ("NNN",), 1: ("ANN", "NLN", "NNP"), 2: ("PNN", "ALP")},
    {0: ("LN",), 1: ("HN", "LP")},
    {0: ("HHH",), 1: ("LHH", "HLH"), 2: ("LLL",)},
    {1: ("HHH",), 2: ("LLL",)},
)
"""The highest vectors of each level of these sets (table 24 and following)."""

_DEPTHS = ({0: 1, 1: 4, 2: 5}, {0: 1, 1: 2}, {0: 7, 1: 8, 2: 10}, {1: 5, 2: 4})
"""How many steps each level is deep."""


def _four(metrics: Mapping[str, str]) -> float:
    from headgate.deps.advisories.cvss_levels import SCORES

    given = {
        one: values.index(metrics[one]) for one, values in _LEVELS.items() if _has(metrics, one)
    }
    if len(given) != len(_LEVELS):
        raise KeyError("a base metric")
    if all(metrics[one] == "N" for one in ("VC", "VI", "VA", "SC", "SI", "SA")):
        return 0.0
    levels = _four_levels(metrics)
    here = SCORES[_macro(levels)]
    depths = _depths(given, levels)
    lowered = 0.0
    neighbours = 0
    for at, steps in enumerate(depths):
        lower = max((SCORES[one] for one in _lower(levels, at) if one in SCORES), default=None)
        if lower is not None:
            neighbours += 1
            lowered += (here - lower) * steps / _DEPTHS[at][levels[at]]
    neighbours += 1  # EQ5 always has a level below it, and is at its highest.
    value = max(0.0, min(10.0, here - lowered / neighbours))
    return math.floor(value * 10 + 0.5 + 1e-6) / 10


def _has(metrics: Mapping[str, str], one: str) -> bool:
    value = metrics.get(one, "")
    # S, safety, is a value of the modified metrics only.
    return len(value) == 1 and value in _LEVELS[one].replace("S", "")


def _four_levels(metrics: Mapping[str, str]) -> tuple[int, int, int, int]:
    """The levels of EQ1, EQ2, EQ3 and EQ4 (tables 24 to 27)."""
    network = [metrics["AV"] == "N", metrics["PR"] == "N", metrics["UI"] == "N"]
    first = 0 if all(network) else 1 if any(network) and metrics["AV"] != "P" else 2
    second = 0 if metrics["AC"] == "L" and metrics["AT"] == "N" else 1
    high = [metrics[one] == "H" for one in ("VC", "VI", "VA")]
    third = 0 if high[0] and high[1] else 1 if any(high) else 2
    fourth = 1 if "H" in (metrics["SC"], metrics["SI"], metrics["SA"]) else 2
    return first, second, third, fourth


def _macro(levels: tuple[int, int, int, int], five: int = 0, six: int | None = None) -> str:
    """The macro vector. With requirements taken as high, EQ6 is 1 only where nothing is high."""
    first, second, third, fourth = levels
    six = int(third == 2) if six is None else six
    return f"{first}{second}{third}{fourth}{five}{six}"


def _lower(levels: tuple[int, int, int, int], at: int) -> list[str]:
    """The macro vectors one level below in one of the sets."""
    below = list(levels)
    below[at] += 1
    first, second, third, fourth = below
    lower = (first, second, third, fourth)
    if at != 2:
        return [_macro(lower)]
    if levels[2] == 0:
        return [_macro(levels, six=1), _macro(lower, six=0)]
    return [_macro(levels, six=1)] if levels[2] == 1 else []


def _depths(given: Mapping[str, int], levels: tuple[int, int, int, int]) -> list[int]:
    """How many steps the vector is below the highest one of its macro vector, set by set."""
    choices = [_HIGHEST[at][level] for at, level in enumerate(levels)]
    for highest in product(*choices):
        steps = [
            [
                given[one] - _LEVELS[one].index(value)
                for one, value in zip(names, values, strict=True)
            ]
            for names, values in zip(_SETS, highest, strict=True)
        ]
        if all(step >= 0 for one in steps for step in one):
            return [sum(one) for one in steps]
    raise KeyError("a highest vector")  # pragma: no cover - every macro vector has one
