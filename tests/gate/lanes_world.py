"""Small worlds for the lanes planner, and queues put together by hand."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from headgate.gate.lanes.view import Entry, Settings, Trial, TrialState, View
from headgate.gate.simulate.world import Arrival, World
from headgate.model.ids import ChangeNumber, ItemId, NodeId


def ids(*numbers: int) -> frozenset[ItemId]:
    return frozenset(ItemId(n) for n in numbers)


def entry(
    number: int,
    *conflicts: int,
    chance: float = 0.9,
    minutes: float = 30.0,
    requires: Iterable[int] = (),
    priority: int = 0,
    source: str = "",
) -> Entry:
    """An item that arrived in the minute of its number."""
    return Entry(
        ItemId(number),
        ChangeNumber(number),
        number,
        number * 60.0,
        ids(*conflicts),
        chance,
        minutes * 60,
        priority,
        ids(*requires),
        source,
    )


def trial(
    number: int,
    members: tuple[int, ...],
    state: TrialState = TrialState.RUNNING,
    assumed: Iterable[int] = (),
    *,
    epoch: int = 0,
    culprits: Iterable[int] | None = None,
    reason: str = "",
) -> Trial:
    return Trial(
        NodeId(number),
        tuple(ItemId(m) for m in members),
        ids(*assumed),
        epoch,
        state,
        0.0,
        1800.0,
        None if culprits is None else ids(*culprits),
        reason,
    )


def view(
    entries: Iterable[Entry],
    trials: Iterable[Trial] = (),
    *,
    slots: int = 10,
    fuse: int = 1,
    landed: dict[int, int] | None = None,
    budgets: dict[str, int] | None = None,
    frozen: bool = False,
    now: float = 6000.0,
) -> View:
    return View(
        now,
        tuple(entries),
        tuple(trials),
        Settings(slots=slots, fuse=fuse),
        {ItemId(k): v for k, v in (landed or {}).items()},
        {},
        budgets or {},
        frozen,
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Up to 14 changes on few targets, so that everything meets everything."""
    count = draw(st.integers(1, 14))
    time = 0.0
    arrivals: list[Arrival] = []
    for number in range(1, count + 1):
        time += draw(st.floats(0.0, 900.0))
        duration = draw(st.floats(60.0, 7200.0))
        guess = duration * draw(st.sampled_from([0.5, 1.0, 1.0, 2.0]))
        targets = draw(st.frozensets(st.integers(0, 6), min_size=1, max_size=5))
        sound = draw(st.booleans()) or draw(st.booleans())
        arrivals.append(Arrival(number, time, duration, guess, targets, sound, draw(st.booleans())))
    clashes: set[tuple[int, int]] = set()
    for a in arrivals:
        for b in arrivals[a.number :]:
            if a.targets & b.targets and draw(st.integers(0, 4)) == 0:
                clashes.add((a.number, b.number))
    return World(tuple(arrivals), frozenset(clashes))
