"""Scripts for the real queue service of lanes in simulated time, and what is seen from outside.

A script is a list of acts: changes arrive, jobs end in any order, runners are lost, the program
dies between any two transactions, people withdraw, hold and promote. `play` lets them happen to a
real service with real git and a real database; only the clock and the machines are simulated. A
job ends as what is really in the tree that it was given says: each revision puts a file with its
token into the areas that it touches, and each area has a job that is shown nothing else.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service_acts import (
    AREAS,
    PROJECT,
    Act,
    Again,
    Die,
    End,
    Hold,
    Lose,
    Outside,
    Promote,
    Proposed,
    Push,
    Restart,
    Revise,
    Script,
    Wait,
    Withdraw,
)
from service_machines import Hands, Killed, Mortal
from service_repository import git, make_project

from headgate.gate import records
from headgate.gate.service import GateService
from headgate.gate.simulate.service.ground import Looker
from headgate.gate.simulate.service.house import House, open_database
from headgate.gate.simulate.service.loop import SimulatedLoop
from headgate.ledger.chain import verify
from headgate.model.change import ChangeState, Dependency, Entry
from headgate.model.config import Policy, QueueMode, QueuePolicy
from headgate.model.errors import Conflict
from headgate.model.event import Event, NewEvent
from headgate.model.ids import ChangeNumber, Commit
from headgate.model.job import RunState
from headgate.model.principal import GATE, PrincipalKind
from headgate.model.queue import BranchKey, Item, ItemState
from headgate.model.trial import TrialState
from headgate.store.database import Transaction
from warm import lay_database

VERDICTS = ("branch.landed", "item.ejected", "item.withdrawn")
ROUNDS = 150
"""Turns after the script in which everybody must get a verdict."""
MAIN = BranchKey(PROJECT, "main")


@dataclass
class Story:
    """One script as it is played, and all that is wrong with what came of it."""

    place: Path
    loop: SimulatedLoop
    script: Script
    events: list[Event] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    passed: set[tuple[int, str]] = field(default_factory=set)
    contents: dict[int, Proposed] = field(default_factory=dict)
    """Token → what it is."""
    token_of: dict[int, int] = field(default_factory=dict)
    """Change → token of its current revision."""
    deaths: int = 0
    again: int = 0
    """See Die."""
    landings: int = 0

    def now(self) -> float:
        return self.house.clock()

    # -- looking -----------------------------------------------------------------------------

    def content(self, commit: str, area: int) -> tuple[str, frozenset[int]]:
        """The tree of an area, and the tokens in it."""
        tree, names = self.looker.names(f"{commit}:areas/{area}")
        return tree, frozenset(int(n) for n in names if n.isdigit())

    def red(self, area: int, tokens: frozenset[int]) -> str:
        """Why an area with these tokens fails; empty: it does not."""
        for token in sorted(tokens):
            what = self.contents[token]
            if not what.sound:
                return f"{token} fails"
            if what.clashes and token - what.clashes in tokens:
                return f"{token} fails with {token - what.clashes}"
        return ""

    def watch(self, events: tuple[Event, ...]) -> None:
        self.events += events
        landed = [e for e in events if e.kind == "branch.landed"]
        if {e.kind for e in events}.isdisjoint({"build.started", *VERDICTS}):
            return
        with self.db.read() as tx:
            live = [t for q in tx.queues.all() for t in tx.trials.live(q.id)]
            running = sum(trial.state is TrialState.BUILDING for trial in live)
            if running > self.script.slots:
                self.wrong.append(f"{running} builds run at once")
            for event in landed:
                self._look_at_landing(tx, event, str(landed[-1].data["commit"]))
            for event in events:
                if event.kind == "item.ejected":
                    self._look_at_ejection(tx, event)

    def _look_at_landing(self, tx: Transaction, event: Event, commit: str) -> None:
        self.landings += 1
        token = self.token_of[int(str(event.data["change"]))]
        for area in range(AREAS):
            tree, tokens = self.content(commit, area)
            own = area in self.contents[token].areas
            if own and token not in tokens:
                self.wrong.append(f"{token} landed without its content in area {area}")
            if own and (area, tree) not in self.passed:
                self.wrong.append(f"{token} landed area {area} untested: {sorted(tokens)}")
            if why := self.red(area, tokens):
                self.wrong.append(f"{token} landed, and area {area} is red: {why}")

    def _look_at_ejection(self, tx: Transaction, event: Event) -> None:
        """Nobody is ejected who does not fail on what is there."""
        number = ChangeNumber(int(str(event.data["change"])))
        token = self.token_of[number]
        what = self.contents[token]
        if not what.sound:
            return
        there = frozenset(
            t for area in range(AREAS) for t in self.content("refs/heads/main", area)[1]
        )
        if what.clashes and token - what.clashes in there:
            return
        for other in there:
            whose = self.contents[other]
            if whose.clashes and other - whose.clashes == token:
                return
            if what.shared and whose.shared and not {*what.areas}.isdisjoint(whose.areas):
                return
        needs = tx.changes.current_revision(number).needs
        if any(tx.changes.get(n).state is not ChangeState.LANDED for n in needs):
            return
        self.wrong.append(f"{token} (#{number}) was ejected for nothing: {event.data['reason']}")

    def waiting(self) -> list[Item]:
        with self.db.read() as tx:
            return [item for queue in tx.queues.all() for item in tx.items.live(queue.id)]

    # -- playing -----------------------------------------------------------------------------

    async def play(self) -> None:
        make_project(self.place / f"{PROJECT}.git", self._proposed())
        self.looker = Looker(self.place / f"{PROJECT}.git")
        lay_database(self.place / "headgate.db")
        self.db = open_database(self.place, self.loop)
        self.db.subscribe(self.watch)
        self.heads = {
            int(ref.rsplit("/", 1)[1]): Commit(commit)
            for commit, ref in (
                line.split()
                for line in self._git("for-each-ref", "--format=%(objectname) %(refname)").split(
                    "\n"
                )
                if "/proposed/" in line
            )
        }
        self.start = Commit(self._git("rev-parse", "main").strip())
        with self.db.write() as tx:
            tx.principals.add(GATE, PrincipalKind.SERVICE, "Headgate", "", None)
            for name in ("ada", "bob"):
                tx.principals.add(name, PrincipalKind.HUMAN, name, f"{name}@example.org", None)
            tx.projects.add(PROJECT, "main", "")
        await self._begin()
        try:
            for at, (act, settles) in enumerate(self.script.acts):
                await self._act(at + 1, act)
                await (self._quiet() if settles else asyncio.sleep(0))
                await self._bury()
            await self._end()
            self._look_at_all()
        finally:
            await self._stop()
            self.looker.close()
            self.db.close()

    def _proposed(self) -> dict[int, Proposed]:
        for at, (act, _) in enumerate(self.script.acts):
            if isinstance(act, Push | Revise):
                self.contents[at + 1] = act.what
        return self.contents

    async def _begin(self) -> None:
        queue = QueuePolicy(
            "main",
            (PROJECT,),
            ("main",),
            mode=QueueMode.LANES,
            slots=self.script.slots,
            fuse=self.script.fuse,
        )
        self.hands = Hands(self)
        self.house = House(self.place, self.loop, Policy("policy", queues=(queue,)), self.hands)
        self.mortal = Mortal(self.db)
        if self.again:
            self.mortal.left, self.again = self.again, 0
        self.service = GateService(self.mortal, self.house)  # type: ignore[arg-type]
        await self.service.start()

    async def _stop(self) -> None:
        await self.service.stop()
        await self.house.close()

    async def _quiet(self) -> None:
        """Until everything that follows has happened, but for what waits for a time."""
        await asyncio.sleep(0.001)

    async def _bury(self) -> None:
        """When the program has died, another one is started on what it left."""
        while self.mortal.dead:
            self.deaths += 1
            others = {t for t in asyncio.all_tasks() if _ours(t)} - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await self.house.close()
            try:
                await self._begin()
            except Killed:
                continue
            await self._quiet()

    async def _act(self, token: int, act: Act) -> None:
        try:
            await self._do(token, act)
        except (Killed, Conflict):
            return

    async def _do(self, token: int, act: Act) -> None:
        live = self.waiting()
        one = live[getattr(act, "which", 0) % len(live)] if live else None
        match act:
            case Push():
                await self._push(token, act, live)
            case End(which):
                self.hands.end(which)
            case Lose(which):
                self.hands.end(which, RunState.INFRASTRUCTURE)
            case Outside(area):
                self._outside(token, area)
            case Die(after, before, again):
                self.mortal.left, self.mortal.before = after, before
                self.again = again
            case Restart():
                await self._stop()
                await self._begin()
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case Again():
                self.service.wake("main")
                with self.db.write() as tx:
                    tx.events.append(NewEvent("policy.loaded", "ada", "policy", {}))
                if one is not None:
                    await self.service.enqueue(one.change, "ada")
            case Withdraw() if one is not None:
                await self.service.withdraw(one.change, "taken back", "ada")
                if act.twice:
                    await self.service.withdraw(one.change, "taken back", "ada")
            case Revise() if one is not None:
                await self._revise(token, one)
            case Hold() if one is not None and one.state is ItemState.WAITING:
                with self.db.write() as tx:
                    if one.held:
                        records.resume(tx, one, "ada")
                    else:
                        records.pause(tx, one, "held by ada", "ada")
                self.service.wake("main")
            case Promote() if one is not None:
                with self.db.write() as tx:
                    records.promote(tx, one, act.priority, "ada")
                self.service.wake("main")
            case _:
                pass

    async def _push(self, token: int, act: Push, live: Sequence[Item]) -> None:
        depends: list[ChangeNumber] = []
        if act.depends and live:
            depends = [live[-act.depends % len(live)].change]
        with self.db.write() as tx:
            owner = tx.principals.by_name(act.owner)
            project = tx.projects.by_name(PROJECT)
            change = tx.changes.add(
                project.id, "main", "", owner.id, f"Change {token}", Entry.AUTOMATIC
            ).number
            self._revision(tx, change, token, depends)
        await self.service.enqueue(change, act.owner)

    async def _revise(self, token: int, one: Item) -> None:
        await self.service.withdraw(one.change, "a new revision was pushed", "ada")
        with self.db.write() as tx:
            if tx.changes.get(one.change).state is not ChangeState.WAITING:
                return
            needs = tx.changes.current_revision(one.change).needs
            self._revision(tx, one.change, token, needs)
        await self.service.enqueue(one.change, "ada")

    def _revision(
        self, tx: Transaction, change: ChangeNumber, token: int, needs: Sequence[ChangeNumber]
    ) -> None:
        self.token_of[change] = token
        depends = [Dependency(f"#{n}", n) for n in needs]
        ada = tx.principals.by_name("ada").id
        head = self.heads[token]
        tx.changes.add_revision(change, head, self.start, f"{token}", ada, (), depends, ())
        tx.changes.set_state(change, ChangeState.READY, "allowed")

    def _outside(self, token: int, area: int) -> None:
        head = self._git("rev-parse", "main").strip()
        script = (
            "commit refs/heads/main\n"
            "committer Eve <eve@example.org> 1700000000 +0000\ndata 7\nOutside\n"
            f"from {head}\nM 100644 inline areas/{area}/outside-{token}\ndata 1\nx\n\n"
        )
        self._git("fast-import", "--quiet", stdin=script)
        self.service.wake("main")

    def _git(self, *arguments: str, stdin: str = "") -> str:
        return git(self.place / f"{PROJECT}.git", *arguments, stdin=stdin)

    async def _end(self) -> None:
        """Everything ends, in some order; everybody gets a verdict."""
        rng = random.Random(self.script.seed)
        self.again = 0
        self.mortal.left = 1 << 60
        for _ in range(ROUNDS):
            await self._quiet()
            await self._bury()
            waits = self.waiting()
            if not waits:
                return
            if self.hands.running:
                self.hands.end(rng.randrange(len(self.hands.running)))
                continue
            with self.db.write() as tx:
                for item in waits:
                    if item.held:
                        records.resume(tx, item, "ada")
            self.service.wake("main")
            await asyncio.sleep(10.0)
        for item in self.waiting():
            self.wrong.append(f"no verdict for {item}: {self.service.standing(item.id)}")

    # -- in the end --------------------------------------------------------------------------

    def _look_at_all(self) -> None:
        told: dict[int, list[str]] = {}
        for event in self.events:
            if event.kind in VERDICTS:
                told.setdefault(int(str(event.data["item"])), []).append(event.kind)
        queued = {int(str(e.data["item"])) for e in self.events if e.kind == "item.queued"}
        for item in sorted(queued | told.keys()):
            if len(told.get(item, [])) != 1 and not self.wrong:
                self.wrong.append(f"item {item} has the verdicts {told.get(item)}")
        with self.db.read() as tx:
            done = verify(tx.events.iterate())
            if not done.ok:
                self.wrong.append(done.problem)
            left = [t for q in tx.queues.all() for t in tx.trials.live(q.id)]
        if left and not self.waiting():
            self.wrong.append(f"trials are left: {left}")
        if refs := self._git("for-each-ref", "refs/headgate/node/"):
            self.wrong.append(f"refs are left: {refs}")
        for line in self._git("log", "--first-parent", "--format=%H", "main").split():
            for area in range(AREAS):
                if why := self.red(area, self.content(line, area)[1]):
                    self.wrong.append(f"{line[:10]} of main is red in area {area}: {why}")

    def told(self) -> str:
        """What happened, for the message of a failure."""
        lines = [f"{e.kind} {e.subject} {dict(e.data)}" for e in self.events]
        return "\n".join([*self.wrong, "", *lines])

    def stream(self) -> list[tuple[str, str, str, dict[str, object]]]:
        """The events without what comes from outside: when, and so the hashes."""
        return [(e.kind, e.actor, e.subject, dict(e.data)) for e in self.events]


def play(script: Script) -> Story:
    """Let a script happen, in simulated time."""
    loop = SimulatedLoop()
    loop.set_exception_handler(_but_for_deaths)
    try:
        with tempfile.TemporaryDirectory(prefix="headgate-story-") as place:
            story = Story(Path(place), loop, script)
            loop.run_until_complete(story.play())
            return story
    finally:
        loop.close()


def _ours(task: asyncio.Task[object]) -> bool:
    """Whether a task is not one by which asyncio itself starts a program: cancelled, that leaves
    whoever waits for the program waiting for ever."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and Path(code.co_filename).parent.name != "asyncio"


def _but_for_deaths(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)
