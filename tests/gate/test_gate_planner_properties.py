"""What always holds of the planner, whatever arrives, fails, crashes or is taken back."""

from __future__ import annotations

from gate_world import ALPHA, BETA, Thing, World
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from headgate.gate.commands import StartBuild
from headgate.gate.planner import plan
from headgate.gate.snapshot import Trouble, Window
from headgate.model.ids import ItemId
from headgate.model.queue import BranchKey, NodeState, QueueState


def _idle(thing: Thing) -> bool:
    return thing.node is None or thing.node.state is NodeState.PASSED


class QueueMachine(RuleBasedStateMachine):
    """A queue under everything that can happen to it; the world itself checks landings
    (tested tree, green main), ejections (no innocent) and single verdicts."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.next = 1
        self.cycles: list[tuple[int, ...]] = []

    @initialize(size=st.integers(1, 5), floor=st.integers(1, 3), ceiling=st.integers(3, 8))
    def begin(self, size: int, floor: int, ceiling: int) -> None:
        self.world.window = Window(size, floor, ceiling)

    def _some(self, data: st.DataObject, numbers: list[int]) -> int:
        return data.draw(st.sampled_from(sorted(numbers)))

    @rule(data=st.data(), beta=st.booleans(), bad=st.sampled_from([False, False, False, True]))
    def arrive(self, data: st.DataObject, beta: bool, bad: bool) -> None:
        others = st.frozensets(st.sampled_from(sorted(self.world.things) or [999]), max_size=2)
        sometimes = st.one_of(st.just(frozenset[int]()), st.just(frozenset[int]()), others)
        thing = Thing(
            self.next,
            BETA if beta else ALPHA,
            bad,
            data.draw(sometimes, label="quarrels"),
            data.draw(sometimes, label="collides"),
            tuple(sorted(data.draw(sometimes, label="depends") - {999})),
        )
        self.next += 1
        self.world.arrive(thing)

    @rule(data=st.data(), size=st.integers(2, 3), bad=st.sampled_from([False, False, True]))
    def arrive_in_a_cycle(self, data: st.DataObject, size: int, bad: bool) -> None:
        """Changes that need each other, over one branch or two, with others behind and ahead."""
        numbers = list(range(self.next, self.next + size))
        self.next += size
        others = st.frozensets(st.sampled_from([*self.world.things, *numbers]), max_size=1)
        for index, number in enumerate(numbers):
            outside = data.draw(others, label="depends") if index == 0 else frozenset[int]()
            branch = data.draw(st.sampled_from([ALPHA, BETA]), label="branch")
            thing = Thing(
                number,
                branch,
                bad and index == 1,
                data.draw(others, label="quarrels") - {number},
                data.draw(others, label="collides") - {number},
                (numbers[(index + 1) % size], *sorted(outside - {*numbers})),
            )
            self.world.arrive(thing)
        self.cycles.append(tuple(numbers))

    @rule()
    def plan_one_pass(self) -> None:
        self.world.step()

    @rule()
    def settle(self) -> None:
        self.world.settle()

    @precondition(lambda self: self.world.building())
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        self.world.finish(self._some(data, [t.number for t in self.world.building()]))

    @precondition(lambda self: self.world.building())
    @rule(data=st.data(), trouble=st.sampled_from(Trouble))
    def lose(self, data: st.DataObject, trouble: Trouble) -> None:
        self.world.lose(self._some(data, [t.number for t in self.world.building()]), trouble)

    @precondition(lambda self: any(_idle(t) for t in self.world.live()))
    @rule(data=st.data(), trouble=st.sampled_from([Trouble.RETRY, Trouble.HELD]))
    def git_fails(self, data: st.DataObject, trouble: Trouble) -> None:
        """Neither merging nor landing can be tried."""
        number = self._some(data, [t.number for t in self.world.live() if _idle(t)])
        self.world.things[number].trouble, self.world.things[number].due = trouble, False

    @rule()
    def trouble_passes(self) -> None:
        for thing in self.world.live():
            thing.due = True

    @rule()
    def crash(self) -> None:
        """Everything that ran is lost; what the store holds stays."""
        for thing in self.world.building():
            self.world.lose(thing.number)
        for thing in self.world.live():
            thing.trouble, thing.due = Trouble.NONE, True

    @rule(moved=st.sampled_from([frozenset(), {ALPHA}, {BETA}, {ALPHA, BETA}]))
    def crash_while_landing(self, moved: frozenset[BranchKey]) -> None:
        """The power fails between the intention and the record of the front's landing.

        Of a unit over two branches, one may have been moved and the other not.
        """
        world = self.world
        if world.state is not QueueState.ACTIVE:
            return
        for thing in world.live():
            node = thing.node
            ready = node is not None and node.state is NodeState.PASSED and world.whole(thing)
            if node and ready and node.before == world.heads():
                for member in world.unit(thing):
                    member.landing = True
                    if member.branch in moved:
                        content = node.after[member.branch]
                        world.content[member.branch] = tuple(content.split("/"))
                break
        self.crash()

    @rule(branch=st.sampled_from([ALPHA, BETA]))
    def move_a_branch_from_outside(self, branch: object) -> None:
        landing = [t for t in self.world.live() if t.landing and t.node]
        # What nobody may build on before it is recorded: that freezes a queue, and is told apart.
        free = all(t.node.before == self.world.heads() for t in landing)
        if free and (not landing or landing[0].node.unit):
            self.world.move(branch)  # type: ignore[arg-type]

    @rule()
    def freeze_or_thaw(self) -> None:
        frozen = self.world.state is QueueState.FROZEN
        self.world.state = QueueState.ACTIVE if frozen else QueueState.FROZEN

    @precondition(lambda self: [t for t in self.world.live() if not t.landing])
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        free = [t.number for t in self.world.live() if not t.landing]
        self.world.leave(self._some(data, free))

    @rule()
    def queue_again(self) -> None:
        """A dependency that was taken back is queued again, behind what depends on it.

        All of a cycle are, once all of them have left.
        """
        for thing in list(self.world.things.values()):
            cycle = next((c for c in self.cycles if thing.number in c), (thing.number,))
            members = [self.world.things[n] for n in cycle]
            if all(m.state == "withdrawn" for m in members):
                self.world.verdicts = [v for v in self.world.verdicts if v[0] not in cycle]
                for member in members:
                    self.world.arrive(member)
                break

    @invariant()
    def planning_changes_nothing_by_itself(self) -> None:
        snapshot = self.world.snapshot()
        assert plan(snapshot) == plan(snapshot)

    @invariant()
    def each_item_gets_at_most_one_command_that_ends_it(self) -> None:
        commands = plan(self.world.snapshot()).commands
        ended = [c.item for c in commands if type(c).__name__ in ("Eject", "Withdraw", "Land")]
        assert len(ended) == len(set(ended))

    @invariant()
    def members_of_a_cycle_share_their_fate(self) -> None:
        """In every single plan, whatever ends one of them ends all of them."""
        for cycle in self.cycles:
            things = [self.world.things[n] for n in cycle]
            landed = {t.state == "landed" for t in things}
            assert len(landed) == 1, "landed in part"
            if landed == {True}:
                assert cycle in self.world.landed_together
        commands = plan(self.world.snapshot()).commands
        for kind in ("Eject", "Withdraw"):
            ended = {int(c.item) for c in commands if type(c).__name__ == kind}
            for cycle in self.cycles:
                if self.world.cycle(cycle[0]) == cycle:
                    assert not ended & set(cycle) or ended >= set(cycle)

    @invariant()
    def nothing_is_begun_beyond_the_window(self) -> None:
        snapshot = self.world.snapshot()
        begun = {c.item for c in plan(snapshot).commands if isinstance(c, StartBuild)}
        held = {i.id for i in snapshot.items if i.trouble is Trouble.HELD}
        assert len(begun - held) <= snapshot.window.current

    def teardown(self) -> None:
        """Left alone, the queue empties: every item ends in exactly one verdict."""
        world = self.world
        world.state = QueueState.ACTIVE
        for _ in range(3):
            for thing in world.live():
                thing.due = True
            world.run()
        left = [t.number for t in world.live()]
        assert not left, f"never decided: {left}"
        ended = [number for number, _ in world.verdicts]
        assert sorted(ended) == sorted(world.things)
        assert all(t.state != "live" for t in world.things.values())


QueueMachine.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestQueueMachine = QueueMachine.TestCase


def test_a_thousand_items_are_planned_in_a_moment():
    import time

    world = World(window=Window(20, 2, 20))
    for number in range(1, 1001):
        world.arrive(Thing(number, depends=(number - 1,) if number % 7 == 0 else ()))
    world.settle()
    snapshot = world.snapshot()
    begun = time.perf_counter()
    plan(snapshot)
    assert time.perf_counter() - begun < 0.25
    assert ItemId(1) in {i.id for i in snapshot.items}
