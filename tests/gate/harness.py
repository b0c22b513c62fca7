"""Makes a story about the gate a few lines long: push, run the queue, say what became of it.

    gate = await begin(place, {"jinja": CHECKED})
    good = await gate.push("jinja", {"values/a": "fine"})
    bad = await gate.push("jinja", {"values/b": "bad"})
    await gate.run()
    gate.expect(landed=[good], ejected={bad: "job jinja/check failed (exit 1)"})

Everything is real: git repositories, the database, the sandbox and what runs in it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from headgate.gate.ports import Secret
from headgate.gate.provisions import provided
from headgate.gate.service import GateService
from headgate.jobs.dispatch.interface import Dispatcher
from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.jobs.sandbox.interface import Sandbox
from headgate.jobs.semaphores import Semaphores
from headgate.ledger.chain import seal, verify
from headgate.model.change import ChangeState, Dependency, Entry
from headgate.model.config import PROJECT_FILE, Policy, ProjectConfig, QueuePolicy
from headgate.model.event import Event, NewEvent
from headgate.model.ids import ChangeNumber, Commit, ItemId, JobRunId
from headgate.model.job import JobRun
from headgate.model.principal import GATE, PrincipalKind
from headgate.model.queue import BranchKey, Item, Node, NodeState, QueueState
from headgate.model.toml.project_file import parse_project
from headgate.store.database import Database
from headgate.vcs.merge import Merger
from headgate.vcs.reading import ReadDigests
from headgate.vcs.repository import Repository
from warm import lay_database, tried_sandbox

GIT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}

CHECK = """\
set -eu
for file in values/*; do
  if grep -q bad "$file"; then echo "$file is bad"; exit 1; fi
done
if [ -e values/left ] && [ -e values/right ]; then echo "left and right"; exit 3; fi
if [ -e wait ]; then sleep "$(cat wait)"; fi
"""
"""Green unless a value says `bad`, or `left` and `right` are there together."""

TOML = """\
[jobs.check]
run = ["sh", "check.sh"]
timeout = 60
"""

CHECKED: Mapping[str, str] = {PROJECT_FILE: TOML, "check.sh": CHECK, "values/first": "fine\n"}
"""Files of a project with one job."""


def git(place: Path, *arguments: str, stdin: str = "", **variables: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=place,
        env={**GIT, **variables},
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


class House:
    """As much of a server as the gate needs."""

    def __init__(self, place: Path, policy: Policy, dispatcher: Dispatcher) -> None:
        self.place = place
        self.db = Database.open(place / "headgate.db", seal=seal)
        self.in_force = policy
        self.dispatcher = dispatcher
        self.clock: Callable[[], float] = time.time
        self.denied: dict[int, str] = {}
        """Changes that may not land after all, and why."""
        self.labels: frozenset[str] = frozenset()
        self.semaphores = Semaphores(lambda name: self.in_force.semaphores.get(name, 1))
        self.secrets: dict[tuple[str, str], str] = {}
        self.approved: set[ItemId] = set()
        self._repositories: dict[str, Repository] = {}
        self._mergers: dict[str, Merger] = {}

    def repository(self, name: str) -> Repository:
        path = self.place / "repositories" / f"{name}.git"
        return self._repositories.setdefault(name, Repository(path))

    def merger(self, name: str) -> Merger:
        if name not in self._mergers:
            self._mergers[name] = Merger(self.repository(name))
        return self._mergers[name]

    def digests(self, project: str) -> ReadDigests:
        return ReadDigests(self.repository(project))

    async def project_config(self, project: str, commit: Commit) -> ProjectConfig:
        data = await self.repository(project).file(commit, PROJECT_FILE)
        return ProjectConfig() if data is None else parse_project(data.decode())

    def policy(self) -> Policy:
        return self.in_force

    async def permits(self, number: ChangeNumber) -> str:
        return self.denied.get(number, "")

    def secret(self, project: str, name: str) -> Secret | None:
        value = self.secrets.get((project, name))
        return None if value is None else Secret(value, value)

    def vouched(self, items: Sequence[ItemId]) -> bool:
        return self.approved.issuperset(items)

    async def provided(
        self, names: Sequence[str], projects: Collection[str], ahead: Sequence[ItemId]
    ) -> Mapping[str, tuple[Path, ...]]:
        return await provided(self.db, self.artifacts_path, names, projects, ahead)

    def log_path(self, run: JobRunId) -> Path:
        return self.place / "logs" / f"{run}.log"

    def artifacts_path(self, run: JobRunId) -> Path:
        return self.place / "artifacts" / str(run)

    async def forget_mergers(self) -> None:
        """As a new process has it: nothing that was merged is remembered."""
        for merger in self._mergers.values():
            await merger.close()
        self._mergers.clear()
        self._repositories.clear()

    async def close(self) -> None:
        await self.dispatcher.close()
        for merger in self._mergers.values():
            await merger.close()
        self.db.close()


D = TypeVar("D", bound=LocalDispatcher)


def sandboxed(place: Path, kind: type[D], slots: int = 4, sandbox: Sandbox | None = None) -> D:
    """The dispatcher that a server has, or one that is derived from it."""
    return kind(place, slots, sandbox or tried_sandbox(), lambda digest: False)


def one_queue(*projects: str, window: int = 4) -> Policy:
    """A policy in which these projects share the queue `main`."""
    return Policy("policy", queues=(QueuePolicy("main", projects, ("main",), window),))


class Gate:
    """A running gate, and the words to tell what happens to it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.db = house.db
        self.service = GateService(house.db, house)
        self.events: list[Event] = []
        self._news = asyncio.Event()
        self._unsubscribe = self.db.subscribe(self._tell)

    def _tell(self, events: tuple[Event, ...]) -> None:
        self.events.extend(events)
        self._news.set()

    # -- what happens --------------------------------------------------------------------------

    async def push(
        self,
        project: str,
        files: Mapping[str, str | None] | None = None,
        *,
        title: str = "",
        depends: Sequence[int] = (),
        branch: str = "main",
        base: str = "",
        queue: bool = True,
    ) -> int:
        """Propose a change made on `base` (the branch as it is), and let it enter its queue."""
        number = propose(
            self.house, project, files or {}, title, depends=depends, branch=branch, base=base
        )
        if queue:
            await self.enqueue(number)
        return number

    async def enqueue(self, number: int) -> Item:
        return await self.service.enqueue(ChangeNumber(number), "ada")

    async def run(self, seconds: float = 60.0) -> None:
        """Until nobody waits any more."""
        await self.until(lambda: not self.waiting(), seconds)

    async def until(self, holds: Callable[[], bool], seconds: float = 60.0) -> None:
        """Until something holds; looks again after every event."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._news.clear()
                    if not holds():
                        await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"never came: {self.story()}") from None

    async def restart(self) -> None:
        """Stop in an orderly way and begin again on the same data."""
        await self.service.stop()
        self.service = GateService(self.db, self.house)
        await self.service.start()

    async def end(self) -> None:
        await self.service.stop()
        self._unsubscribe()
        await self.house.close()

    # -- what became of it ---------------------------------------------------------------------

    def waiting(self) -> list[Item]:
        with self.db.read() as tx:
            return [item for queue in tx.queues.all() for item in tx.items.live(queue.id)]

    def state(self, number: int) -> str:
        with self.db.read() as tx:
            return tx.changes.get(ChangeNumber(number)).state.value

    def reason(self, number: int) -> str:
        with self.db.read() as tx:
            return tx.changes.get(ChangeNumber(number)).reason

    def item(self, number: int) -> Item:
        with self.db.read() as tx:
            item = tx.items.latest_of(ChangeNumber(number))
            assert item is not None
            return item

    def node(self, number: int) -> Node | None:
        with self.db.read() as tx:
            return tx.nodes.current(self.item(number).id)

    def runs(self, number: int) -> list[JobRun]:
        """Every run for a change, oldest first."""
        with self.db.read() as tx:
            nodes = tx.nodes.of_item(self.item(number).id)
            return [r for n in nodes if n.build is not None for r in tx.builds.runs(n.build)]

    def kinds(self, prefix: str = "") -> list[str]:
        return [e.kind for e in self.events if e.kind.startswith(prefix)]

    def head(self, project: str, branch: str = "main") -> Commit:
        repository = self.house.repository(project).path
        return Commit(git(repository, "rev-parse", f"refs/heads/{branch}"))

    def show(self, project: str, path: str) -> str:
        return git(self.house.repository(project).path, "show", f"main:{path}")

    def tell(self, kind: str) -> None:
        """Something happened elsewhere on the server."""
        with self.db.write() as tx:
            tx.events.append(NewEvent(kind, "ada", "server", {}))

    def freeze(self, name: str = "main", reason: str = "frozen by ada") -> None:
        self._set_queue(name, QueueState.FROZEN, reason)

    def thaw(self, name: str = "main") -> None:
        self._set_queue(name, QueueState.ACTIVE, "")
        self.service.wake(name)

    def _set_queue(self, name: str, state: QueueState, reason: str) -> None:
        with self.db.write() as tx:
            tx.queues.set_state(tx.queues.ensure(name, 4).id, state, reason)

    def expect(
        self,
        landed: Sequence[int] = (),
        ejected: Mapping[int, str] | None = None,
        waiting: Mapping[int, str] | None = None,
    ) -> None:
        """Every change named ended so, with these words in its reason, and with its proofs."""
        want = dict.fromkeys(landed, "landed") | dict.fromkeys(ejected or {}, "ejected")
        want |= dict.fromkeys(waiting or {}, "waiting")
        assert {n: self.state(n) for n in want} == want, self.story()
        for number, words in {**(ejected or {}), **(waiting or {})}.items():
            assert words in self.reason(number), self.reason(number)
        self.check_proofs()

    def check_proofs(self) -> None:
        """What landed is what was tested, once each, and the log is whole."""
        with self.db.read() as tx:
            landings = tx.landings.all()
            for landing in landings:
                assert landing.landed_tree == landing.tested_tree
                nodes = tx.nodes.of_item(landing.item)
                (node,) = [n for n in nodes if n.state is NodeState.PASSED]
                assert (node.commit, node.tree) == (landing.commit, landing.landed_tree)
                repository = self.house.repository(landing.project).path
                assert git(repository, "rev-parse", f"{landing.commit}^{{tree}}") == node.tree
                git(repository, "merge-base", "--is-ancestor", landing.commit, landing.branch)
            assert len({landing.change for landing in landings}) == len(landings)
            done = verify(tx.events.iterate())
        assert not done.problem, done.problem

    def story(self) -> str:
        """What happened, for the message of a failure."""
        lines = [f"{e.kind} {e.subject} {dict(e.data)}" for e in self.events]
        lines += [f"waiting: {item}" for item in self.waiting()]
        return "\n" + "\n".join(lines)


def make_house(
    place: Path,
    projects: Mapping[str, Mapping[str, str]],
    policy: Policy | None,
    dispatcher: Dispatcher | None,
) -> House:
    """The data of a server with these projects, each with the given files on main."""
    (place / "repositories").mkdir(parents=True)
    lay_database(place / "headgate.db")
    for name, files in projects.items():
        make_project(place, name, files)
    house = House(
        place, policy or one_queue(*projects), dispatcher or sandboxed(place, LocalDispatcher)
    )
    with house.db.write() as tx:
        tx.principals.add("ada", PrincipalKind.HUMAN, "Ada", "ada@example.org", None)
        tx.principals.add(GATE, PrincipalKind.SERVICE, "Headgate", "", None)
        for name in projects:
            tx.projects.add(name, "main", "")
    return house


Begin = Callable[..., Awaitable[Gate]]
"""Begins a gate, which ends with the test."""


async def begin(
    place: Path,
    projects: Mapping[str, Mapping[str, str]],
    policy: Policy | None = None,
    dispatcher: Dispatcher | None = None,
) -> Gate:
    """A gate over new projects, at work."""
    gate = Gate(make_house(place, projects, policy, dispatcher))
    await gate.service.start()
    return gate


def make_project(place: Path, name: str, files: Mapping[str, str]) -> None:
    path = place / "repositories" / f"{name}.git"
    git(place, "init", "-q", "--bare", "-b", "main", str(path))
    commit = make_commit(path, None, files, "Begin")
    git(path, "update-ref", "refs/heads/main", commit)


def make_commit(
    repository: Path, parent: str | None, files: Mapping[str, str | None], message: str
) -> str:
    """A commit with these files changed, or taken out where None; no ref is moved."""
    index = {"GIT_INDEX_FILE": str(repository / f"index-{os.getpid()}")}
    git(repository, "read-tree", *([parent] if parent else ["--empty"]), **index)
    for path, text in files.items():
        if text is None:
            git(repository, "update-index", "--force-remove", path, **index)
            continue
        blob = git(repository, "hash-object", "-w", "--stdin", stdin=text)
        git(repository, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", **index)
    tree = git(repository, "write-tree", **index)
    parents = ["-p", parent] if parent else []
    return git(repository, "commit-tree", tree, *parents, "-m", message)


def propose(
    house: House,
    project: str,
    files: Mapping[str, str | None],
    title: str = "",
    *,
    depends: Sequence[int] = (),
    branch: str = "main",
    base: str = "",
) -> int:
    """Record a change that the verdict allows; it is in no queue yet."""
    repository = house.repository(project).path
    start = base or git(repository, "rev-parse", f"refs/heads/{branch}")
    message = title or f"Change {', '.join(files) or 'nothing'}"
    head = make_commit(repository, start, files, message)
    merge_base = git(repository, "merge-base", start, f"refs/heads/{branch}")
    with house.db.write() as tx:
        owner = tx.principals.by_name("ada")
        where = tx.projects.by_name(project)
        change = tx.changes.add(where.id, branch, "", owner.id, message, Entry.AUTOMATIC)
        tx.changes.add_revision(
            change.number,
            Commit(head),
            Commit(merge_base),
            message,
            owner.id,
            (),
            tuple(Dependency(f"#{n}", ChangeNumber(n)) for n in depends),
            (),
        )
        tx.changes.set_state(change.number, ChangeState.READY, "allowed")
    git(repository, "update-ref", f"refs/headgate/changes/{change.number}/1", head)
    return change.number


MAIN = {name: BranchKey(name, "main") for name in ("jinja", "markupsafe")}


def child(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A program of these tests in a process of its own, to be killed."""
    here = Path(__file__).parent
    return subprocess.Popen(
        [sys.executable, str(here / script), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(here.parent)},
    )
