"""Where each item stands: its place in the order, its evidence, and its chance to land."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, nextafter

from headgate.gate.lanes.evidence import Evidence, Memory, Place, Rank, gather
from headgate.gate.lanes.view import Entry, TrialState, View
from headgate.model.ids import ItemId

PROVEN = 0.98
"""Chance of an item that passed in some future that may still come."""

BEYOND = 50
"""How many items more than could be begun are looked at."""


@dataclass(slots=True)
class Standing:
    """One item among the others."""

    entry: Entry
    evidence: list[Evidence]
    rank: Rank
    aside: bool
    """In quarantine: nobody assumes it, and it assumes nobody."""
    passed: bool
    """Whether it passed in a future that may still come."""
    proven: bool
    """Whether it ever passed, if only on a branch that has moved on since."""
    chance: float = 0.0
    ahead: tuple[ItemId, ...] = ()
    """Its live conflicts that go first and are not set aside, in order."""
    remaining: float = 0.0
    """Seconds until its best build should be done."""


@dataclass(slots=True)
class Field:
    """All items."""

    view: View
    live: dict[ItemId, Entry]
    standings: dict[ItemId, Standing] = field(default_factory=dict[ItemId, Standing])
    order: list[Standing] = field(default_factory=list[Standing])
    """From the front, as far as the planner looks; of the others only the rank is known."""

    @property
    def pressed(self) -> bool:
        """Whether not even each item can be tested once at the same time."""
        return len(self.view.entries) > self.view.settings.slots


def survey(view: View, memory: Memory | None = None) -> Field:
    """Rank the items and weigh what is known of them. Takes time linear in what there is."""
    live = {entry.id: entry for entry in view.entries}
    found = gather(view, live, memory)
    all_ = Field(view, live)
    least = view.settings.quarantine
    none: list[Evidence] = []
    for entry in view.entries:
        evidence = found.get(entry.id, none)
        passed = proven = False
        since = entry.arrived
        low = entry.chance < least
        for one in evidence:
            if one.state is TrialState.PASSED:
                proven = True
                passed = passed or not one.stale
                if low:
                    since = max(since, one.trial.started + one.trial.expected)
        rank = (-entry.priority, since, entry.position)
        all_.standings[entry.id] = Standing(
            entry, evidence, rank, low and not proven, passed, proven
        )
    _behind_what_they_require(all_)
    all_.order = sorted(all_.standings.values(), key=_rank)
    del all_.order[_horizon(all_) :]
    memory = memory or Memory()
    memory.rerank({id: (one.entry, one.rank) for id, one in all_.standings.items()})
    for one in all_.order:
        place = memory.places.get(one.entry.id)
        if place is None:
            place = memory.places[one.entry.id] = _place(one, all_)
        _weigh(one, place, all_)
    return all_


def _behind_what_they_require(all_: Field) -> None:
    """Nobody goes before what it requires, however early it came and however urgent it is: else
    the two could wait for each other."""
    standings = all_.standings
    seen: set[ItemId] = set()
    for start in [one for one in standings.values() if one.entry.requires]:
        way = [start]
        while way:
            last = way[-1]
            needed = [standings[i] for i in last.entry.requires if i in standings]
            below = next((n for n in needed if n.entry.requires and n.entry.id not in seen), None)
            if below is not None:
                seen.add(below.entry.id)
                way.append(below)
                continue
            way.pop()
            for other in needed:
                if other.rank >= last.rank:
                    priority, since, _ = other.rank
                    last.rank = (priority, nextafter(since, inf), last.rank[2])


def _place(one: Standing, all_: Field) -> Place:
    """Where it stands among its conflicts."""
    standings, rank, landed = all_.standings, one.rank, all_.view.landed
    ahead: list[Standing] = []
    present = 0
    for other in one.entry.conflicts:
        there = standings.get(other)
        if there is None:
            present += other in landed
        elif there.rank < rank:
            ahead.append(there)
    ahead.sort(key=_rank)
    return Place(tuple(there.entry.id for there in ahead), present)


def _horizon(all_: Field) -> int:
    """How many items from the front are looked at: all that are being tested, and so many more
    that every slot finds one. What is behind them changes nothing about them."""
    settings = all_.view.settings
    wanted = BEYOND + settings.slots * max(2, settings.fuse)
    fresh, reach = 0, 0
    budgets = dict(all_.view.budgets)
    for at, one in enumerate(all_.order, 1):
        source = one.entry.source
        if source in budgets:
            budgets[source] -= 1
        if one.evidence:
            reach = at
        elif not one.entry.ready or budgets.get(source, 0) < 0:
            continue  # It waits for something else than a slot.
        elif fresh < wanted:
            fresh += 1
            reach = at
    return reach


def _rank(one: Standing) -> Rank:
    return one.rank


def _weigh(one: Standing, place: Place, all_: Field) -> None:
    """Chance and remaining time; those ahead have theirs already."""
    entry, view = one.entry, all_.view
    standings = all_.standings
    if place.ahead and not one.aside:
        one.ahead = tuple(other for other in place.ahead if not standings[other].aside)
    chance = entry.chance
    remaining = entry.duration
    if one.passed:
        one.chance = max(PROVEN, chance)
        one.remaining = 0.0
        return
    conflict = view.settings.conflict
    if one.proven:
        # Each conflict that has landed since is one more that it may not go with.
        unseen = min(k.unseen for k in one.evidence if k.state is TrialState.PASSED)
        chance = PROVEN * (1.0 - conflict) ** unseen
    elif place.landed:
        chance *= (1.0 - conflict) ** place.landed
    for other in one.ahead:
        chance *= 1.0 - conflict * standings[other].chance
    doubt = 1.0
    for known in one.evidence:
        if known.state is TrialState.FAILED:
            comes = 1.0
            for other in known.pending:
                comes *= standings[other].chance
            doubt *= 1.0 - comes
        elif known.state is TrialState.RUNNING:
            left = known.trial.started + known.trial.expected - view.now
            # Late is not near: what should have ended long ago may take as long again.
            remaining = min(remaining, max(left, 0.05 * known.trial.expected))
    one.chance = max(chance * doubt, 0.0)
    one.remaining = remaining
