"""Puts several items into one build when there is more to test than there are slots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headgate.gate.lanes.standing import Field
from headgate.gate.lanes.steps import Begin
from headgate.model.ids import ItemId

if TYPE_CHECKING:
    from headgate.gate.lanes.choose import Candidate

ALIKE = 1.6
"""Builds are fused when none would take this many times as long as another."""

WORTH = 0.5
"""A fused build must pass at least this probably: a failure costs its innocent members time."""


def fused(candidates: Sequence[Candidate], free: int, all_: Field) -> list[Begin]:
    """Builds for `free` slots, each of items whose futures agree."""
    settings = all_.view.settings
    queue = sorted(candidates, key=lambda c: c.one.rank)
    size = min(settings.fuse, -(-len(queue) // max(free, 1)))
    begun: list[Begin] = []
    taken: set[ItemId] = set()
    for seed in queue:
        if len(begun) >= free:
            break
        if seed.one.entry.id in taken or not _grounded(seed, taken, all_):
            continue
        group = _grow(seed, queue, taken, size, all_)
        for one in group:
            taken.add(one.one.entry.id)
        members = tuple(c.one.entry.id for c in sorted(group, key=lambda c: c.one.rank))
        assumed = frozenset[ItemId]().union(*(c.future.assumed for c in group)) - set(members)
        chance = min(c.future.chance for c in group)
        begun.append(Begin(members, assumed, chance))
    return begun


def _grow(
    seed: Candidate, queue: Sequence[Candidate], taken: set[ItemId], size: int, all_: Field
) -> list[Candidate]:
    group = [seed]
    if seed.one.aside or seed.one.entry.requires:
        return group
    size = min(size, seed.one.entry.most)
    low = high = seed.one.entry.duration
    chance = seed.one.chance
    for other in queue:
        if len(group) >= size:
            break
        entry = other.one.entry
        if other is seed or entry.id in taken or other.one.aside or entry.requires:
            continue
        if entry.most <= len(group) or not _grounded(other, taken, all_):
            continue
        if chance * other.one.chance < WORTH:
            continue
        shortest, longest = min(low, entry.duration), max(high, entry.duration)
        if longest > ALIKE * shortest or not _agree(group, other):
            continue
        group.append(other)
        size = min(size, entry.most)
        chance *= other.one.chance
        low, high = shortest, longest
    return group


def _agree(group: Sequence[Candidate], other: Candidate) -> bool:
    """Whether nobody is tested with a conflict that it does not want there, or without one."""
    together = [*group, other]
    members = {c.one.entry.id for c in together}
    present = members.union(*(c.future.assumed for c in together))
    for one in together:
        conflicts = one.one.entry.conflicts
        ahead = set(one.one.ahead)
        if present & ahead != set(one.future.assumed & ahead):
            return False
        if (present & conflicts) - ahead:
            return False  # Whoever comes later must not decide about who came first.
    return True


def _grounded(candidate: Candidate, taken: set[ItemId], all_: Field) -> bool:
    """Whether all that it assumes is being tested: else it would only wait for their slots."""
    return all(
        other in taken or all_.standings[other].evidence for other in candidate.future.assumed
    )
