"""Which jobs need not run again, and who can be why a fused build fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headgate.gate.trials.attribution import attribute
from headgate.gate.trials.footprint import Footprint
from headgate.gate.trials.reuse import keys_of, only, rest_of
from headgate.jobs.build import BuildPlan, PlannedJob
from headgate.jobs.dispatch.interface import RunRequest
from headgate.jobs.results import Visible
from headgate.model.ids import ChangeNumber, Commit, ItemId, JobRunId
from headgate.model.job import Checkout, JobDefinition
from headgate.model.queue import BranchKey

APP = BranchKey("app", "main")
HEADS = {APP: Commit("a" * 40)}


def job(name: str, *needs: str, voting: bool = True, reads: tuple[str, ...] = ()) -> PlannedJob:
    definition = JobDefinition(name, ("true",), needs=needs, voting=voting, reads=reads)

    def request(run: JobRunId, attempt: int) -> RunRequest:
        shown = Checkout("app", "app.git", HEADS[APP], reads)
        place = Path("unused")
        return RunRequest(run, definition, "app", (shown,), None, False, {}, place, place)

    return PlannedJob("app", definition, request)


def names(plan: BuildPlan) -> list[str]:
    return [planned.job.name for planned in plan.jobs]


KEYS = {("app", name): f"key of {name}" for name in ("a", "b", "c", "d")}


def known(*found: str) -> dict[str, JobRunId]:
    return {f"key of {name}": JobRunId(n) for n, name in enumerate(found, 1)}


def test_only_what_is_not_known_runs():
    rest = rest_of(BuildPlan((job("a"), job("b"))), KEYS, known("a"))
    assert (names(rest.plan), rest.reused) == (["b"], (1,))


def test_jobs_that_need_each_other_run_together_or_not_at_all():
    plan = BuildPlan((job("a"), job("b", "a"), job("c", "b"), job("d")))
    rest = rest_of(plan, KEYS, known("a", "b", "d"))
    assert (names(rest.plan), rest.reused) == (["a", "b", "c"], (3,))
    assert rest_of(plan, KEYS, known("a", "b", "c", "d")).plan.jobs == ()


async def test_a_job_with_secrets_always_runs():
    async def visible():
        return Visible("app", {"app": "tree"})

    plain, secret = replace(job("a"), visible=visible), replace(job("b"), visible=visible)
    secret = replace(secret, job=replace(secret.job, secrets={"TOKEN": "pypi"}))
    assert set(await keys_of(BuildPlan((plain, secret)))) == {("app", "a")}


def test_what_has_no_key_always_runs():
    plan = BuildPlan((job("a"), job("e")))
    assert names(rest_of(plan, KEYS, known("a")).plan) == ["e"]


def test_a_confirmation_leaves_out_what_decides_nothing():
    plan = BuildPlan((job("a"), job("b", voting=False), job("c", "d"), job("d", voting=False)))
    rest = rest_of(plan, KEYS, known("a"), voting_only=True)
    assert names(rest.plan) == ["c", "d"]
    assert names(rest_of(plan, KEYS, known("a", "c", "d"), voting_only=True).plan) == []


def test_a_patient_build_finds_every_failure():
    rest = rest_of(BuildPlan((job("a"), job("b"))), KEYS, {}, patient=True)
    assert [planned.job.fail_fast for planned in rest.plan.jobs] == [False, False]


def test_what_a_job_needs_comes_along_when_it_is_asked_for_alone():
    plan = BuildPlan((job("a"), job("b", "a"), job("c")))
    assert names(only(plan, [("app", "b"), ("app", "gone")])) == ["a", "b"]


PLAN = BuildPlan((job("a", reads=("a/**",)), job("b", reads=("b/**",)), job("all")))
UNITS = {ItemId(1): ChangeNumber(11), ItemId(2): ChangeNumber(12)}
FOOTPRINTS = {
    ItemId(1): Footprint({APP: frozenset({"a/x"})}),
    ItemId(2): Footprint({APP: frozenset({"b/x"})}),
}


def blame(*failed: str) -> tuple[tuple[ItemId, ...] | None, str]:
    found = attribute([("app", name) for name in failed], PLAN, UNITS, FOOTPRINTS, HEADS)
    return found.units, found.words


def test_a_failure_is_traced_when_only_one_can_be_the_cause():
    units, words = blame("b")
    assert units == (2,)
    assert words == "tested together with #11, which touches nothing that the job is shown"
    assert blame("a", "b") == ((1, 2), "")


def test_a_failure_that_several_can_cause_is_traced_to_nobody():
    units, words = blame("all")
    assert units is None
    assert words == "#11 and #12 touch what job app/all is shown"
    assert blame("a", "all")[0] is None
    assert blame("gone")[0] is None
