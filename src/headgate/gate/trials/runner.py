"""Runs the builds of trials, and records what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from headgate.gate import records
from headgate.gate.builds import Recorder
from headgate.gate.case import Case
from headgate.gate.difficulties import ROUNDS
from headgate.gate.ports import GatePorts
from headgate.gate.trials import notes
from headgate.gate.trials import records as trial_records
from headgate.gate.trials.attribution import attribute
from headgate.gate.trials.baseline import ask_bare
from headgate.gate.trials.lanes import Durations, Lanes
from headgate.gate.trials.reuse import Keeper, Rest
from headgate.gate.trials.scout import Scout
from headgate.gate.under_way import BuildsUnderWay, until_recorded
from headgate.gate.unit_jobs import blame
from headgate.jobs.build import BuildResult, run_build
from headgate.jobs.select import JobKey
from headgate.model.errors import HeadgateError
from headgate.model.ids import BuildId, ChangeNumber, ItemId, TrialId
from headgate.model.job import BuildState
from headgate.model.queue import NodeState
from headgate.model.trial import Trial, TrialState
from headgate.store.database import Database

log = structlog.get_logger()

Trouble = Callable[[Sequence[ItemId], str, int], None]
"""Items, reason, rounds: something that is not their fault keeps them from getting on."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A build that is to run."""

    queue: str
    trial: Trial
    cases: tuple[Case, ...]
    """Of its members."""
    units: Mapping[ItemId, tuple[ItemId, ...]]
    """First item of each unit among the members → its items."""
    build: BuildId
    rest: Rest
    wanted_by: Mapping[JobKey, tuple[ChangeNumber, ...]]
    defaults: Mapping[str, str]
    lanes: Lanes
    scout: Scout


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: BuildState
    reason: str
    culprits: tuple[ItemId, ...] | None = None
    """Items."""
    rounds: int = 1


class Runner:
    """The builds of all queues of lanes."""

    def __init__(
        self,
        db: Database,
        ports: GatePorts,
        durations: Durations,
        trouble: Trouble,
        settled: Callable[[Sequence[ItemId]], None],
        poke: Callable[[str], None],
    ) -> None:
        self._db = db
        self._ports = ports
        self._durations = durations
        self._trouble = trouble
        self._settled = settled
        self._poke = poke
        self._under_way = BuildsUnderWay[TrialId]()

    def cancel(self, trial: TrialId) -> None:
        """Stop what runs for a trial; its processes end soon after."""
        self._under_way.cancel(trial)

    async def close(self) -> None:
        """Cut every build off, and wait until its processes are gone."""
        await self._under_way.close()

    def launch(self, launch: Launch) -> None:
        """Run a build in the background."""
        self._under_way.launch([launch.trial.id], self._run(launch))

    async def _run(self, launch: Launch) -> None:
        case = launch.cases[0]
        node = case.node
        if node is None:
            raise ValueError(f"trial {launch.trial.id} has no node for #{case.item.change}")
        recorder = Recorder(
            self._db, case.item.change, node.id, launch.build, self._under_way.stopping
        )
        sink = Keeper(self._db, recorder, launch.rest)
        try:
            result = await run_build(
                launch.rest.plan,
                self._ports.dispatcher,
                sink,
                self._ports.clock,
                self._ports.semaphores,
            )
            for (project, job), seconds in sink.seconds.items():
                self._durations.learn(f"{project}/{job}", seconds)
            if launch.scout.learn(sink.returned):
                with self._db.write() as tx:
                    tx.lanes.unsteady(launch.trial.queue, sink.returned)
            outcome = await self._judged(launch, result, recorder)
        except Exception as error:
            if not isinstance(error, HeadgateError):
                log.exception("a build could not be run", build=launch.build)
            outcome = _Outcome(BuildState.INFRASTRUCTURE, str(error) or type(error).__name__)
        await until_recorded(lambda: self._record(launch, outcome), launch.build)
        self._poke(launch.queue)

    async def _judged(self, launch: Launch, result: BuildResult, recorder: Recorder) -> _Outcome:
        """What a build says, after the bare branch was asked about jobs that failed."""
        if result.state is not BuildState.FAILED:
            rounds = ROUNDS if recorder.useless else 1
            return _Outcome(result.state, result.reason, None, rounds)
        case = launch.cases[0]
        bare = await ask_bare(
            self._db,
            self._ports,
            launch.lanes,
            launch.trial,
            case,
            recorder.failed,
            launch.defaults,
            self._under_way.stopping,
        )
        if bare.unknown:
            return _Outcome(BuildState.INFRASTRUCTURE, bare.unknown)
        if bare.red:
            return _Outcome(BuildState.INFRASTRUCTURE, bare.red, None, ROUNDS)
        reason = recorder.failure(result, case.ahead)
        numbers = {c.item.id: c.item.change for c in launch.cases}
        found = attribute(
            recorder.failed,
            launch.rest.plan,
            {unit: numbers[unit] for unit in launch.units},
            launch.lanes.footprints,
            launch.trial.before,
        )
        if found.units is None:
            return _Outcome(BuildState.FAILED, f"{reason.rstrip('.')}. {_opaque(found.words)}")
        culprits = tuple(item for unit in found.units for item in launch.units[unit])
        if found.words:
            reason = f"{reason.rstrip('.')} ({found.words})"
        else:
            wanted = launch.wanted_by.get(recorder.decisive or ("", ""), ())
            own = [c for c in launch.cases if c.item.id in culprits]
            reason = blame(own, [n for n in wanted if n in {c.item.change for c in own}], reason)
        return _Outcome(BuildState.FAILED, reason, culprits)

    def _record(self, launch: Launch, outcome: _Outcome) -> None:
        """The verdict, when anybody still waits for it."""
        trial, lanes = launch.trial, launch.lanes
        with self._db.write() as tx:
            if not records.build_ended(tx, launch.build, outcome.state, outcome.reason):
                return
            if tx.trials.get(trial.id).state is not TrialState.BUILDING:
                return  # Its future was given up meanwhile.
            members = [item.id for item, _ in trial_records.live_nodes(tx, trial)]
            match outcome.state:
                case BuildState.PASSED:
                    trial_records.passed(tx, trial, launch.build, (), "")
                case BuildState.FAILED:
                    trial_records.failed(
                        tx,
                        trial,
                        launch.build,
                        NodeState.FAILED,
                        outcome.reason,
                        outcome.culprits,
                    )
                case _:
                    trial_records.not_run(tx, trial, launch.build, outcome.reason)
            answered = outcome.state in (BuildState.PASSED, BuildState.FAILED)
            opaque = outcome.state is BuildState.FAILED and outcome.culprits is None
            if opaque or (not answered and len(launch.units) > 1):
                # Whose failure or trouble it is shows when each is tested by itself.
                notes.alone(tx, lanes, launch.units)
        if answered:
            self._settled(members)
        elif len(launch.units) == 1:
            self._trouble(members, outcome.reason, outcome.rounds)


def _opaque(words: str) -> str:
    why = f"{words[:1].upper()}{words[1:]}: each" if words else "Each"
    return f"{why} is tested by itself"
