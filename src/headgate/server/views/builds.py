"""The futures in which a change was tested, newest first, with their jobs."""

from __future__ import annotations

from headgate.model.change import Change
from headgate.model.queue import Node
from headgate.model.trial import Trial
from headgate.server.views import words
from headgate.server.views.text import View, shown_path, shown_text
from headgate.store.database import Transaction

SHOWN = 20
"""Futures that are shown; a change that is re-tested often has many."""


def builds_view(tx: Transaction, change: Change, now: float) -> View:
    """The newest stay of a change in a queue, and every future that was tested in it."""
    item = tx.items.latest_of(change.number)
    if item is None:
        return {"item": None, "nodes": [], "more": 0}
    nodes = sorted(tx.nodes.of_item(item.id), key=lambda node: node.id, reverse=True)
    queue = tx.queues.get(item.queue)
    return {
        "item": {
            "id": item.id,
            "queue": queue.name,
            "state": item.state.value,
            "reason": shown_text(item.reason),
            "created": item.created,
            "finished": item.finished,
        },
        "nodes": [_node(tx, change, node, item.branch, now) for node in nodes[:SHOWN]],
        "more": max(0, len(nodes) - SHOWN),
    }


def _trial(tx: Transaction, trial: Trial) -> View:
    """What a node was a part of, in a queue of lanes."""
    bare = tx.builds.runs(trial.baseline) if trial.baseline is not None else []
    return {
        "id": trial.id,
        "purpose": trial.purpose.value,
        "members": [int(tx.items.get(id).change) for id in trial.members],
        "blamed": None
        if trial.culprits is None
        else [int(tx.items.get(id).change) for id in trial.culprits],
        "reused": [*trial.reused],
        "baseline": [{"run": run.id, "job": run.job, "state": run.state.value} for run in bare],
    }


def _node(tx: Transaction, change: Change, node: Node, branch: str, now: float) -> View:
    assumed = [int(tx.items.get(id).change) for id in node.assumed]
    trial = tx.trials.get(node.trial) if node.trial is not None else None
    build = tx.builds.get(node.build) if node.build is not None else None
    runs = tx.builds.runs(node.build) if node.build is not None else []
    return {
        "id": node.id,
        "state": node.state.value,
        "reason": shown_text(node.reason),
        "assumes": assumed,
        "together": [
            number for id in node.unit if (number := tx.items.get(id).change) != change.number
        ],
        "trial": None if trial is None else _trial(tx, trial),
        "assumed": " + ".join([f"on {shown_path(branch)}", *(f"#{n}" for n in assumed)]),
        "base": node.base,
        "commit": node.commit,
        "tree": node.tree,
        "created": node.created,
        "finished": node.finished,
        "build": None
        if build is None
        else {
            "id": build.id,
            "state": build.state.value,
            "reason": shown_text(build.reason),
            "created": build.created,
            "finished": build.finished,
        },
        "jobs": [words.job(run, now) for run in sorted(runs, key=lambda r: r.id)],
    }
