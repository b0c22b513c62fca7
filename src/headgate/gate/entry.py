"""Whether changes may enter their queue: one by itself, or a cycle whose members need each other.

A cycle is a set of open changes each of which depends, by way of others, on all of the others.
None of them can land before the rest, so they enter one queue at once and land together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from headgate.gate import records
from headgate.gate.scope import queue_of
from headgate.model.change import OPEN_STATES, Change, ChangeState, Dependency, DependencyKind
from headgate.model.config import Policy
from headgate.model.cycles import strongly_connected, way_round
from headgate.model.errors import BadInput, Conflict
from headgate.model.ids import ChangeNumber
from headgate.model.queue import BranchKey, Item
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

Needs = Mapping[ChangeNumber, Collection[ChangeNumber]]
"""By open change, the changes that it depends on."""


def enter(
    tx: Transaction, numbers: Sequence[ChangeNumber], policy: Policy, actor: str
) -> tuple[Item, ...]:
    """Put changes at the end of their queue; those that are in one already keep their item.

    All in this transaction, or none: raises Conflict for a state, a dependency or a cycle that
    forbids it, BadInput for a change that names itself. Verdicts are the caller's business.
    """
    together = frozenset(numbers)
    for number in sorted(together):
        if tx.items.live_of(number) is None:
            check_entry(tx, tx.changes.get(number), together)
        if why := apart(tx, cycle_of(tx, number), policy):
            raise Conflict(*why)
    entered = {n: _enter(tx, n, policy, actor) for n in _lowest_first(tx, together)}
    items = tuple(entered[number] for number in numbers)
    if len({item.queue for item in items}) > 1:
        # A member that was let in under an older policy; none of this transaction stays.
        where = ", ".join(f"#{i.change} in {tx.queues.get(i.queue).name}" for i in items)
        raise Conflict(
            f"Changes that land together would be in different queues: {where}.",
            "Hold back those that are queued, and enqueue all again.",
        )
    return items


def _lowest_first(tx: Transaction, numbers: Collection[ChangeNumber]) -> list[ChangeNumber]:
    """By number, but each behind those whose commits it stands on."""
    order: list[ChangeNumber] = []
    below = {
        number: {d.change for d in tx.changes.current_revision(number).stands_on} & {*numbers}
        for number in sorted(numbers)
    }
    while below:
        # Commits cannot stand on each other in a circle; were it so, the lowest number begins.
        ready = next((n for n, under in below.items() if not under & below.keys()), min(below))
        order.append(ready)
        del below[ready]
    return order


def _enter(tx: Transaction, number: ChangeNumber, policy: Policy, actor: str) -> Item:
    present = tx.items.live_of(number)
    if present is not None:
        return present
    change = tx.changes.get(number)
    revision = tx.changes.current_revision(number)
    key = BranchKey(tx.projects.get(change.project).name, change.branch)
    settings = queue_of(policy, key)
    queue = tx.queues.ensure(settings.name, settings.window)
    item = tx.items.add(queue.id, number, revision.id, change.project, change.branch)
    records.queued(tx, item, queue, key.project, revision.head, actor)
    return item


def check_entry(tx: Transaction, change: Change, together: Collection[ChangeNumber] = ()) -> None:
    """Raises Conflict when the change may not enter now, with those it enters `together` with."""
    number = change.number
    if change.state not in _FROM:
        raise Conflict(
            f"Change #{number} is {change.state.value} and cannot be queued.",
            "Push a new revision.",
        )
    needs = needs_of(tx, number)
    if number in needs.get(number, ()):
        raise BadInput(
            f"Change #{number} depends on itself.", "Take one of the Depends-On: footers out."
        )
    if not set(cycle_of(tx, number)) <= {number, *together}:
        way = shown(way_round(number, needs))
        raise Conflict(
            f"Change #{number} can only land together with others: {way}.",
            "Let all of them enter at once; each does when the verdict allows all.",
        )
    revision = tx.changes.current_revision(number)
    satisfied = tx.changes.satisfied(number)
    for dependency in revision.depends_on:
        if dependency.change is None:
            if dependency.text not in satisfied:
                raise Conflict(
                    f"Change #{number} depends on {dependency.text}, which is not on this server.",
                    f"Once that has landed: headgate change satisfy {number} {dependency.text}",
                )
            continue
        other = tx.changes.get(dependency.change)
        if stale := outdated(dependency, other):
            raise Conflict(f"Change #{number} {stale}.", REBASE)
        if other.number in together or other.state is ChangeState.LANDED:
            continue
        if tx.items.live_of(other.number) is None:
            raise Conflict(
                f"Change #{number} depends on #{other.number}, which is "
                f"{other.state.value} and in no queue.",
                f"Queue #{other.number} first.",
            )


REBASE = "Rebase onto that and push again."


def outdated(dependency: Dependency, other: Change) -> str:
    """`stands on revision 1 of #3, which is at revision 2 now`; empty while that is not so."""
    if dependency.kind is not DependencyKind.STACK or other.revision == dependency.revision:
        return ""
    landed = "has landed as" if other.state is ChangeState.LANDED else "is at"
    return (
        f"stands on revision {dependency.revision} of #{other.number}, which {landed} "
        f"revision {other.revision}{'' if landed == 'has landed as' else ' now'}"
    )


def needs_of(
    tx: Transaction, start: ChangeNumber, instead: Collection[ChangeNumber] | None = None
) -> dict[ChangeNumber, tuple[ChangeNumber, ...]]:
    """What a change depends on, by way of open changes; `instead` is what it would depend on."""
    found: dict[ChangeNumber, tuple[ChangeNumber, ...]] = {}
    waiting = [start]
    while waiting:
        number = waiting.pop()
        if number in found:
            continue
        if number == start and instead is not None:
            found[number] = tuple(instead)
        elif number == start or tx.changes.get(number).state in OPEN_STATES:
            found[number] = tx.changes.current_revision(number).needs
        else:
            continue
        waiting.extend(found[number])
    return found


def cycle_of(
    tx: Transaction, number: ChangeNumber, instead: Collection[ChangeNumber] | None = None
) -> tuple[ChangeNumber, ...]:
    """The open changes that can only land together with this one, itself among them, by number.

    Empty when it needs nobody that needs it. `instead` is what it would depend on.
    """
    needs = needs_of(tx, number, instead)
    if len(needs) == 1:
        return ()
    return next((tuple(sorted(c)) for c in strongly_connected(needs) if number in c), ())


def apart(tx: Transaction, cycle: Sequence[ChangeNumber], policy: Policy) -> tuple[str, str] | None:
    """What is wrong and the remedy when the members of a cycle belong to different queues."""
    keys: dict[str, list[BranchKey]] = {}
    words: list[str] = []
    for number in cycle:
        change = tx.changes.get(number)
        key = BranchKey(tx.projects.get(change.project).name, change.branch)
        name = queue_of(policy, key).name
        keys.setdefault(name, []).append(key)
        words.append(f"#{number} is for {key}, of the queue {name}")
    if len(keys) < 2:
        return None
    everything = [key for found in keys.values() for key in found]
    projects = ", ".join(f'"{name}"' for name in sorted({key.project for key in everything}))
    branches = ", ".join(f'"{name}"' for name in sorted({key.branch for key in everything}))
    name = next((name for name in keys if ":" not in name), "main")
    return (
        "Changes that depend on each other land together, and so must be in one queue: "
        + "; ".join(words)
        + ".",
        f"Name them in one queue of policy.toml: [queues.{name}] projects = [{projects}], "
        f"branches = [{branches}].",
    )


def shown(way: Sequence[ChangeNumber]) -> str:
    """`#1 → #2 → #1`."""
    return " → ".join(f"#{number}" for number in way)
