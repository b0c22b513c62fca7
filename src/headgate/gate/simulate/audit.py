"""Keeps account, apart from any planner, of what was really tested, and looks at every landing.

A build tests each target of its members in one state of that target: the set of changes present
that touch it. A landing is tested when every target that it touches has passed in exactly the
state that the landing brings about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from headgate.gate.simulate.world import World


@dataclass(slots=True)
class Audit:
    """The state of the simulated branch, and everything that passed."""

    world: World
    landed: list[int] = field(default_factory=list[int])
    untested: int = 0
    """Landings with a target that had not passed in that state."""
    broken: int = 0
    """Landings of changes that fail by themselves, or with one that is there."""
    _present: dict[int, frozenset[int]] = field(default_factory=dict[int, frozenset[int]])
    _passed: set[tuple[int, frozenset[int]]] = field(
        default_factory=set[tuple[int, frozenset[int]]]
    )

    def states(self, members: Collection[int], others: Iterable[int]) -> States:
        """What a build that begins now would test."""
        extra: dict[int, set[int]] = {}
        arrivals = self.world.arrivals
        for number in {*members, *others}:
            for target in arrivals[number - 1].targets:
                extra.setdefault(target, set()).add(number)
        return States(
            {
                number: tuple(
                    (target, self._present.get(target, frozenset()) | extra[target])
                    for target in arrivals[number - 1].targets
                )
                for number in members
            }
        )

    def passed(self, states: States, member: int) -> None:
        """The targets of a member passed in that build."""
        self._passed.update(states.of[member])

    def land(self, numbers: Collection[int]) -> None:
        """Changes land together; looks whether that was tested, and whether it is good."""
        world = self.world
        tested = self.states(numbers, ())
        for number in numbers:
            if any(state not in self._passed for state in tested.of[number]):
                self.untested += 1
            arrival = world.arrivals[number - 1]
            there = world.overlaps[number]
            clash = any(
                world.clash(number, other)
                for other in there
                if other in self._landed_set or (other in numbers and other < number)
            )
            if not arrival.sound or clash:
                self.broken += 1
        for number in numbers:
            for target in world.arrivals[number - 1].targets:
                self._present[target] = self._present.get(target, frozenset()) | {number}
            self.landed.append(number)
            self._landed_set.add(number)

    _landed_set: set[int] = field(default_factory=set[int])

    def present(self, number: int) -> bool:
        """Whether a change has landed."""
        return number in self._landed_set


@dataclass(frozen=True, slots=True)
class States:
    """Member → (target, changes present that touch it)."""

    of: dict[int, tuple[tuple[int, frozenset[int]], ...]]
