"""Which futures of an item are worth testing, likeliest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice

from headgate.gate.lanes.evidence import Evidence
from headgate.gate.lanes.standing import Field, Standing
from headgate.gate.lanes.view import TrialState
from headgate.model.ids import ItemId

IDLE = 0.1
"""Futures of which so much of the chance is left are tested only when nothing else is."""

FADED = 0.65
"""What passed is asked again on the branch when so much of its chance is lost to what landed."""

MOST_COVERS = 2
"""In how many builds at most an item is tested with those that it overtakes."""


@dataclass(frozen=True, slots=True)
class Future:
    """An assumption about the conflicts ahead of an item."""

    assumed: frozenset[ItemId]
    chance: float
    """That it is the one that decides about the item."""


def overtaken(one: Standing, all_: Field) -> frozenset[ItemId]:
    """Those ahead that the item will be done before, so that it need not wait for them."""
    if not one.ahead:
        return frozenset()
    own = max(one.remaining, 1.0)
    required = one.entry.requires
    settings = all_.view.settings
    patience = settings.pressed_patience if all_.pressed else settings.patience
    return frozenset(
        other
        for other in one.ahead
        if other not in required and all_.standings[other].remaining > patience * own
    )


def futures(one: Standing, all_: Field, most: int = 6) -> Iterator[Future]:
    """Futures by falling chance.

    Those that the item overtakes are first left out, as the future in which it lands, and then
    let in, so that landing it spoils nothing of what was tested for them; that is of use only when
    the item and all of them pass.
    """
    standings = all_.standings
    share = IDLE if _stuck(one, all_) else 1.0
    needs = _needs(one, all_)
    required = [i for i in one.entry.requires if i in standings]
    forced = frozenset(required).union(*(needs.get(i, ()) for i in required))
    alone = one.aside or not one.ahead or _unsure(one, all_)
    if alone:
        chance = 1.0
        for other in forced:
            chance *= standings[other].chance
        yield Future(forced, chance * share)
        if one.aside or not one.ahead:
            return
    slow = overtaken(one, all_)
    covers = _covers([i for i in one.ahead if i in slow and standings[i].chance >= 0.5], all_)
    free = [i for i in one.ahead if i not in slow and i not in forced]
    told = {forced} if alone else set[frozenset[ItemId]]()
    for found, chance in islice(_likeliest(free, all_), most):
        for other in forced:
            chance *= standings[other].chance
        chance *= share
        bare = _possible(found | forced, needs)
        if bare not in told:
            told.add(bare)
            yield Future(bare, chance)
        for cover in covers:
            needed = one.chance
            for other in cover:
                needed *= standings[other].chance
            covered = _possible(found | forced | cover, needs)
            if covered not in told:
                told.add(covered)
                yield Future(covered, chance * min(needed, 0.999))


def _needs(one: Standing, all_: Field) -> dict[ItemId, frozenset[ItemId]]:
    """Those it is tested with that cannot land without others, with those that the item can tell:
    what does not conflict with it makes no difference to its jobs."""
    standings = all_.standings
    found: dict[ItemId, frozenset[ItemId]] = {}
    for start in (*one.ahead, *(i for i in one.entry.requires if i in standings)):
        seen: set[ItemId] = set()
        look = [*standings[start].entry.requires]
        while look:
            other = look.pop()
            if other in standings and other not in seen:
                seen.add(other)
                look += standings[other].entry.requires
        if near := frozenset(seen & one.entry.conflicts):
            found[start] = near
    return found


def _possible(
    assumed: frozenset[ItemId], needs: Mapping[ItemId, frozenset[ItemId]]
) -> frozenset[ItemId]:
    """Without those that would have landed before what they require: such a state never comes, and
    what fails there says nothing."""
    if not needs:
        return assumed
    return frozenset(i for i in assumed if needs.get(i, assumed) <= assumed)


def _covers(slow: list[ItemId], all_: Field) -> list[frozenset[ItemId]]:
    """With whom an item is tested so that it may overtake all of these.

    Each has to be let in with those ahead of it that it conflicts with, as in its own tests, and
    with none that comes after it; so those that do not affect each other share one build.
    """
    levels: dict[ItemId, int] = {}
    chance = 1.0
    for item in slow:
        chance *= all_.standings[item].chance
        if levels and chance < 0.5:
            break  # One that fails would spoil it for the others.
        near = all_.live[item].conflicts
        levels[item] = 1 + max((n for other, n in levels.items() if other in near), default=0)
    deepest = min(max(levels.values(), default=0), MOST_COVERS)
    return [
        frozenset(item for item, level in levels.items() if level <= depth)
        for depth in range(1, deepest + 1)
    ]


def _stuck(one: Standing, all_: Field) -> bool:
    """Whether it does not even merge with what more likely than not lands: then hardly anything is
    run for it until that has landed or left."""
    for known in one.evidence:
        if known.trial.unmade and known.state is TrialState.FAILED:
            comes = 1.0
            for other in known.pending:
                comes *= all_.standings[other].chance
            if comes >= 0.5:
                return True
    return False


def _unsure(one: Standing, all_: Field) -> bool:
    """Whether no future is likely: then a test on the branch alone tells most.

    It does so again when much has landed since that the item was not tested with: a failure there
    is final, and those behind are no longer kept waiting by somebody who cannot land.
    """
    if one.proven:
        if _kept(one, all_) > FADED or any(_current(known) for known in one.evidence):
            return False
    elif any(not known.beside for known in one.evidence):
        return False
    chance = one.chance
    for other in one.ahead:
        p = all_.standings[other].chance
        chance *= max(p, 1.0 - p)
    return chance < all_.view.settings.screen


def _kept(one: Standing, all_: Field) -> float:
    """How likely what it passed with still goes for what has landed since."""
    unseen = min(known.unseen for known in one.evidence if known.state is TrialState.PASSED)
    return (1.0 - all_.view.settings.conflict) ** unseen


def _current(known: Evidence) -> bool:
    """Whether it tells, or will tell, how the item does on the branch alone."""
    return not known.pending and (not known.stale or known.state is TrialState.RUNNING)


def _likeliest(free: list[ItemId], all_: Field) -> Iterator[tuple[frozenset[ItemId], float]]:
    """Sets of those that land, by falling probability; each falls or stands on its own."""
    standings = all_.standings
    best: set[ItemId] = set()
    chance = 1.0
    ratios: list[tuple[float, ItemId]] = []
    for i in free:
        p = standings[i].chance
        if p >= 0.5:
            best.add(i)
            chance *= p
            ratios.append(((1.0 - p) / p, i))
        else:
            chance *= 1.0 - p
            ratios.append((p / (1.0 - p), i))
    yield frozenset(best), chance
    if not ratios:
        return
    ratios.sort(key=lambda r: -r[0])
    # The classic enumeration of subsets by falling product: extend, or exchange the last flip.
    heap: list[tuple[float, tuple[int, ...]]] = [(-ratios[0][0], (0,))]
    while heap:
        weight, flips = heappop(heap)
        if weight == 0.0:
            return
        flipped = {ratios[k][1] for k in flips}
        yield frozenset(best ^ flipped), chance * -weight
        last = flips[-1]
        if last + 1 < len(ratios):
            ahead = ratios[last + 1][0]
            heappush(heap, (weight * ahead, (*flips, last + 1)))
            if ratios[last][0]:
                heappush(heap, (weight * ahead / ratios[last][0], (*flips[:-1], last + 1)))
