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
from headgate.model.queue import NodeState, QueueState


def _idle(thing: Thing) -> bool:
    return thing.node is None or thing.node.state is NodeState.PASSED


class QueueMachine(RuleBasedStateMachine):
    """A queue under everything that can happen to it; the world itself checks landings
    (tested tree, green main), ejections (no innocent) and single verdicts."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.next = 1

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

    @rule(moved=st.booleans())
    def crash_while_landing(self, moved: bool) -> None:
        """The power fails between the intention and the record of the front's landing."""
        world = self.world
        if world.state is not QueueState.ACTIVE:
            return
        for thing in world.live():
            node = thing.node
            if node and node.state is NodeState.PASSED and node.before == world.heads():
                thing.landing = True
                if moved:
                    content = node.after[thing.branch]
                    world.content[thing.branch] = tuple(content.split("/"))
                break
        self.crash()

    @rule(branch=st.sampled_from([ALPHA, BETA]))
    def move_a_branch_from_outside(self, branch: object) -> None:
        if not any(t.landing for t in self.world.live()):
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
        """A dependency that was taken back is queued again, behind what depends on it."""
        for thing in list(self.world.things.values()):
            if thing.state == "withdrawn":
                self.world.verdicts = [v for v in self.world.verdicts if v[0] != thing.number]
                self.world.arrive(thing)
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
