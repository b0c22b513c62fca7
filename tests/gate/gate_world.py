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
from headgate.model.cycles import strongly_connected
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
    landed_together: list[tuple[int, ...]] = field(default_factory=list)
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
        state = NodeState.PASSED if good else NodeState.FAILED
        for member in self.unit(thing):
            assert member.node is not None
            if good:
                self.passed.add(node.after[member.branch])
            member.node = replace(
                member.node, state=state, reason="" if good else "job tests failed"
            )
            member.trouble = Trouble.NONE

    def lose(self, number: int, trouble: Trouble = Trouble.NONE) -> None:
        """The build ended without an outcome."""
        thing = self.things[number]
        for member in self.unit(thing):
            assert member.node is not None
            member.node = replace(member.node, state=NodeState.MERGED)
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
        """What is under test, of a unit its first."""
        found = [t for t in self.live() if t.node and t.node.state is NodeState.BUILDING]
        first = [t for t in found if t.node and t.node.unit[:1] in ((), (ItemId(t.number),))]
        return [t for t in first if self.whole(t)]

    def heads(self) -> dict[BranchKey, Commit]:
        return {branch: self.commit(content) for branch, content in self.content.items()}

    @staticmethod
    def commit(content: Iterable[str]) -> Commit:
        return Commit("/".join(content))

    @staticmethod
    def inside(heads: dict[BranchKey, Commit]) -> list[int]:
        return [int(c) for head in heads.values() for c in head.split("/") if c.isdigit()]

    def cycle(self, number: int) -> tuple[int, ...]:
        """Live things that need each other, this one among them, by position."""
        return self.all_cycles().get(number, ())

    def all_cycles(self) -> dict[int, tuple[int, ...]]:
        things = sorted(self.live(), key=lambda t: t.position)
        found = strongly_connected({t.number: t.depends for t in things})
        return {number: cycle for cycle in found for number in cycle}

    def whole(self, thing: Thing) -> bool:
        """Whether nobody has left of those who share its future."""
        assert thing.node is not None
        unit = thing.node.unit
        nodes = [self.things[int(id)].node for id in unit]
        return all(node is not None and node.unit == unit for node in nodes)

    def unit(self, thing: Thing) -> list[Thing]:
        """All that share the future of a thing."""
        assert thing.node is not None
        unit = [self.things[int(id)] for id in thing.node.unit] or [thing]
        for other in unit:
            assert other.node is not None, "half of a unit"
            assert other.node.after == thing.node.after
        return unit

    def green(self, heads: object) -> bool:
        numbers = self.inside(heads)  # type: ignore[arg-type]
        return not any(
            self.things[n].bad or self.things[n].quarrels & set(numbers) for n in numbers
        )

    def snapshot(self) -> Snapshot:
        cycles = self.all_cycles()
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
                    tuple(ItemId(n) for n in cycles.get(t.number, ())),
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
                for member in self.unit(thing):
                    assert member.node is not None
                    member.node = replace(member.node, state=NodeState.BUILDING)
            case Land():
                self._land(thing, command)

    def _merge(self, thing: Thing, command: Speculate) -> None:
        things = [self.things[int(id)] for id in command.unit] or [thing]
        assert {t.number for t in things} == {*self.cycle(thing.number), thing.number}
        before, heads = dict(command.before), self.heads()
        assumed = command.assumed
        after = self._on_top(things, before)
        if after is None:
            if self._on_top(things, heads) is None:
                assumed, before = (), heads
            state, after = NodeState.CONFLICT, before
        else:
            state = NodeState.MERGED
        for each in things:
            assert each.node is None
            self.nodes += 1
            reason = "conflict in a.py"
            each.node = NodeView(
                NodeId(self.nodes), state, assumed, before, after, reason, command.unit
            )

    def _on_top(
        self, things: Iterable[Thing], before: dict[BranchKey, Commit]
    ) -> dict[BranchKey, Commit] | None:
        """The heads with these merged in order; None for a conflict."""
        heads = dict(before)
        for thing in things:
            if thing.collides & set(self.inside(heads)):
                return None
            content = heads[thing.branch].split("/") if heads[thing.branch] else []
            heads[thing.branch] = self.commit((*content, str(thing.number)))
        return heads

    def _land(self, thing: Thing, command: Land) -> None:
        node = thing.node
        assert node is not None
        assert node.id == command.node
        assert self.state is QueueState.ACTIVE or thing.landing
        things = self.unit(thing)
        assert {t.number for t in things} == {*self.cycle(thing.number), thing.number}
        branches = {t.branch for t in things}
        now = self.heads()
        if any(now[b] not in (node.before[b], node.after[b]) for b in branches) or not (
            thing.landing or now == node.before
        ):
            # Moved from outside: refused, and what had been moved is moved back.
            for branch in branches:
                if now[branch] == node.after[branch]:
                    self.content[branch] = tuple(filter(None, node.before[branch].split("/")))
            for member in things:
                member.landing, member.node = False, None
            return
        for branch in branches:
            assert node.after[branch] in self.passed, "landed a tree that was not tested"
            self.content[branch] = tuple(node.after[branch].split("/"))
        assert self.green(self.heads()), "main is not green"
        self.window = self.window.of(command.window)
        for member in things:
            member.landing = False
            self._end(member.number, "landed", "")
        self.landed_together.append(tuple(t.number for t in things))

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
