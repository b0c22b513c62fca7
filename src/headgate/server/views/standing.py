"""What a queue of lanes makes of a change: whom it can affect, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable

from headgate.gate.trials.explain import Standing
from headgate.model.change import Change
from headgate.model.ids import ItemId
from headgate.server.views.text import View, shown_text
from headgate.store.database import Transaction


def standing_view(
    tx: Transaction,
    change: Change,
    standing: Callable[[ItemId], Standing | None],
    readable: Callable[[str], bool],
) -> View | None:
    """None when the change is in no queue of lanes. Others are named where they are readable."""
    item = tx.items.live_of(change.number)
    found = None if item is None else standing(item.id)
    if item is None or found is None:
        return None
    beside: list[tuple[int, View]] = []
    hidden = 0
    for other, why in found.beside.items():
        one = tx.items.get(other)
        if not one.state.live:
            continue
        if not readable(tx.projects.get(one.project).name):
            hidden += 1
            continue
        ahead = (-one.priority, one.position) < (-item.priority, item.position)
        line: View = {"change": one.change, "ahead": ahead, "why": shown_text(why)}
        beside.append((one.change, line))
    beside.sort(key=lambda one: one[0])
    return {
        "waits": shown_text(found.waits),
        "beside": [line for _, line in beside],
        "hidden": hidden,
        "chance": round(found.chance, 3),
        "because": [
            {"feature": shown_text(reason.feature), "weight": round(reason.weight, 2)}
            for reason in found.because
        ],
    }
