"""A process of its own that writes to a database until it is killed, saying what is committed.

Run as `python store_writer.py FILE`: each line printed is the number of a change whose
transaction (the change, its revision, its item and two events) was committed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from store_world import World, happened

from headgate.ledger.chain import seal
from headgate.model.change import Entry
from headgate.store.database import Database


def main(path: Path) -> None:
    db = Database.open(path, seal=seal)
    with db.read() as tx:
        fresh = tx.projects.find("jinja") is None
    if fresh:
        World(db)
    with db.read() as tx:
        project, ada = tx.projects.by_name("jinja"), tx.principals.by_name("ada")
        queue = tx.queues.by_name("main")
    world = World.__new__(World)
    world.db, world.project, world.ada, world.queue = db, project, ada, queue
    print("ready", flush=True)
    while True:
        with db.write() as tx:
            change = tx.changes.add(project.id, "main", "t", ada.id, "Mend it", Entry.AUTOMATIC)
            tx.events.append(happened("change.created", f"change/{change.number}"))
            world.revise(tx, change.number)
            world.queued(tx, change)
            tx.events.append(happened("item.queued", f"change/{change.number}"))
        print(change.number, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
