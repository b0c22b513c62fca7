"""Looks at every landing from outside: at the branch in git, and at what was really tested."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from headgate.gate.simulate.service.areas import Areas, directory
from headgate.gate.simulate.service.ground import WARM, Looker
from headgate.gate.simulate.service.machines import Machines, present, red
from headgate.gate.simulate.world import World
from headgate.model.event import Event

_VERDICTS = ("branch.landed", "item.ejected", "item.withdrawn")


@dataclass(slots=True)
class Onlooker:
    """What became of each change, and whether what landed had been tested just so."""

    world: World
    areas: Areas
    machines: Machines
    looker: Looker
    numbers: dict[object, int]
    decided: dict[int, float] = field(default_factory=dict[int, float])
    """Change → second of its verdict since the epoch."""
    landed: list[int] = field(default_factory=list[int])
    untested: int = 0
    """Changes that landed with an area whose job had not passed on exactly that content."""
    broken: int = 0
    """Changes that landed although they fail on what is there."""
    twice: int = 0
    """Verdicts for changes that had one."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with every verdict."""
    said: dict[int, str] = field(default_factory=dict[int, str])
    """Of changes that left without landing, why."""

    def watch(self, events: Sequence[Event]) -> None:
        """Look at what one transaction of the service told."""
        for event in events:
            if event.kind not in _VERDICTS:
                continue
            number = self.numbers.get(event.data["change"])
            if number is None:
                continue
            if number in self.decided:
                self.twice += 1
            self.decided[number] = event.time / 1e6
            self.news.set()
            if event.kind != "branch.landed":
                self.said[number] = str(event.data["reason"])
                continue
            self.landed.append(number)
            if number != WARM:
                self._look(number)

    def _look(self, number: int) -> None:
        """The branch stands where this change landed, perhaps with others in the same moment."""
        untested = broken = False
        for area in self.areas.of[number]:
            tree, names = self.looker.names(f"refs/heads/main:{directory(area)}")
            there = present(names)
            untested = untested or number not in there or (area, tree) not in self.machines.passed
            broken = broken or bool(red(self.world, there))
        self.untested += untested
        self.broken += broken
