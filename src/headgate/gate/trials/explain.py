"""What a queue of lanes makes of an item, for people who ask why it does not get on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headgate.gate.lanes.predict import Reason
from headgate.gate.lanes.view import TrialState, View
from headgate.gate.trials.lanes import Lanes
from headgate.model.ids import ItemId


@dataclass(frozen=True, slots=True)
class Standing:
    """An item among the others of its queue."""

    waits: str = ""
    """Why nothing is tested for it now; empty: something is, or it has its verdict."""
    beside: Mapping[ItemId, str] = field(default_factory=dict[ItemId, str])
    """Items that wait, too, and that it can affect or be affected by; in words, how."""
    expected: float = 0.0
    """Seconds that its jobs should take."""
    chance: float = 0.0
    """That it passes, as far as can be told before; nothing for what is not going to be tested."""
    because: tuple[Reason, ...] = ()
    """What speaks for and against it most."""


def say_what_waits(view: View, lanes: Lanes) -> None:
    """Say of whoever is ready, and has nothing under test, that it waits for its turn."""
    slots = view.settings.slots
    running = [t for t in view.trials if t.state is TrialState.RUNNING]
    tested = {unit for trial in view.trials for unit in trial.members}
    for entry in view.entries:
        if entry.ready and entry.id not in tested:
            own = view.budgets.get(entry.source)
            if own is not None and len(running) < slots:
                words = (
                    f"of the changes of {entry.source}, {own} at once {_are(own)} tested for now"
                )
                lanes.waits[entry.id] = words
                continue
            builds = "the one build" if slots == 1 else f"one of the {slots} builds"
            words = f"{builds} that may run at once has to end first"
            lanes.waits.setdefault(entry.id, words)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
