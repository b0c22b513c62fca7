"""What is remembered of jobs that fail on the branches without any change."""

from __future__ import annotations

from dataclasses import replace

from headgate.gate.trials.baseline import memo
from headgate.gate.trials.lanes import BELIEVED, Red
from headgate.model.ids import Commit, ItemId, JobRunId, QueueId, TrialId
from headgate.model.queue import BranchKey
from headgate.model.trial import Trial, TrialPurpose, TrialState

APP, LIB, FAR = (BranchKey(name, "main") for name in ("app", "lib", "far"))
HEADS = {APP: Commit("a" * 40), LIB: Commit("b" * 40), FAR: Commit("c" * 40)}
TRIAL = Trial(
    TrialId(1),
    QueueId(1),
    TrialPurpose.SPECULATION,
    (ItemId(1),),
    (),
    0,
    HEADS,
    HEADS,
    ("app", "lib"),
    TrialState.FAILED,
    "",
    (ItemId(1),),
    None,
    None,
    (),
    1.0,
    0.0,
)
JOB = ("app", "test")


def test_a_failure_on_the_bare_branch_is_believed_for_a_while_and_then_asked_again():
    """It may have been chance: for ever, it would excuse every change that breaks the job."""
    red = Red()
    red.add("key", JobRunId(7), 1000.0)
    assert red.find("key", 1000.0 + BELIEVED - 1) == 7
    assert red.find("key", 1000.0 + BELIEVED) is None
    assert red.find("other", 1000.0) is None


def test_what_is_not_believed_any_more_is_forgotten():
    red = Red()
    for number in range(100):
        red.add(f"key {number}", JobRunId(number), number * BELIEVED / 4)
    assert len(red.runs) == 4


def test_without_a_key_it_is_known_by_all_projects_that_it_may_be_shown():
    before = memo(JOB, {}, TRIAL)
    mended = replace(TRIAL, heads={**HEADS, LIB: Commit("d" * 40)})
    assert memo(JOB, {}, mended) != before, "the other project can have been why it failed"
    elsewhere = replace(TRIAL, heads={**HEADS, FAR: Commit("d" * 40)})
    assert memo(JOB, {}, elsewhere) == before
    assert memo(JOB, {JOB: "sees the same"}, mended) == "sees the same"
