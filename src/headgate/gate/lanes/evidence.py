"""What the builds made so far say about each item.

A build of an item in the future with a set of others says something only about a state in which
exactly those of the item's conflicts are present. So evidence holds as long as every conflict of
the item that has landed since was in that future (or was itself tested together with the item),
and as long as nobody who was in it has left.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from headgate.gate.lanes.view import Entry, Trial, TrialState, View, Witness
from headgate.model.ids import ItemId, NodeId

_NEVER = 1 << 62
_NOBODY: frozenset[ItemId] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One build, from the point of view of one of its members."""

    trial: Trial
    beside: frozenset[ItemId]
    """Conflicts of the item in that future, the landed ones included."""
    pending: frozenset[ItemId]
    """What still has to come true: those of `beside` that have not landed, and those that were
    there when others, landed since, were tested together with the item."""
    state: TrialState
    unseen: int = 0
    """How many conflicts have landed since that it says nothing about."""

    @property
    def stale(self) -> bool:
        """Whether it is no ground for landing."""
        return self.unseen > 0


Rank = tuple[int, float, int]
"""Smaller goes first: priority, then time, then arrival."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stood among its conflicts, while neither it nor they changed."""

    ahead: tuple[ItemId, ...]
    """Live conflicts with a smaller rank, in order."""
    landed: int
    """How many conflicts have landed."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a trial said last time about each of its members that is live."""

    trial: Trial
    of: tuple[tuple[Entry, Evidence | None], ...]


@dataclass(slots=True)
class Memory:
    """What was found last time, so that only what may have changed is looked at again.

    It never changes what is found: without it the same is found, more slowly.
    """

    live: frozenset[ItemId] = frozenset()
    known: dict[NodeId, Known] = field(default_factory=dict[NodeId, "Known"])
    places: dict[ItemId, Place] = field(default_factory=dict[ItemId, Place])
    seen: dict[ItemId, tuple[Entry, Rank]] = field(
        default_factory=dict[ItemId, tuple[Entry, "Rank"]]
    )

    def rerank(self, seen: dict[ItemId, tuple[Entry, Rank]]) -> None:
        """Forget the places of the items that changed, and of those next to whom one came, left
        or moved."""
        before, places = self.seen, self.places
        for item, (entry, rank) in seen.items():
            last = before.get(item)
            if last is not None and last[0] is entry and last[1] == rank:
                continue
            places.pop(item, None)
            if last is None or last[1] != rank:
                for near in (
                    entry.conflicts if last is None else entry.conflicts | last[0].conflicts
                ):
                    places.pop(near, None)
        for item in before.keys() - seen.keys():
            places.pop(item, None)
            for near in before[item][0].conflicts:
                places.pop(near, None)
        self.seen = seen


def gather(
    view: View, live: Mapping[ItemId, Entry], memory: Memory | None = None
) -> dict[ItemId, list[Evidence]]:
    """Evidence that holds, by item; items about which nothing is known are absent."""
    found: dict[ItemId, list[Evidence]] = {}
    now = frozenset(live)
    before = memory.known if memory is not None else {}
    left = memory.live - now if memory is not None else _NOBODY
    known: dict[NodeId, Known] = {}
    for trial in view.trials:
        last = before.get(trial.id)
        if last is None or last.trial is not trial or not _holds(last, left, live):
            last = Known(
                trial,
                tuple(
                    (entry, _about(entry, trial, view, live))
                    for member in trial.members
                    if (entry := live.get(member)) is not None
                ),
            )
        known[trial.id] = last
        for entry, one in last.of:
            if one is not None:
                found.setdefault(entry.id, []).append(one)
    if memory is not None:
        memory.live, memory.known = now, known
    return found


def _holds(known: Known, left: frozenset[ItemId], live: Mapping[ItemId, Entry]) -> bool:
    """Whether nothing has changed that could change what a trial says."""
    for entry, _ in known.of:
        if live.get(entry.id) is not entry:
            return False
        if left and not left.isdisjoint(entry.conflicts):
            return False
    trial = known.trial
    if len(known.of) < len(trial.members) and len(known.of) < sum(m in live for m in trial.members):
        return False
    return not left or (left.isdisjoint(trial.assumed) and left.isdisjoint(trial.members))


def _about(entry: Entry, trial: Trial, view: View, live: Mapping[ItemId, Entry]) -> Evidence | None:
    conflicts = entry.conflicts
    beside = conflicts & trial.assumed
    if len(trial.members) > 1:
        beside |= conflicts.intersection(trial.members) - {entry.id}
    landed = view.landed
    pending: frozenset[ItemId] = beside
    if beside:
        for other in beside:
            if other not in landed and other not in live:
                return None
        if landed:
            pending = frozenset(other for other in beside if other not in landed)
    state = trial.state
    unseen = 0
    if landed:
        more, unseen = _covered(entry, trial, beside, view, live)
        if not unseen:
            pending |= more
        elif beside and state is TrialState.RUNNING:
            return None
        # Else what failed on less fails on more, and who passed once is trusted more.
    if state is TrialState.FAILED and len(trial.members) > 1:
        if trial.culprits is None:
            return None
        if entry.id not in trial.culprits:
            if conflicts & trial.culprits:
                return None
            state = TrialState.PASSED
    return Evidence(trial, beside, pending, state, unseen)


def _covered(
    entry: Entry,
    trial: Trial,
    beside: frozenset[ItemId],
    view: View,
    live: Mapping[ItemId, Entry],
) -> tuple[frozenset[ItemId], int]:
    """What has to land for every conflict that landed since to have been tested together with
    the item, and how many were not."""
    landed = view.landed
    witnesses: dict[ItemId, list[frozenset[ItemId]]] | None = None
    more: frozenset[ItemId] = _NOBODY
    unseen = 0
    for other in entry.conflicts:
        when = landed.get(other)
        if when is None or when <= trial.epoch or other in beside:
            continue
        if witnesses is None:
            witnesses = {}
            for one in view.witnesses.get(entry.id, ()):
                if _speaks(one, beside, view, live):
                    needs = frozenset(i for i in one.beside if i not in landed)
                    witnesses.setdefault(one.landed, []).append(needs)
        found = witnesses.get(other)
        if found:
            more |= min(found, key=len)
        else:
            unseen += 1
    return more, unseen


def _speaks(
    witness: Witness, beside: frozenset[ItemId], view: View, live: Mapping[ItemId, Entry]
) -> bool:
    """Whether a landed item was tested with the item and with all that both of them touch."""
    landed = view.landed
    if any(one not in landed and one not in live for one in witness.beside):
        return False
    return all(
        one in witness.beside or landed.get(one, _NEVER) <= witness.epoch
        for one in beside & witness.near
    )


def missed(
    trial: Trial,
    near: Collection[ItemId],
    landed: Mapping[ItemId, int],
    first: Collection[ItemId] = (),
) -> frozenset[ItemId]:
    """Those among `near` that have landed since the build began, or land just before (`first`),
    and were not in its future: it bears no witness for anybody whom one of them can affect."""
    late = {i for i in near if landed.get(i, 0) > trial.epoch}
    return frozenset(late.union(i for i in first if i in near)) - trial.assumed


def bear_witness(landing: Sequence[ItemId], view: View) -> dict[ItemId, tuple[Witness, ...]]:
    """Who stays behind and was tested with what lands now, by builds of the latter.

    Once the items have landed, the evidence about those behind still holds: what they share with
    the landed ones was tested in that very state. `landing` is in the order of the landing, `view`
    the queue before it.
    """
    live = {entry.id: entry for entry in view.entries}
    landed = view.landed
    found: dict[ItemId, tuple[Witness, ...]] = {}
    for trial in view.trials:
        if trial.state is not TrialState.PASSED:
            continue
        for item in trial.members:
            if item not in landing:
                continue
            near = live[item].conflicts
            late = missed(trial, near, landed, landing[: landing.index(item)])
            for other in trial.assumed & near:
                entry = live.get(other)
                if entry is None or other in landing or not late.isdisjoint(entry.conflicts):
                    continue
                beside = (trial.assumed & entry.conflicts) - {item}
                one = Witness(item, beside, near, trial.epoch)
                found[other] = (*found.get(other, ()), one)
    return found
