"""Whether a change may enter a queue."""

from __future__ import annotations

from headgate.model.change import Change, ChangeState, Revision
from headgate.model.errors import BadInput, Conflict
from headgate.model.ids import ChangeNumber
from headgate.store.database import Transaction

_FROM = frozenset(
    {
        ChangeState.CHECKING,
        ChangeState.WAITING,
        ChangeState.READY,
        ChangeState.EJECTED,
        ChangeState.QUEUED,
    }
)


def check_entry(tx: Transaction, change: Change, revision: Revision) -> None:
    """Raises Conflict for a state or a dependency that forbids it, BadInput for a cycle."""
    if change.state not in _FROM:
        raise Conflict(
            f"Change #{change.number} is {change.state.value} and cannot be queued.",
            "Push a new revision.",
        )
    way = _way_back(tx, change.number)
    if way:
        names = " → ".join(f"#{number}" for number in way)
        raise BadInput(
            f"Change #{change.number} depends on itself: {names}.",
            "Take one of the Depends-On: footers out.",
        )
    for dependency in revision.depends_on:
        other = tx.changes.get(dependency.change)
        if other.state is not ChangeState.LANDED and tx.items.live_of(other.number) is None:
            raise Conflict(
                f"Change #{change.number} depends on #{other.number}, which is "
                f"{other.state.value} and in no queue.",
                f"Queue #{other.number} first.",
            )


def _way_back(tx: Transaction, start: ChangeNumber) -> list[ChangeNumber]:
    """The way along dependencies from a change to itself; empty when there is none."""
    paths = [[start]]
    seen: set[ChangeNumber] = set()
    while paths:
        path = paths.pop()
        for dependency in tx.changes.current_revision(path[-1]).depends_on:
            if dependency.change == start:
                return [*path, start]
            if dependency.change not in seen:
                seen.add(dependency.change)
                if tx.changes.get(dependency.change).state is not ChangeState.LANDED:
                    paths.append([*path, dependency.change])
    return []
