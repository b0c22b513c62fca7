"""What the changes of a simulated world touch, as directories that jobs are shown.

Two changes of a world can affect each other when they touch a target in common. Targets that the
same changes touch are one *area*, and so is a target whose changes all touch another one: what is
left are the largest sets of changes that touch something in common, and an area of its own for
whoever shares nothing. Changes then meet in an area exactly when they meet in a target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headgate.gate.simulate.world import World

_BELOW = 32
"""Areas in one directory."""


@dataclass(frozen=True, slots=True)
class Areas:
    """The areas of a world, by number from 0."""

    members: tuple[frozenset[int], ...]
    """Changes that touch each."""
    of: Mapping[int, tuple[int, ...]]
    """Change → the areas that it touches."""


def areas(world: World) -> Areas:
    """The areas of a world, in an order that is always the same."""
    touched: dict[int, set[int]] = {}
    for one in world.arrivals:
        for target in one.targets:
            touched.setdefault(target, set()).add(one.number)
    sets = {frozenset(changes) for changes in touched.values()}
    largest = _largest(sorted(sets, key=lambda s: (-len(s), sorted(s))))
    seen = {number for members in largest for number in members}
    largest += [frozenset({one.number}) for one in world.arrivals if one.number not in seen]
    largest.sort(key=sorted)
    of: dict[int, list[int]] = {one.number: [] for one in world.arrivals}
    for area, members in enumerate(largest):
        for number in members:
            of[number].append(area)
    return Areas(tuple(largest), {number: tuple(found) for number, found in of.items()})


def _largest(sets: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    """Without those that are part of another; larger ones come first."""
    kept: list[frozenset[int]] = []
    inside: dict[int, list[frozenset[int]]] = {}
    for one in sets:
        near = inside.get(next(iter(one)), [])
        if any(one <= other for other in near):
            continue
        kept.append(one)
        for number in one:
            inside.setdefault(number, []).append(one)
    return kept


def directory(area: int) -> str:
    """Where the files of an area are."""
    return f"areas/{area // _BELOW}/{area % _BELOW}"


def job(area: int) -> str:
    """The job that is shown an area, and nothing else."""
    return f"area-{area}"


def area_of(name: str) -> int:
    """The area of such a job."""
    return int(name.removeprefix("area-"))
