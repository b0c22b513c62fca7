"""Artifacts that a build finds of what is ahead of it, or of what landed last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from headgate.model.ids import ItemId, JobRunId
from headgate.model.queue import NodeState
from headgate.store.database import Database, Transaction

_LOOK_AGAIN = 0.5
"""Seconds between two looks at builds ahead."""

_UNDECIDED = frozenset({NodeState.MERGED, NodeState.BUILDING})


async def provided(
    db: Database,
    place: Callable[[JobRunId], Path],
    names: Collection[str],
    projects: Collection[str],
    ahead: Sequence[ItemId],
) -> Mapping[str, tuple[Path, ...]]:
    """Directories of the artifacts of these names that jobs of these projects provide.

    Waits until the builds of the items ahead have ended: what they will provide is part of the
    future that is tested. They never wait for what is behind them, and a future whose assumption
    fails is dropped with everything that waits in it. `place` gives the artifacts of a run.
    """
    while True:
        with db.read() as tx:
            if not any(_undecided(tx, item) for item in ahead):
                return {
                    name: tuple(place(run) for run in tx.builds.providers(name, projects, ahead))
                    for name in names
                }
        await asyncio.sleep(_LOOK_AGAIN)


def _undecided(tx: Transaction, item: ItemId) -> bool:
    node = tx.nodes.current(item)
    return node is not None and node.state in _UNDECIDED
