"""Every step of an item, as the rows and the event that one transaction writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headgate.gate.futures import Future
from headgate.model.change import ChangeState
from headgate.model.event import Json, NewEvent
from headgate.model.ids import BuildId, Commit, ItemId, TrialId
from headgate.model.job import BuildState
from headgate.model.principal import GATE
from headgate.model.queue import Item, ItemState, Landing, Node, NodeState, Queue, QueueState
from headgate.store.database import Transaction


def live(tx: Transaction, item: Item) -> Item | None:
    """The item as it is now; None when it has had its verdict."""
    now = tx.items.get(item.id)
    return now if now.state.live else None


def eject(tx: Transaction, item: Item, reason: str, window: int | None) -> None:
    """The item failed. What ran for it is no longer needed."""
    drop_current(tx, item, "the item was ejected", keep=True)
    tx.items.set_state(item.id, ItemState.EJECTED, reason)
    tx.changes.set_state(item.change, ChangeState.EJECTED, reason)
    _about_item(tx, "item.ejected", item, GATE, {"reason": reason})
    resize(tx, tx.queues.get(item.queue), window, f"#{item.change} was ejected")


def withdraw(tx: Transaction, item: Item, reason: str, actor: str) -> None:
    """The item leaves without a failure; its change waits."""
    drop_current(tx, item, "the item was withdrawn")
    tx.items.set_state(item.id, ItemState.WITHDRAWN, reason)
    tx.changes.set_state(item.change, ChangeState.WAITING, reason)
    _about_item(tx, "item.withdrawn", item, actor, {"reason": reason})


def drop_current(tx: Transaction, item: Item, reason: str, *, keep: bool = False) -> None:
    """Drop the item's node; with `keep`, a decided one stays as evidence."""
    node = tx.nodes.current(item.id)
    if node is not None and not (keep and node.state not in (NodeState.MERGED, NodeState.BUILDING)):
        drop(tx, item, node, reason)


def drop(tx: Transaction, item: Item, node: Node, reason: str) -> None:
    """The future will not come."""
    tx.nodes.set_state(node.id, NodeState.DROPPED, reason)
    shared = node.trial is not None  # Its build is that of all members of a trial.
    if (
        node.build is not None
        and not shared
        and tx.builds.get(node.build).state is BuildState.RUNNING
    ):
        tx.builds.set_state(node.build, BuildState.CANCELLED, reason)
    about_node(tx, "node.dropped", item, node, {"reason": reason})


def hold(tx: Transaction, item: Item, kind: str, reason: str) -> None:
    """Say on the item why it does not get on; nothing when it says so already."""
    now = tx.items.get(item.id)
    if now.held:
        return  # Whoever held it has said why.
    if now.state.live and now.reason != reason:
        tx.items.set_state(item.id, now.state, reason)
        if reason:
            _about_item(tx, kind, item, GATE, {"reason": reason})


def speculated(
    tx: Transaction,
    item: Item,
    future: Future,
    unit: Sequence[ItemId],
    trial: TrialId | None = None,
) -> Node:
    """The item has been merged onto a future, or could not be."""
    node = tx.nodes.add(
        item.id,
        future.assumed,
        future.base,
        future.commit,
        future.tree,
        future.heads,
        future.state,
        future.reason,
        unit,
        trial,
    )
    hold(tx, item, "", "")
    about: dict[str, Json] = {"base": future.base}
    about["assumed"] = [tx.items.get(id).change for id in future.assumed]
    about |= together(tx, unit)
    if future.state is NodeState.MERGED:
        about_node(tx, "node.merged", item, node, {**about, "tree": future.tree})
    else:
        about_node(tx, "node.conflict", item, node, {**about, "reason": future.reason})
    return node


def return_landing(tx: Transaction, item: Item, node: Node, reason: str) -> None:
    """The unit of the item did not land after all; what had been moved was moved back."""
    tx.items.set_state(item.id, ItemState.WAITING, reason)
    about_node(tx, "landing.rolled_back", item, node, {"reason": reason})


def promote(tx: Transaction, item: Item, priority: int, actor: str) -> None:
    """The item goes before all of a lower priority."""
    tx.items.set_priority(item.id, priority)
    _about_item(
        tx, "item.promoted", item, actor, {"from": item.priority, "to": priority, "reason": ""}
    )


def pause(tx: Transaction, item: Item, reason: str, actor: str) -> None:
    """The item keeps its place, and goes no further until it is resumed."""
    tx.items.set_held(item.id, True)
    tx.items.set_state(item.id, item.state, reason)
    _about_item(tx, "item.paused", item, actor, {"reason": reason})


def resume(tx: Transaction, item: Item, actor: str) -> None:
    """The item goes on."""
    tx.items.set_held(item.id, False)
    tx.items.set_state(item.id, item.state, "")
    _about_item(tx, "item.resumed", item, actor, {})


def intend(tx: Transaction, item: Item, node: Node, project: str) -> None:
    """Before the branch moves: what is going to be moved, from where to where."""
    tx.items.set_state(item.id, ItemState.LANDING, "")
    about: dict[str, Json] = {"project": project, "branch": item.branch, "before": node.base}
    about_node(tx, "landing.intended", item, node, about | together(tx, node.unit))


def landed(tx: Transaction, item: Item, node: Node, landing: Landing, window: int | None) -> None:
    """The branch has moved: the proof, and the verdict. Freezes the queue on a mismatch."""
    tx.landings.add(landing)
    tx.items.set_state(item.id, ItemState.LANDED, "")
    words = f"landed on {item.branch} as {landing.commit[:10]}"
    tx.changes.set_state(item.change, ChangeState.LANDED, words)
    tx.changes.set_landed(item.change, landing.commit)
    about_node(
        tx,
        "branch.landed",
        item,
        node,
        {
            "project": landing.project,
            "branch": landing.branch,
            "before": landing.before,
            "tested_tree": landing.tested_tree,
            "landed_tree": landing.landed_tree,
            **together(tx, landing.unit),
        },
    )
    queue = tx.queues.get(item.queue)
    if landing.landed_tree != landing.tested_tree:
        freeze(
            tx,
            queue,
            f"#{item.change} landed on {landing.branch} of {landing.project} with the tree "
            f"{landing.landed_tree}, but {landing.tested_tree} was tested",
        )
    resize(tx, queue, window, f"#{item.change} landed")


def freeze(tx: Transaction, queue: Queue, reason: str) -> None:
    """Stop landings until an operator has looked."""
    tx.queues.set_state(queue.id, QueueState.FROZEN, reason)
    about_queue(tx, "queue.frozen", queue, {"reason": reason})


def resize(tx: Transaction, queue: Queue, window: int | None, why: str) -> None:
    """Give the window another size; nothing when it is that already."""
    if window is None or window == queue.window:
        return
    tx.queues.set_window(queue.id, window)
    about_queue(tx, "queue.window", queue, {"from": queue.window, "to": window, "reason": why})


def together(tx: Transaction, unit: Sequence[ItemId]) -> dict[str, Json]:
    """The changes of a unit, for its events; nothing for an item by itself."""
    return {"together": [tx.items.get(id).change for id in unit]} if unit else {}


def build_ended(tx: Transaction, build: BuildId, state: BuildState, reason: str) -> bool:
    """Record the outcome of a build; False when it had been cancelled meanwhile."""
    if tx.builds.get(build).state is not BuildState.RUNNING:
        return False
    tx.builds.set_state(build, state, reason)
    return True


def about_node(
    tx: Transaction, kind: str, item: Item, node: Node, data: Mapping[str, Json]
) -> None:
    """An event about one future of an item."""
    about: dict[str, Json] = {"node": node.id, "commit": node.commit}
    _about_item(tx, kind, item, GATE, {**about, **data})


def about_queue(tx: Transaction, kind: str, queue: Queue, data: Mapping[str, Json]) -> None:
    """An event about a queue."""
    tx.events.append(NewEvent(kind, GATE, f"queue/{queue.name}", {"queue": queue.name, **data}))


def queued(tx: Transaction, item: Item, queue: Queue, project: str, head: Commit, who: str) -> None:
    """A change entered its queue."""
    tx.changes.set_state(item.change, ChangeState.QUEUED, f"in the queue {queue.name}")
    _about_item(
        tx,
        "item.queued",
        item,
        who,
        {"project": project, "branch": item.branch, "head": head, "position": item.position},
    )


def _about_item(
    tx: Transaction, kind: str, item: Item, actor: str, data: Mapping[str, Json]
) -> None:
    about: dict[str, Json] = {
        "change": item.change,
        "item": item.id,
        "queue": tx.queues.get(item.queue).name,
    }
    tx.events.append(NewEvent(kind, actor, f"change/{item.change}", {**about, **data}))
