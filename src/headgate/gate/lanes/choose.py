"""Gives free slots to the futures whose answers are most likely to be needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

from headgate.gate.lanes.fuse import fused
from headgate.gate.lanes.futures import Future, futures
from headgate.gate.lanes.standing import Field, Standing
from headgate.gate.lanes.steps import Begin, Step, Wait
from headgate.gate.lanes.view import Settings, TrialState
from headgate.model.ids import ItemId, NodeId

NEARLY = 0.3
"""Slots are nearly used up when less than this share of them is free."""

LIKELY = 0.5
"""Only futures at least this likely are worth a place in a fused build."""


@dataclass(slots=True)
class Candidate:
    """The next future of an item that is not being tested."""

    one: Standing
    future: Future
    rest: Iterator[Future]


def choose(all_: Field, cancelled: set[NodeId]) -> tuple[list[Step], list[Wait]]:
    """Builds to begin, and why items without one wait."""
    view = all_.view
    settings = view.settings
    running = sum(1 for t in view.trials if t.state is TrialState.RUNNING and t.id not in cancelled)
    free = settings.slots - running
    waits: list[Wait] = []
    if free <= 0:
        return [], waits
    # While something runs, nothing less likely is begun: there is no need to look for it.
    floor = _least(free, settings) if running else 0.0
    heap: list[tuple[float, tuple[int, float, int], Candidate]] = []
    budgets = dict(view.budgets)
    for one in all_.order:
        if not one.entry.ready:
            continue
        source = one.entry.source
        if source in budgets:
            if budgets[source] <= 0:
                waits.append(Wait(one.entry.id, f"the budget of {source} is used up"))
                continue
            budgets[source] -= 1
        _push(heap, one, futures(one, all_), floor, all_)
    steps: list[Step] = []
    if settings.fuse > 1:
        likely = [c for _, _, c in heap if c.future.chance >= LIKELY]
        crowded = all_.pressed and len(likely) > free
        # None, when all of them assume what is not being tested: one by one then.
        if crowded and (together := fused(likely, free, all_)):
            return [*together], waits
    while heap and free > 0:
        _, _, best = heappop(heap)
        if best.future.chance < _least(free, settings) and (running or steps):
            break
        entry = best.one.entry
        steps.append(Begin((entry.id,), best.future.assumed, best.future.chance))
        free -= 1
        _push(heap, best.one, best.rest, floor, all_)
    return steps, waits


def _least(free: int, settings: Settings) -> float:
    """How likely a future has to be to be tested while so many slots are free."""
    share = free / max(settings.slots, 1)
    return settings.least if share > NEARLY else settings.pressed_least


def _push(
    heap: list[tuple[float, tuple[int, float, int], Candidate]],
    one: Standing,
    rest: Iterator[Future],
    floor: float,
    all_: Field,
) -> None:
    """The item's likeliest future about which nothing is known yet."""
    for future in rest:
        if future.chance < floor:
            return
        if not _known(one, future.assumed, all_):
            heappush(heap, (-future.chance, one.rank, Candidate(one, future, rest)))
            return


def _known(one: Standing, assumed: frozenset[ItemId], all_: Field) -> bool:
    wanted = assumed & one.entry.conflicts
    for known in one.evidence:
        if known.state is TrialState.FAILED:
            if known.pending <= wanted:
                return True  # Where those land it fails; there is no need to ask again.
        elif known.pending == wanted and (not known.stale or known.state is TrialState.RUNNING):
            return True
    return False
