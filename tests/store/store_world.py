"""What most stories begin with: a project, a human, an agent and a queue."""

from __future__ import annotations

from collections.abc import Iterable

from headgate.model.change import Change, CommitInfo, Dependency, Entry, RevisionCommit, Signature
from headgate.model.event import Event, NewEvent
from headgate.model.ids import ChangeNumber, Commit, Tree
from headgate.model.origin import UNKNOWN_ORIGIN, Origin
from headgate.model.principal import PrincipalKind
from headgate.model.queue import BranchKey, Item, Node, NodeState
from headgate.store.database import Database, Transaction

BASE = Commit("b" * 40)
HEAD = Commit("a" * 40)
TREE = Tree("7" * 40)


def a_commit(message: str = "Mend it", commit: Commit = HEAD) -> CommitInfo:
    who = Signature("Ada", "ada@example.org", 1_700_000_000)
    return CommitInfo(commit, (BASE,), who, who, message)


class World:
    """Ada, her agent Crane, the project jinja and the queue main."""

    def __init__(self, db: Database) -> None:
        self.db = db
        with db.write() as tx:
            self.ada = tx.principals.add("ada", PrincipalKind.HUMAN, "Ada", "ada@example.org", None)
            self.crane = tx.principals.add("crane", PrincipalKind.AGENT, "Crane", "", self.ada.id)
            self.project = tx.projects.add("jinja", "main", "")
            self.queue = tx.queues.ensure("main", 4)

    def change(self, topic: str = "mend", title: str = "Mend it", branch: str = "main") -> Change:
        with self.db.write() as tx:
            return tx.changes.add(
                self.project.id, branch, topic, self.ada.id, title, Entry.AUTOMATIC
            )

    def revise(
        self,
        tx: Transaction,
        number: ChangeNumber,
        *,
        head: Commit = HEAD,
        on: Iterable[ChangeNumber] = (),
        origin: Origin = UNKNOWN_ORIGIN,
        message: str = "Mend it",
    ):
        return tx.changes.add_revision(
            number,
            head,
            BASE,
            message,
            self.ada.id,
            ("topic=mend",),
            tuple(Dependency(f"Depends-On: #{n}", n) for n in on),
            (RevisionCommit(a_commit(message, head), origin),),
        )

    def proposed(self, topic: str = "mend") -> Change:
        """A change with one revision."""
        number = self.change(topic).number
        with self.db.write() as tx:
            self.revise(tx, number)
            return tx.changes.get(number)

    def queued(self, tx: Transaction, change: Change) -> Item:
        revision = tx.changes.current_revision(change.number)
        return tx.items.add(self.queue.id, change.number, revision.id, change.project, "main")

    def node(self, tx: Transaction, item: Item, state: NodeState = NodeState.MERGED) -> Node:
        return tx.nodes.add(
            item.id, (), BASE, HEAD, TREE, {BranchKey("jinja", "main"): HEAD}, state, ""
        )


def happened(kind: str = "test.happened", subject: str = "change/1", **data: int) -> NewEvent:
    return NewEvent(kind, "ada", subject, data)


def all_events(db: Database) -> list[Event]:
    with db.read() as tx:
        return list(tx.events.iterate())
