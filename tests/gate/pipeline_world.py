"""A house with pipelines over real repositories, and the words to tell what happens in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from harness import Gate, House, git, make_commit, make_house, sandboxed

from headgate.gate.pipelines.service import PipelineService
from headgate.jobs.dispatch.interface import Dispatcher
from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.jobs.sandbox.interface import Sandbox
from headgate.model.change import ChangeState
from headgate.model.config import Policy
from headgate.model.errors import CouldNotRun
from headgate.model.event import Event, NewEvent
from headgate.model.ids import ChangeNumber, Commit, RevisionId
from headgate.model.pipeline import PipelineRun
from headgate.model.report import Status
from headgate.model.toml.policy_file import parse_policy


class PipelineHouse(House):
    """As much of a server as pipelines need."""

    statuses: list[tuple[str, Status]]
    untrusted: set[int]
    asked_for: list[tuple[int, str]]
    deaf: bool
    """Whether the forge does not answer."""
    ahead: float

    async def report(self, project: str, status: Status) -> None:
        if self.deaf:
            raise CouldNotRun("The forge does not answer.", "Wait.")
        self.statuses.append((project, status))

    def page(self, path: str) -> str:
        return f"http://headgate{path}"

    def trusted(self, revision: RevisionId) -> bool:
        with self.db.read() as tx:
            return tx.changes.revision(revision).change not in self.untrusted

    async def asked(self, number: ChangeNumber, actor: str) -> None:
        self.asked_for.append((number, actor))

    async def decided(self, outcome: Event) -> None:
        self.outcomes.append(outcome)

    outcomes: list[Event]

    async def landed_elsewhere(self, landing: Event) -> None:
        self.landings.append(landing)

    landings: list[Event]


class Yard(Gate):
    """A gate with pipelines beside it."""

    house: PipelineHouse

    def __init__(self, house: PipelineHouse) -> None:
        super().__init__(house)
        self.pipelines = PipelineService(house.db, house)

    # -- what happens ----------------------------------------------------------------------------

    async def begin(self) -> None:
        await self.service.start()
        await self.pipelines.start()

    async def end(self) -> None:
        await self.pipelines.stop()
        await super().end()

    async def again(self) -> None:
        """Stop in an orderly way and begin again on the same data."""
        await self.pipelines.stop()
        await self.service.stop()
        self.service = type(self.service)(self.db, self.house)
        self.pipelines = PipelineService(self.db, self.house)
        await self.begin()

    async def proposed(
        self, files: Mapping[str, str | None], project: str = "jinja", depends: tuple[int, ...] = ()
    ) -> int:
        """A change that is pushed, inspected and allowed; it enters no queue by itself."""
        number = await self.push(project, files, depends=depends, queue=False)
        self.announce(number, "revision.pushed", revision=1)
        return number

    def announce(self, number: int, kind: str, **data: object) -> None:
        with self.db.write() as tx:
            given = {"change": number, **data}
            tx.events.append(NewEvent(kind, "ada", f"change/{number}", given))  # type: ignore[arg-type]

    def say(self, number: int, text: str, *, permitted: bool = True) -> None:
        self.announce(number, "change.commented", revision=1, text=text, permitted=permitted)

    def revise(self, number: int, files: Mapping[str, str | None], project: str = "jinja") -> None:
        """Another revision of a change."""
        repository = self.house.repository(project).path
        head = make_commit(repository, self.head(project), files, "Again")
        with self.db.write() as tx:
            change = tx.changes.get(ChangeNumber(number))
            base = self.head(project)
            made = tx.changes.add_revision(
                change.number, Commit(head), base, "Again", change.owner, (), (), ()
            )
            tx.changes.set_state(change.number, ChangeState.CHECKING, "being inspected")
            tx.changes.set_state(change.number, ChangeState.READY, "allowed")
            data = {"change": number, "revision": made.number}
            tx.events.append(NewEvent("revision.pushed", "ada", f"change/{number}", data))
        git(repository, "update-ref", f"refs/headgate/changes/{number}/{made.number}", head)

    def set_state(self, number: int, state: ChangeState, reason: str = "") -> None:
        with self.db.write() as tx:
            tx.changes.set_state(ChangeNumber(number), state, reason)
            given = {"change": number, "to": state.value}
            tx.events.append(NewEvent("change.state", "ada", f"change/{number}", given))

    def tag(self, name: str, project: str = "jinja") -> None:
        given = {"project": project, "tag": name, "commit": self.head(project)}
        with self.db.write() as tx:
            tx.events.append(NewEvent("tag.pushed", "ada", f"project/{project}", given))

    def put_ahead(self, seconds: float) -> None:
        self.house.ahead += seconds
        self.pipelines.poke()

    def govern(self, text: str) -> None:
        """Another policy takes force."""
        self.house.in_force = policy_of(text, *self._projects())
        with self.db.write() as tx:
            tx.events.append(NewEvent("policy.loaded", "headgate", "project/policy", {}))

    def _projects(self) -> list[str]:
        with self.db.read() as tx:
            return [p.name for p in tx.projects.all()]

    # -- what became of it -----------------------------------------------------------------------

    def all_runs(self, pipeline: str = "") -> list[PipelineRun]:
        """Oldest first."""
        with self.db.read() as tx:
            ids = {p.id for p in tx.projects.all()}
            names = [pipeline] if pipeline else tx.pipelines.names()
            found = [run for name in names for run in tx.pipelines.recent(name, ids, 1000)]
        return sorted(found, key=lambda run: run.id)

    def phases(self, pipeline: str = "") -> list[str]:
        return [run.phase.value for run in self.all_runs(pipeline)]

    async def settled(self, count: int, pipeline: str = "", seconds: float = 60.0) -> None:
        """Until so many runs have ended, and were told of."""

        def done() -> bool:
            runs = self.all_runs(pipeline)
            return sum(not r.phase.live and r.reported for r in runs) >= count

        await self.becomes(done, seconds)

    async def becomes(self, holds: Callable[[], bool], seconds: float = 60.0) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not holds():  # noqa: ASYNC110 - what is waited for is no event, at times
                    await asyncio.sleep(0.02)
        except TimeoutError:
            told = "\n".join(str(run) for run in self.all_runs())
            raise AssertionError(f"never came: {told}{self.story()}") from None

    def log(self, run: PipelineRun, job: str = "check") -> str:
        """What the job of a run wrote."""
        assert run.build is not None
        with self.db.read() as tx:
            found = [r for r in tx.builds.runs(run.build) if r.job == job]
        return self.house.log_path(found[-1].id).read_text()

    def messages(self) -> list[str]:
        return [str(e.data["text"]) for e in self.events if e.kind == "change.message"]


def policy_of(text: str, *projects: str) -> Policy:
    """A policy with these pipelines, in which the projects share one queue unless it says so."""
    queue = ""
    if "[queues." not in text:
        names = ", ".join(f'"{name}"' for name in projects)
        queue = f'[queues.main]\nprojects = [{names}]\nbranches = ["main"]\n'
    return parse_policy({"policy.toml": (queue + text).encode()})


def make_yard(
    place: Path,
    projects: Mapping[str, Mapping[str, str]],
    text: str,
    dispatcher: Dispatcher | None = None,
) -> Yard:
    """A yard that has not begun, over new projects."""
    policy = policy_of(text, *projects)
    made = make_house(place, projects, policy, dispatcher or sandboxed(place, LocalDispatcher))
    return _yard(made)


def same_yard(place: Path, text: str, *projects: str, sandbox: Sandbox | None = None) -> Yard:
    """A yard that has not begun, over the data of an earlier one."""
    policy = policy_of(text, *projects)
    return _yard(House(place, policy, sandboxed(place, LocalDispatcher, sandbox=sandbox)))


def _yard(made: House) -> Yard:
    house = PipelineHouse.__new__(PipelineHouse)
    house.__dict__.update(made.__dict__)
    house.statuses, house.untrusted, house.asked_for = [], set(), []
    house.outcomes = []
    house.landings, house.deaf, house.ahead = [], False, 0.0
    real = house.clock
    house.clock = lambda: real() + house.ahead
    return Yard(house)
