"""Who may land, and who has failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headgate.gate.lanes.evidence import Evidence, missed
from headgate.gate.lanes.standing import Field, Standing
from headgate.gate.lanes.steps import Admit, Reject
from headgate.gate.lanes.view import TrialState
from headgate.model.ids import ItemId

BARELY = 0.1
"""A build of which less than this share is done is no loss."""


def rejected(one: Standing, all_: Field) -> Reject | None:
    """The rejection of an item that failed on what is certain to be there."""
    for known in one.evidence:
        if known.state is TrialState.FAILED and not known.pending:
            if _contradicted(one, known):
                continue
            there = frozenset(i for i in known.beside if i in all_.view.landed)
            return Reject(one.entry.id, known.trial.id, there, known.trial.reason)
    return None


def _contradicted(one: Standing, failed: Evidence) -> bool:
    """Whether the very same future passed, too: then the failure is provisional."""
    return any(
        known.state is TrialState.PASSED and not known.stale and known.beside == failed.beside
        for known in one.evidence
    )


def admitted(one: Standing, all_: Field) -> Admit | None:
    """The landing of an item whose tested future has come, with those that have to come along.

    Items whose tests took each other as landed land together, when each was tested with all that
    land before it.
    """
    for known in one.evidence:
        if known.state is not TrialState.PASSED or known.stale:
            continue
        if known.pending or not one.entry.requires.isdisjoint(all_.live):
            chosen = _together(known, one, all_)
        else:
            chosen = {one.entry.id: known} if one.entry.ready else None
        if chosen is None or any(
            not _may_pass(all_.standings[item], own, all_, tuple(chosen))
            for item, own in chosen.items()
        ):
            continue
        trials = dict.fromkeys(own.trial.id for own in chosen.values())
        return Admit(tuple(chosen), tuple(trials))
    return None


MOST_TOGETHER = 64
"""More items than this never land at once."""


def _together(known: Evidence, one: Standing, all_: Field) -> dict[ItemId, Evidence] | None:
    """Items that land if they land at once, in an order in which each was tested with those
    before it, and the evidence for each; None when there is no such set."""
    chosen: dict[ItemId, Evidence] = {one.entry.id: known}
    look = [one.entry.id]
    while look:
        item = look.pop()
        standing = all_.standings[item]
        if not standing.entry.ready or len(chosen) > MOST_TOGETHER:
            return None
        needed = chosen[item].pending | standing.entry.requires.intersection(all_.live)
        for other in needed - chosen.keys():
            there = all_.standings.get(other)
            own = None if there is None else _least(there, chosen)
            if own is None:
                return None
            chosen[other] = own
            look.append(other)
    return _in_order(chosen, all_)


def _least(one: Standing, chosen: Mapping[ItemId, Evidence]) -> Evidence | None:
    """The evidence of an item that asks for the fewest others."""
    fit = [e for e in one.evidence if e.state is TrialState.PASSED and not e.stale]
    return min(fit, key=lambda e: (len(e.pending - chosen.keys()), -len(e.beside)), default=None)


def _in_order(chosen: dict[ItemId, Evidence], all_: Field) -> dict[ItemId, Evidence] | None:
    order: dict[ItemId, Evidence] = {}
    left = sorted(chosen, key=lambda item: all_.standings[item].rank)
    while left:
        # First comes who was tested without those that stay behind, or whom they were tested with.
        found = next((item for item in left if _precedes(item, left, chosen, all_)), None)
        if found is None:
            return None
        order[found] = chosen[found]
        left.remove(found)
    return order


def _precedes(
    item: ItemId, left: list[ItemId], chosen: Mapping[ItemId, Evidence], all_: Field
) -> bool:
    conflicts = all_.live[item].conflicts
    if not all_.live[item].requires.isdisjoint(left):
        return False
    return all(
        item in chosen[other].beside for other in left if other != item and other in conflicts
    )


def _may_pass(one: Standing, known: Evidence, all_: Field, together: Sequence[ItemId]) -> bool:
    """Whether landing it now spoils nothing that is worth keeping of those ahead."""
    first = together[: together.index(one.entry.id)]
    for other in one.ahead:
        if other in together or other in known.beside:
            continue
        if not _spares(one, other, all_, first):
            return False
    return True


def _spares(one: Standing, other: ItemId, all_: Field, first: Sequence[ItemId]) -> bool:
    """Whether what is known of the one ahead holds, or is no loss, when the item lands after
    `first`."""
    ahead = all_.standings[other]
    if ahead.chance < 0.5 and not ahead.passed:
        return True
    clash = waiting = False
    for mine in one.evidence:
        if other not in mine.beside or mine.stale:
            continue
        if mine.state is TrialState.PASSED:
            late = missed(mine.trial, one.entry.conflicts, all_.view.landed, first)
            if late.isdisjoint(ahead.entry.conflicts) and _clean(mine, ahead, all_):
                return True
            continue
        if mine.state is TrialState.FAILED:
            clash = True
        else:
            waiting = True
    if clash and not ahead.passed and ahead.remaining > one.entry.duration:
        return True  # Who is first goes first, unless that takes longer than testing anew would.
    if clash or waiting:
        return False  # They may not go together, and the other was first.
    if ahead.proven or all_.view.now - ahead.entry.arrived > ahead.entry.duration:
        return False  # It has begun anew for others often enough.
    best = 0.0
    for theirs in ahead.evidence:
        if theirs.stale:
            continue
        if theirs.state is TrialState.PASSED:
            return False
        if theirs.state is TrialState.RUNNING:
            done = (all_.view.now - theirs.trial.started) / max(theirs.trial.expected, 1.0)
            best = max(best, done)
    return best < BARELY


def _clean(mine: Evidence, ahead: Standing, all_: Field) -> bool:
    """Whether the one that is overtaken would not come to depend on somebody behind it."""
    landed, standings = all_.view.landed, all_.standings
    others = mine.trial.assumed & ahead.entry.conflicts
    return all(
        other in landed or (other in standings and standings[other].rank < ahead.rank)
        for other in others
    )
