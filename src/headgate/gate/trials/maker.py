"""Makes trials: merges items onto the branches, chooses their jobs, and starts the build."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from headgate.gate import records
from headgate.gate.case import Case, read_case
from headgate.gate.difficulties import ROUNDS
from headgate.gate.futures import Future, node_ref
from headgate.gate.ports import GatePorts
from headgate.gate.reader import QueueReader
from headgate.gate.scope import with_head
from headgate.gate.selection import Unmet, Unusable
from headgate.gate.trials import notes
from headgate.gate.trials import records as trial_records
from headgate.gate.trials.lanes import Durations, Lanes
from headgate.gate.trials.merging import MergedItem, Stuck, drafted, explain, merge_all
from headgate.gate.trials.order import Made, Order
from headgate.gate.trials.reuse import Rest, keys_of, rest_of
from headgate.gate.trials.rules import Rules
from headgate.gate.trials.runner import Launch, Runner, Trouble
from headgate.gate.trials.scout import Scout
from headgate.gate.unit_jobs import UnitJobs, blame, members, select_unit
from headgate.model.ids import Commit, ItemId
from headgate.model.queue import BranchKey, ItemState, NodeState
from headgate.model.trial import Trial, TrialPurpose, TrialState
from headgate.store.database import Database, Transaction


class Maker:
    """Makes the trials of all queues of lanes."""

    def __init__(
        self,
        db: Database,
        ports: GatePorts,
        reader: QueueReader,
        durations: Durations,
        runner: Runner,
        trouble: Trouble,
        eject: Callable[[Sequence[ItemId], str], bool],
        rules: Rules,
    ) -> None:
        self._db = db
        self._ports = ports
        self._reader = reader
        self._durations = durations
        self._runner = runner
        self._trouble = trouble
        self._eject = eject
        self._rules = rules

    async def make(self, order: Order, lanes: Lanes, scout: Scout) -> Made:
        """Make a trial on the branches as they are. Raises HeadgateError when git cannot say."""
        order = replace(order, rules=self._rules.of(order.heads))
        cases = {id: read_case(self._db, self._reader, id) for id in (*order.ahead, *order.items)}
        if any(c.item.state is not ItemState.WAITING for c in cases.values()):
            return Made.LEFT
        for unit in (*order.assumed, *order.units):
            keys = [cases[id].key for id in unit]
            if gone := next((key for key in keys if key not in order.heads), None):
                words = f"the branch {gone.branch} of {gone.project} does not exist any more"
                self._eject(unit, words)
                return Made.FAILED
        merged = await merge_all(self._ports, order, cases)
        if isinstance(merged, Stuck):
            return await self._stuck(order, merged, cases, lanes)
        return await self._select(order, merged, lanes, scout)

    async def _stuck(
        self, order: Order, stuck: Stuck, cases: Mapping[ItemId, Case], lanes: Lanes
    ) -> Made:
        """An item does not merge: on the bare branch neither, or only with those before it."""
        found = await explain(self._ports, order, stuck, cases)
        reason, assumed = found.reason, found.assumed
        with self._db.write() as tx:
            if not self._live(tx, [cases[id] for id in (*stuck.unit, *assumed)]):
                return Made.LEFT
            trial = tx.trials.add(
                order.queue,
                order.purpose,
                stuck.unit,
                assumed,
                lanes.epoch,
                order.heads,
                order.heads,
                {cases[id].key.project for id in stuck.unit},
                rules=order.rules,
            )
            together = stuck.unit if len(stuck.unit) > 1 else ()
            for id in stuck.unit:
                base = order.heads[cases[id].key]
                future = Future(NodeState.CONFLICT, assumed, base, None, None, order.heads, reason)
                records.speculated(tx, cases[id].item, future, together, trial.id)
            tx.trials.set_state(trial.id, TrialState.FAILED, reason, stuck.unit)
            why = "they do not merge onto each other"
            notes.conflicting(tx, lanes, next(iter(stuck.unit)), found.others, why)
        return Made.FAILED

    # -- jobs ----------------------------------------------------------------------------------

    async def _select(
        self, order: Order, merged: Sequence[MergedItem], lanes: Lanes, scout: Scout
    ) -> Made:
        """Choose what has to run, and begin it."""
        ahead, own = merged[: len(order.ahead)], merged[len(order.ahead) :]
        before: Mapping[BranchKey, Commit] = order.heads
        for one in ahead:
            before = with_head(before, one.case.key, one.result.commit)
        after = before
        for one in own:
            after = with_head(after, one.case.key, one.result.commit)
        numbers = tuple(one.case.item.change for one in ahead)
        together = order.items if len(order.items) > 1 else ()
        cases = [
            replace(one.case, node=drafted(one, order.ahead, after, together), ahead=numbers)
            for one in own
        ]
        with self._db.read() as tx:
            defaults = {project.name: project.default_branch for project in tx.projects.all()}
        try:
            selected = await select_unit(self._ports, cases, defaults)
        except Unusable as error:
            if error.project not in {case.key.project for case in cases}:
                self._trouble(order.items, str(error), ROUNDS)
                return Made.LEFT
            return self._broken(order, cases, before, lanes, error)
        except Unmet as error:
            if len(order.units) > 1:
                with self._db.write() as tx:
                    notes.alone(tx, lanes, [unit[0] for unit in order.units])
            else:
                self._trouble(order.items, str(error), ROUNDS)
            return Made.LEFT
        shown = {case.key.project for case in cases} | {*selected.jobs.commits}
        rest = await self._rest(order, selected)
        if rest.plan.jobs and not order.room:
            return Made.NO_SLOT
        return await self._begin(
            order, cases, before, shown, selected, rest, defaults, lanes, scout
        )

    async def _rest(self, order: Order, selected: UnitJobs) -> Rest:
        plan = selected.jobs.plan
        keys = await keys_of(plan)
        with self._db.read() as tx:
            known = tx.results.find(keys.values())
        return rest_of(
            plan,
            keys,
            known,
            voting_only=order.purpose is TrialPurpose.CONFIRMATION,
            patient=len(order.units) > 1,
        )

    async def _begin(
        self,
        order: Order,
        cases: Sequence[Case],
        before: Mapping[BranchKey, Commit],
        shown: set[str],
        selected: UnitJobs,
        rest: Rest,
        defaults: Mapping[str, str],
        lanes: Lanes,
        scout: Scout,
    ) -> Made:
        jobs = [f"{p.project}/{p.job.name}" for p in rest.plan.jobs]
        factor = 1.0 + 0.1 * (len(order.units) - 1)
        launch: Launch | None = None
        with self._db.write() as tx:
            found = self._record(
                tx, order, cases, before, shown, rest, lanes, self._durations.of(jobs) * factor
            )
            if found is None:
                return Made.LEFT
            trial, cases = found
            if rest.plan.jobs:
                build = tx.builds.add()
                trial_records.begun(tx, trial, build, jobs, {**selected.jobs.commits})
                launch = Launch(
                    order.name,
                    trial,
                    tuple(cases),
                    {unit[0]: unit for unit in order.units},
                    build,
                    rest,
                    selected.wanted_by,
                    defaults,
                    lanes,
                    scout,
                )
            else:
                words = trial_records.reused_words(rest.reused)
                commits = selected.jobs.commits
                trial_records.passed(tx, trial, None, selected.jobs.names, words, {**commits})
        if launch is not None:
            self._runner.launch(launch)
        for case, node in members(cases):
            if node.commit is not None:
                repository = self._ports.repository(case.key.project)
                await repository.update_ref(node_ref(node.id), node.commit, None)
        return Made.PASSED if launch is None else Made.BUILDING

    def _record(
        self,
        tx: Transaction,
        order: Order,
        cases: Sequence[Case],
        before: Mapping[BranchKey, Commit],
        shown: set[str],
        rest: Rest,
        lanes: Lanes,
        expected: float,
    ) -> tuple[Trial, list[Case]] | None:
        """The rows of a trial whose items merge; None when one of them left meanwhile."""
        ahead = [tx.items.get(id) for id in order.ahead]
        if not self._live(tx, cases) or any(i.state is not ItemState.WAITING for i in ahead):
            return None
        trial = tx.trials.add(
            order.queue,
            order.purpose,
            order.items,
            order.ahead,
            lanes.epoch,
            order.heads,
            before,
            shown,
            rest.reused,
            expected,
            order.rules,
        )
        made: list[Case] = []
        for case, draft in members(cases):
            heads = {key: c for key, c in draft.future.items() if key.project in shown}
            future = Future(
                NodeState.MERGED, draft.assumed, draft.base, draft.commit, draft.tree, heads
            )
            node = records.speculated(tx, case.item, future, draft.unit, trial.id)
            made.append(replace(case, node=node))
        return trial, made

    def _broken(
        self,
        order: Order,
        cases: Sequence[Case],
        before: Mapping[BranchKey, Commit],
        lanes: Lanes,
        error: Unusable,
    ) -> Made:
        """The configuration of this future cannot be used."""
        words = str(error)
        if cases[0].ahead:
            numbers = ", ".join(f"#{number}" for number in cases[0].ahead)
            words = f"{error} (in the future with {numbers} ahead)"
        guilty = {case.item.id for case in cases if case.key.project == error.project}
        units = [unit for unit in order.units if not guilty.isdisjoint(unit)]
        culprits = units[0] if len(units) == 1 else None
        own = [case for case in cases if culprits is None or case.item.id in culprits]
        if len(order.units) == 1:
            words = blame(own, [c.item.change for c in own if c.item.id in guilty], words)
        shown = {case.key.project for case in cases}
        with self._db.write() as tx:
            found = self._record(
                tx, order, cases, before, shown, Rest.none(), lanes, self._durations.of(())
            )
            if found is None:
                return Made.LEFT
            trial_records.failed(tx, found[0], None, NodeState.BROKEN, words, culprits)
            if culprits is None:
                notes.alone(tx, lanes, [unit[0] for unit in order.units])
        return Made.FAILED

    def _live(self, tx: Transaction, cases: Sequence[Case]) -> bool:
        return all(tx.items.get(case.item.id).state is ItemState.WAITING for case in cases)
