"""Lands a unit: all of its branches, over all of its projects, or none.

Git moves the branches of one repository in one transaction, but nothing moves those of two. So
the intention of all is recorded in one transaction, each repository is moved by compare-and-swap,
and all proofs are recorded in one transaction. Whoever finds the intention without the proofs,
after `kill -9` too, does the same again: a repository that has been moved stays as it is, and the
others follow. When one of them cannot be moved, those that were are moved back, by
compare-and-swap again: a branch that somebody has built on meanwhile is left alone, and the queue
is frozen for an operator to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from headgate.gate import records
from headgate.gate.case import Case, shared
from headgate.gate.commands import Land
from headgate.gate.landing import Ready, examine, fresh
from headgate.gate.ports import GatePorts
from headgate.gate.unit_jobs import members
from headgate.gate.units import before_unit, last_commits, listed
from headgate.model.ids import ChangeNumber, Commit, ItemId, Tree
from headgate.model.principal import GATE
from headgate.model.queue import BranchKey, ItemState, Landing, Node, NodeState, QueueState
from headgate.store.database import Database, Transaction
from headgate.vcs.git import GitError
from headgate.vcs.refs import RefMove, update_refs

log = structlog.get_logger()

Done = Callable[[ItemId, Node | None], None]
"""Told of every item that has landed, with the node that did."""

_Moves = Mapping[str, Sequence[RefMove]]
"""Project → what is to be moved in it."""


class Together:
    """The landings of units."""

    def __init__(self, db: Database, ports: GatePorts, done: Done) -> None:
        self._db = db
        self._ports = ports
        self._done = done

    async def land(
        self,
        cases: Sequence[Case],
        command: Land,
        apart: Sequence[Collection[ItemId]] = (),
        holds: Callable[[], bool] = lambda: True,
    ) -> bool:
        """See Land. Carries on where an earlier try or process stopped.

        `apart` are those among them that only land at once because they were tested in one build:
        what keeps one from landing at all is nothing to the others. `holds` says whether what was
        tested is still ground to land, and is asked last of all. Raises GitError when a repository
        could not be asked or moved; whatever had been moved is then back where it was, or the next
        try goes on from there.
        """
        if not _whole(cases, command):
            return False
        waiting = [case.item.state is ItemState.WAITING for case in cases]
        if any(waiting) and not (all(waiting) and await self._intend(cases, apart, holds)):
            return True
        moves = _moves(cases)
        for project in moves:
            try:
                refused = await self._move(project, moves[project])
            except GitError as error:
                await self._back(cases, moves, str(error), keep=True)
                raise
            if refused:
                await self._back(cases, moves, refused, keep=False)
                return True
        await self._record(cases, command.window)
        return True

    # -- before ------------------------------------------------------------------------------

    async def _intend(
        self,
        cases: Sequence[Case],
        apart: Sequence[Collection[ItemId]],
        holds: Callable[[], bool],
    ) -> bool:
        """Ask once more whether all may land, and record that they will."""
        for case in cases:
            why = await self._ports.permits(case.item.change)
            if why:
                own = next((ids for ids in apart if case.item.id in ids), None)
                leave = [one for one in cases if own is None or one.item.id in own]
                self._withdraw(leave, case, why)
                return False
        nodes = shared(cases)
        before = before_unit(nodes, nodes[0][1].future)
        for key, node in nodes:
            check = await examine(self._ports, key, node, before)
            if check.ready is Ready.MOVED:
                self._put_back(cases, check.reason, "", keep=False)
                return False
            if check.ready is Ready.ALTERED:
                self._altered(cases, check.reason)
                return False
        with self._db.write() as tx:
            held = tx.queues.get(cases[0].item.queue)
            ready = held.state is QueueState.ACTIVE and holds()
            ready = ready and all(
                tx.items.get(case.item.id).state is ItemState.WAITING
                and tx.nodes.current(case.item.id) == node
                and node.state is NodeState.PASSED
                for case, node in members(cases)
            )
            if not ready:
                return False
            for case, node in members(cases):
                records.intend(tx, case.item, node, case.key.project)
        return True

    def _withdraw(self, cases: Sequence[Case], denied: Case, why: str) -> None:
        with self._db.write() as tx:
            items = [records.live(tx, case.item) for case in cases]
            for item in items:
                if item is None or item.state is not ItemState.WAITING:
                    continue
                own = item.id == denied.item.id
                words = f"it may not land after all: {why}"
                if not own:
                    words = f"it lands together with #{denied.item.change}, which left: {words}"
                records.withdraw(tx, item, words, GATE)
        for case in cases:
            self._done(case.item.id, None)

    def _altered(self, cases: Sequence[Case], reason: str) -> None:
        # The evidence is not worth anything: it must be made anew, under somebody's eyes.
        numbers = [case.item.change for case in cases]
        with self._db.write() as tx:
            self._drop(tx, cases, reason)
            queue = tx.queues.get(cases[0].item.queue)
            records.freeze(tx, queue, f"{listed(numbers)} {_was(numbers)} not landed: {reason}")
        log.error("a tested future was altered", queue=cases[0].queue, reason=reason)

    # -- moving, and back --------------------------------------------------------------------

    async def _move(self, project: str, moves: Sequence[RefMove]) -> str:
        """Move the branches of one repository, unless they are; says in words why it cannot."""
        repository = fresh(self._ports, project)
        if await update_refs(repository, moves):
            return ""
        left: list[RefMove] = []
        for move in moves:
            found = await repository.resolve(move.ref)
            if found == move.old:
                left.append(move)  # A machine that fails may have cut git's transaction in two.
            elif found is None or not await repository.is_ancestor(move.new, found):
                where = f"is at {found[:10]}" if found else "is gone"
                return f"{_name(project, move)} {where}, not at {move.old[:10]}"
        if left and not await update_refs(repository, left):
            return f"{_name(project, left[0])} is being moved by somebody else"
        return ""

    async def _back(self, cases: Sequence[Case], moves: _Moves, reason: str, *, keep: bool) -> None:
        """Move back what has been moved. With `keep`, what was tested may be landed later."""
        stuck: list[str] = []
        for project, wanted in moves.items():
            repository = fresh(self._ports, project)
            moved: list[RefMove] = []
            for move in wanted:
                found = await repository.resolve(move.ref)
                if found == move.new:
                    moved.append(RefMove(move.ref, move.new, move.old))
                elif found and found != move.old and await repository.is_ancestor(move.new, found):
                    stuck.append(_stuck(project, move, found))
            if moved and not await update_refs(repository, moved):
                stuck.extend(_stuck(project, move, None) for move in wanted)
        self._put_back(cases, reason, "; ".join(stuck), keep=keep and not stuck)

    def _put_back(self, cases: Sequence[Case], reason: str, stuck: str, *, keep: bool) -> None:
        """Nothing landed: the unit waits again, and is tested again unless its tests hold."""
        numbers = [case.item.change for case in cases]
        landing = False
        with self._db.write() as tx:
            for case, node in members(cases):
                item = records.live(tx, case.item)
                if item is None:
                    continue
                if item.state is ItemState.LANDING:
                    landing = True
                    records.return_landing(tx, item, node, f"not landed: {reason}")
            queue = tx.queues.get(cases[0].item.queue)
            if not keep:
                self._drop(tx, cases, f"a branch was moved from outside: {reason}")
                records.about_queue(tx, "branch.moved", queue, {"reason": reason})
            if stuck:
                words = f"{listed(numbers)} landed in part: {reason}; {stuck}"
                records.freeze(tx, queue, f"{words}. Mend the branches by hand, then thaw.")
        log.error(
            "a landing was taken back" if landing else "a branch was moved from outside",
            queue=cases[0].queue,
            changes=numbers,
            reason=reason,
            stuck=stuck,
        )

    def _drop(self, tx: Transaction, cases: Sequence[Case], reason: str) -> None:
        for case, node in members(cases):
            item = records.live(tx, case.item)
            if item is not None and tx.nodes.get(node.id).state is not NodeState.DROPPED:
                records.drop(tx, item, node, reason)

    # -- after -------------------------------------------------------------------------------

    async def _record(self, cases: Sequence[Case], window: int) -> None:
        """All branches stand where they should: the proofs, and the verdicts."""
        trees = [await self._landed(case.key, node) for case, node in members(cases)]
        with self._db.write() as tx:
            if any(tx.items.get(c.item.id).state is not ItemState.LANDING for c in cases):
                return
            time = self._ports.clock()
            for (case, node), tree in zip(members(cases), trees, strict=True):
                landing = _landing(case, node, tree, time)
                records.landed(tx, case.item, node, landing, window)
        for case, node in members(cases):
            self._done(case.item.id, node)

    async def _landed(self, key: BranchKey, node: Node) -> Tree:
        """The tree of what landed, read again from the repository."""
        return await fresh(self._ports, key.project).tree_of(_commit(node))


def _whole(cases: Sequence[Case], command: Land) -> bool:
    """Whether the command is about the future that all of them still have."""
    nodes = [node for _, node in members(cases)]
    return (
        len(nodes) == len(cases)
        and nodes[0].id == command.node
        and all(node.commit is not None and node.tree is not None for node in nodes)
    )


def _moves(cases: Sequence[Case]) -> _Moves:
    """One move for each branch, from where it was to the last member's commit."""
    nodes = shared(cases)
    before = before_unit(nodes, nodes[0][1].future)
    moves: dict[str, list[RefMove]] = {}
    for key, commit in last_commits(nodes).items():
        move = RefMove(f"refs/heads/{key.branch}", before[key], commit)
        moves.setdefault(key.project, []).append(move)
    return moves


def _landing(case: Case, node: Node, tree: Tree, time: float) -> Landing:
    return Landing(
        case.item.id,
        case.key.project,
        case.key.branch,
        case.item.change,
        node.base,
        _commit(node),
        node.tree or tree,
        tree,
        time,
        node.unit,
    )


def _commit(node: Node) -> Commit:
    if node.commit is None:
        raise ValueError(f"node {node.id} has no commit to land")
    return node.commit


def _stuck(project: str, move: RefMove, found: Commit | None) -> str:
    name = _name(project, move)
    if found is None:
        return f"{name} was moved while it was to be moved back from {move.new[:10]}"
    return f"{name} has {move.new[:10]}, and {found[:10]} was built on it"


def _was(numbers: Sequence[ChangeNumber]) -> str:
    return "was" if len(numbers) == 1 else "were"


def _name(project: str, move: RefMove) -> str:
    return f"{project}:{move.ref.removeprefix('refs/heads/')}"
