"""Merges the items of a trial onto the branches, each on top of those before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headgate.gate.case import Case
from headgate.gate.futures import failure_of, merge_one
from headgate.gate.ports import GatePorts
from headgate.gate.scope import with_head
from headgate.gate.trials.order import Order
from headgate.gate.units import only_together
from headgate.model.ids import Commit, ItemId, NodeId
from headgate.model.queue import BranchKey, Node, NodeState
from headgate.vcs.merge import Merged


@dataclass(frozen=True, slots=True)
class MergedItem:
    """An item on top of those before it."""

    case: Case
    base: Commit
    result: Merged


@dataclass(frozen=True, slots=True)
class Stuck:
    """An item that does not merge there."""

    case: Case
    unit: tuple[ItemId, ...]
    earlier: tuple[Case, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why an item does not merge."""

    reason: str
    assumed: tuple[ItemId, ...]
    """Items that have to be there for it to fail; none: it fails on the bare branch."""
    others: frozenset[ItemId]
    """The first items of their units."""


async def merge_all(
    ports: GatePorts, order: Order, cases: Mapping[ItemId, Case]
) -> list[MergedItem] | Stuck:
    """All items, each on top of those before it."""
    after: Mapping[BranchKey, Commit] = order.heads
    done: list[MergedItem] = []
    for unit in (*order.assumed, *order.units):
        for id in unit:
            case = cases[id]
            base = after[case.key]
            result = await merge_one(ports, case.proposal, base)
            if not isinstance(result, Merged):
                earlier = tuple(m.case for m in done if m.case.key == case.key)
                numbers = [c.item.change for c in earlier]
                return Stuck(case, unit, earlier, failure_of(case.proposal, numbers, result))
            done.append(MergedItem(case, base, result))
            after = with_head(after, case.key, result.commit)
    return done


async def explain(
    ports: GatePorts, order: Order, stuck: Stuck, cases: Mapping[ItemId, Case]
) -> Hindrance:
    """Whether an item does not merge on the bare branch either, or only with those before it."""
    after: Mapping[BranchKey, Commit] = order.heads
    no_one: tuple[ItemId, ...] = ()
    reason, assumed = stuck.reason, tuple(c.item.id for c in stuck.earlier)
    below: list[Case] = []
    for id in stuck.unit:
        case = cases[id]
        result = await merge_one(ports, case.proposal, after[case.key])
        if not isinstance(result, Merged):
            numbers = [c.item.change for c in below if c.key == case.key]
            reason, assumed = failure_of(case.proposal, numbers, result), no_one
            break
        below.append(case)
        after = with_head(after, case.key, result.commit)
    assumed = tuple(id for id in assumed if id not in stuck.unit)
    others = {
        unit[0]
        for unit in (*order.assumed, *order.units)
        if unit != stuck.unit and not {*unit}.isdisjoint(assumed)
    }
    assumed = tuple(
        id for unit in (*order.assumed, *order.units) if unit[0] in others for id in unit
    )
    if names := only_together([cases[id].item.change for id in stuck.unit]):
        reason = f"{names}, and #{stuck.case.item.change} fails: {reason}"
    return Hindrance(reason, assumed, frozenset(others))


def drafted(
    one: MergedItem,
    assumed: tuple[ItemId, ...],
    after: Mapping[BranchKey, Commit],
    unit: tuple[ItemId, ...],
) -> Node:
    """The node of a member that is not stored yet."""
    return Node(
        NodeId(0),
        one.case.item.id,
        assumed,
        one.base,
        one.result.commit,
        one.result.tree,
        after,
        NodeState.MERGED,
        "",
        None,
        0.0,
        None,
        unit,
    )
