"""Scripts for the real queue service of lanes in simulated time, and what is seen from outside.

A script is a list of acts: changes arrive, jobs end in any order, runners are lost, the program
dies between any two transactions, people withdraw, hold and promote. `play` lets them happen to a
real service with real git and a real database; only the clock and the machines are simulated. A
job ends as what is really in the tree that it was given says: each revision puts a file with its
token into the areas that it touches, and each area has a job that is shown nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import tempfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headgate.gate import records
from headgate.gate.service import GateService
from headgate.gate.simulate.service.ground import Looker
from headgate.gate.simulate.service.house import House, open_database
from headgate.gate.simulate.service.loop import SimulatedLoop
from headgate.jobs.dispatch.interface import Fate, RunRequest, RunResult
from headgate.ledger.chain import verify
from headgate.model.change import ChangeState, Dependency, Entry
from headgate.model.config import PROJECT_FILE, Policy, QueueMode, QueuePolicy
from headgate.model.errors import Conflict
from headgate.model.event import Event, NewEvent
from headgate.model.ids import ChangeNumber, Commit, JobRunId
from headgate.model.job import RunState
from headgate.model.principal import GATE, PrincipalKind
from headgate.model.queue import BranchKey, Item, ItemState
from headgate.model.trial import TrialState
from headgate.store.database import Database, Transaction
from headgate.vcs.git import environment
from warm import lay_database

AREAS = 4
PROJECT = "jinja"
VERDICTS = ("branch.landed", "item.ejected", "item.withdrawn")
ROUNDS = 150
"""Turns after the script in which everybody must get a verdict."""


# -- what can happen ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Proposed:
    """The content of a revision."""

    areas: tuple[int, ...]
    sound: bool = True
    clashes: int = 0
    """Of those pushed before: how far back the one is with which it fails; 0: with none."""
    shared: bool = False
    """Writes a file that others write otherwise, so that git cannot merge both."""


@dataclass(frozen=True)
class Push:
    what: Proposed
    owner: str = "ada"
    depends: int = 0
    """How far back in the queue the one is that it depends on; 0: on none."""


@dataclass(frozen=True)
class Revise:
    which: int
    what: Proposed


@dataclass(frozen=True)
class End:
    """A job ends as its tree says."""

    which: int


@dataclass(frozen=True)
class Lose:
    """The machine of a job is gone."""

    which: int


@dataclass(frozen=True)
class Withdraw:
    which: int
    twice: bool = False


@dataclass(frozen=True)
class Again:
    """What has been said is said once more: enqueue, wake, a policy that is loaded again."""

    which: int


@dataclass(frozen=True)
class Hold:
    which: int


@dataclass(frozen=True)
class Promote:
    which: int
    priority: int


@dataclass(frozen=True)
class Outside:
    """Somebody moves the branch behind the gate's back: harmless, but not tested."""

    area: int


@dataclass(frozen=True)
class Die:
    """The program is killed after so many transactions more, or right before the last commits."""

    after: int
    before: bool = False
    again: int = 0
    """Transactions after which the next one dies, too, as it takes up what was left; 0: never."""


@dataclass(frozen=True)
class Restart:
    """Stopped in an orderly way, and begun again."""


@dataclass(frozen=True)
class Wait:
    seconds: float


Act = (
    Push | Revise | End | Lose | Withdraw | Again | Hold | Promote | Outside | Die | Restart | Wait
)


@dataclass(frozen=True)
class Script:
    acts: tuple[tuple[Act, bool], ...]
    """Each with whether all that follows from it happens before the next."""
    slots: int = 3
    fuse: int = 1
    seed: int = 0
    """Decides the order in which jobs end after the script."""


# -- machines, and a program that can die --------------------------------------------------------


@dataclass(eq=False)
class Running:
    request: RunRequest
    outcome: asyncio.Future[RunState]
    area: int
    tree: str
    tokens: frozenset[int]


class Hands:
    """Machines whose jobs end when they are told to."""

    slots = 100

    def __init__(self, story: Story) -> None:
        self._story = story
        self.running: list[Running] = []

    async def run(self, request: RunRequest, on_start: Callable[[float], None]) -> RunResult:
        story = self._story
        area = int(request.job.name.removeprefix("area"))
        tree, tokens = story.content(request.checkouts[0].commit, area)
        outcome = asyncio.get_running_loop().create_future()
        started = story.now()
        on_start(started)
        one = Running(request, outcome, area, tree, tokens)
        self.running.append(one)
        try:
            state = await outcome
        finally:
            self.running.remove(one)
        if state is RunState.INFRASTRUCTURE:
            return RunResult(state, None, "The machine is gone.", started, story.now())
        if story.red(area, tokens):
            return RunResult(RunState.FAILED, 1, "run ended with exit code 1", started, story.now())
        story.passed.add((area, tree))
        return RunResult(RunState.PASSED, 0, "", started, story.now())

    def end(self, which: int, state: RunState = RunState.PASSED) -> None:
        ready = [one for one in self.running if not one.outcome.done()]
        if ready:
            ready[which % len(ready)].outcome.set_result(state)

    async def settle(self, runs: Sequence[JobRunId], fate: Fate) -> None:
        pass

    async def close(self) -> None:
        pass


class Killed(BaseException):
    """Nothing is done any more: no handler of errors may go on after it."""


class Mortal:
    """The database, for as long as the program lives."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.left = 1 << 60
        """Transactions until it dies."""
        self.before = False
        self.dead = False
        self._ends: list[Callable[[], None]] = []

    def _live(self) -> None:
        if self.dead:
            raise Killed

    @contextlib.contextmanager
    def read(self) -> Generator[Transaction]:
        self._live()
        with self._db.read() as tx:
            yield tx

    @contextlib.contextmanager
    def write(self) -> Generator[Transaction]:
        self._live()
        self.left -= 1
        with self._db.write() as tx:
            yield tx
            if self.left <= 0 and self.before:
                self.die()
                raise Killed
        if self.left <= 0:
            self.die()
            raise Killed

    def subscribe(self, callback: Callable[[tuple[Event, ...]], None]) -> Callable[[], None]:
        end = self._db.subscribe(callback)
        self._ends.append(end)
        return end

    def die(self) -> None:
        self.dead = True
        for end in self._ends:
            end()


# -- the story -----------------------------------------------------------------------------------


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


# -- repositories --------------------------------------------------------------------------------


def git(repository: Path, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["git", "--git-dir", str(repository), *arguments],
        env=environment(),
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def make_project(path: Path, proposed: dict[int, Proposed]) -> None:
    """A repository with a job for each area, and a commit for each token."""
    jobs = "".join(
        f'[jobs.area{n}]\nrun = ["simulated"]\nfiles = ["areas/{n}/**"]\nreads = ["areas/{n}/**"]\n'
        for n in range(AREAS)
    )
    first = {PROJECT_FILE: jobs} | {f"areas/{n}/first": "first\n" for n in range(AREAS)}
    script = _commit("refs/heads/main", 1, first, None)
    for token, what in proposed.items():
        files = {f"areas/{n}/{token}": f"{token}\n" for n in what.areas}
        if what.shared:
            files |= {f"areas/{n}/shared": f"{token}\n" for n in what.areas}
        script += _commit(f"refs/headgate/proposed/{token}", token + 1, files, 1)
    subprocess.run(
        ["git", "init", "-q", "--bare", "-b", "main", str(path)], env=environment(), check=True
    )
    git(path, "fast-import", "--quiet", stdin=script)


def _commit(ref: str, mark: int, files: dict[str, str], base: int | None) -> str:
    parts = [f"commit {ref}\nmark :{mark}\ncommitter Ada <a@b> 1700000000 +0000\ndata 2\nx\n\n"]
    if base is not None:
        parts.append(f"from :{base}\n")
    parts += [f"M 100644 inline {p}\ndata {len(t)}\n{t}\n" for p, t in files.items()]
    return "".join(parts) + "\n"


MAIN = BranchKey(PROJECT, "main")
