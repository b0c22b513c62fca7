"""A small world for the planner: branches are lists of changes, and outcomes follow from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from headgate.gate.commands import Command, Drop, Eject, Land, Speculate, StartBuild, Withdraw
from headgate.gate.planner import Plan, plan
from headgate.gate.snapshot import (
    DependencyState,
    DependencyView,
    ItemView,
    NodeView,
    Snapshot,
    Trouble,
    Window,
)
from headgate.model.ids import ChangeNumber, Commit, ItemId, NodeId
from headgate.model.queue import BranchKey, ItemState, NodeState, QueueState

ALPHA, BETA = BranchKey("alpha", "main"), BranchKey("beta", "main")


@dataclass
class Thing:
    """A change in the world, with the truth about it that only the jobs know."""

    number: int
    branch: BranchKey = ALPHA
    bad: bool = False
    quarrels: frozenset[int] = frozenset()
    """Fails together with these."""
    collides: frozenset[int] = frozenset()
    """Does not merge onto a branch that has one of these."""
    depends: tuple[int, ...] = ()
    state: str = "live"
    reason: str = ""
    node: NodeView | None = None
    landing: bool = False
    trouble: Trouble = Trouble.NONE
    due: bool = True
    position: int = 0


@dataclass
class World:
    """A queue, its branches, and everything that was ever asked for."""

    window: Window = field(default_factory=lambda: Window(4, 2, 8))
    state: QueueState = QueueState.ACTIVE
    things: dict[int, Thing] = field(default_factory=dict)
    content: dict[BranchKey, tuple[str, ...]] = field(default_factory=lambda: {ALPHA: (), BETA: ()})
    elsewhere: set[int] = field(default_factory=set)
    nodes: int = 0
    positions: int = 0
    passed: set[Commit] = field(default_factory=set)
    built: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    verdicts: list[tuple[int, str]] = field(default_factory=list)
    history: list[Command] = field(default_factory=list)

    # -- what happens from outside -------------------------------------------------------------

    def arrive(self, thing: Thing) -> None:
        self.positions += 1
        thing.position = self.positions
        thing.state = "live"
        self.things[thing.number] = thing

    def finish(self, number: int) -> None:
        """The jobs of a building node end as its content says."""
        thing = self.things[number]
        node = thing.node
        assert node is not None
        assert node.state is NodeState.BUILDING
        good = self.green(node.after)
        if good:
            self.passed.add(node.after[thing.branch])
        state = NodeState.PASSED if good else NodeState.FAILED
        thing.node = replace(node, state=state, reason="" if good else "job tests failed")
        thing.trouble = Trouble.NONE

    def lose(self, number: int, trouble: Trouble = Trouble.NONE) -> None:
        """The build ended without an outcome."""
        thing = self.things[number]
        assert thing.node is not None
        thing.node = replace(thing.node, state=NodeState.MERGED)
        thing.trouble, thing.due = trouble, trouble is Trouble.NONE

    def move(self, branch: BranchKey) -> None:
        """Somebody moves a branch behind our back."""
        self.content[branch] = (*self.content[branch], "outside")

    def leave(self, number: int) -> None:
        self._end(number, "withdrawn", "its owner took it back")

    # -- looking -------------------------------------------------------------------------------

    def live(self) -> list[Thing]:
        return [t for t in self.things.values() if t.state == "live"]

    def building(self) -> list[Thing]:
        return [t for t in self.live() if t.node and t.node.state is NodeState.BUILDING]

    def heads(self) -> dict[BranchKey, Commit]:
        return {branch: self.commit(content) for branch, content in self.content.items()}

    @staticmethod
    def commit(content: Iterable[str]) -> Commit:
        return Commit("/".join(content))

    @staticmethod
    def inside(heads: dict[BranchKey, Commit]) -> list[int]:
        return [int(c) for head in heads.values() for c in head.split("/") if c.isdigit()]

    def green(self, heads: object) -> bool:
        numbers = self.inside(heads)  # type: ignore[arg-type]
        return not any(
            self.things[n].bad or self.things[n].quarrels & set(numbers) for n in numbers
        )

    def snapshot(self) -> Snapshot:
        return Snapshot(
            "main",
            self.state,
            self.window,
            self.heads(),
            tuple(
                ItemView(
                    ItemId(t.number),
                    ChangeNumber(t.number),
                    t.branch,
                    t.position,
                    ItemState.LANDING if t.landing else ItemState.WAITING,
                    t.node,
                    tuple(self._dependency(n) for n in t.depends),
                    t.trouble,
                    t.due,
                )
                for t in sorted(self.live(), key=lambda t: t.position)
            ),
            frozenset(ItemId(t.number) for t in self.things.values() if t.state == "landed"),
        )

    def _dependency(self, number: int) -> DependencyView:
        change = ChangeNumber(number)
        if number in self.elsewhere:
            return DependencyView(change, DependencyState.ELSEWHERE, None, "in queue other")
        other = self.things.get(number)
        if other is None:
            return DependencyView(change, DependencyState.ABSENT, None, "denied")
        match other.state:
            case "live":
                return DependencyView(change, DependencyState.HERE, ItemId(number))
            case "landed":
                return DependencyView(change, DependencyState.LANDED)
            case "ejected":
                return DependencyView(change, DependencyState.EJECTED, None, other.reason)
            case _:
                return DependencyView(change, DependencyState.ABSENT, None, other.reason)

    # -- carrying out --------------------------------------------------------------------------

    def step(self) -> Plan:
        made = plan(self.snapshot())
        assert made == plan(self.snapshot())
        for command in made.commands:
            self.history.append(command)
            self.carry_out(command)
        return made

    def settle(self) -> None:
        """Follow the planner until it has nothing more to say."""
        for _ in range(1000):
            if not self.step().commands:
                return
        raise AssertionError(f"the planner does not come to rest: {self.history[-6:]}")

    def run(self) -> None:
        """To the end: builds finish oldest first."""
        self.settle()
        while building := self.building():
            self.finish(building[0].number)
            self.settle()

    def carry_out(self, command: Command) -> None:
        thing = self.things[int(command.item)]
        if thing.state != "live":
            return
        match command:
            case Eject():
                if command.window is not None:
                    self.window = self.window.of(command.window)
                self._check_ejection(thing)
                self._end(thing.number, "ejected", command.reason)
            case Withdraw():
                self._end(thing.number, "withdrawn", command.reason)
            case Drop():
                assert thing.node is not None
                assert thing.node.id == command.node
                thing.node = None
            case Speculate():
                self._merge(thing, command)
            case StartBuild():
                assert thing.node is not None
                assert thing.node.state is NodeState.MERGED
                under_test = [t for t in self.building() if t.trouble is not Trouble.HELD]
                assert thing.trouble is Trouble.HELD or len(under_test) < self.window.ceiling
                ahead = tuple(int(i) for i in thing.node.assumed)
                self.built.append((thing.number, ahead))
                thing.node = replace(thing.node, state=NodeState.BUILDING)
            case Land():
                self._land(thing, command)

    def _merge(self, thing: Thing, command: Speculate) -> None:
        self.nodes += 1
        before, heads = dict(command.before), self.heads()
        assumed = command.assumed
        there = set(self.inside(before))
        state, after = NodeState.MERGED, dict(before)
        if thing.collides & there:
            state = NodeState.CONFLICT
            if thing.collides & set(self.inside(heads)):
                assumed, before, after = (), heads, heads
        else:
            content = before[thing.branch].split("/") if before[thing.branch] else []
            after[thing.branch] = self.commit((*content, str(thing.number)))
        thing.node = NodeView(NodeId(self.nodes), state, assumed, before, after, "conflict in a.py")

    def _land(self, thing: Thing, command: Land) -> None:
        node = thing.node
        assert node is not None
        assert node.id == command.node
        assert self.state is QueueState.ACTIVE or thing.landing
        if thing.landing and self.heads() == node.after:
            pass  # The branch was moved before the crash.
        elif self.heads() != node.before:
            thing.landing, thing.node = False, None  # Moved from outside: refused by the branch.
            return
        assert node.after[thing.branch] in self.passed, "landed a tree that was not tested"
        after = node.after[thing.branch]
        self.content[thing.branch] = tuple(after.split("/"))
        assert self.green(self.heads()), "main is not green"
        self.window = self.window.of(command.window)
        self._end(thing.number, "landed", "")

    def _check_ejection(self, thing: Thing) -> None:
        """Whoever is ejected for a failure really fails with what is certain to land."""
        node = thing.node
        if node is None or node.state is not NodeState.FAILED:
            return
        certain = set(self.inside(self.heads())) | {
            t.number for t in self.live() if t.node and t.node.state is NodeState.PASSED
        }
        assert set(self.inside(dict(node.before))) <= certain, "an innocent was ejected"

    def _end(self, number: int, state: str, reason: str) -> None:
        thing = self.things[number]
        assert thing.state == "live", "a second verdict"
        assert reason or state == "landed"
        thing.state, thing.reason, thing.node = state, reason, None
        self.verdicts.append((number, state))
