"""A result may be reused exactly when the job would see the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.jobs.results import Visible, environment_key, result_key
from headgate.model.job import EnvironmentDefinition, JobDefinition, Step

JOB = JobDefinition("tests", script="pytest", reads=("src/**",))
SEEN = Visible("app", {"app": "1"}, variables={"HEADGATE_BRANCH": "main", "HEADGATE_CHANGE": "7"})
KEY = result_key(JOB, SEEN)


@pytest.mark.parametrize(
    "changes",
    [
        {"files": ("a",)},
        {"irrelevant_files": ("a",)},
        {"needs": ("a",)},
        {"after": ("a",)},
        {"voting": False},
        {"attempts": 3},
        {"fail_fast": False},
        {"line": 9},
        {"semaphores": ("a",)},
        {"pipelines": ("check",)},
        {"provides": ("a",)},
        {"origin": "a"},
        {"reads": ("other/**",)},
    ],
)
def test_what_only_decides_whether_and_when_a_job_runs_does_not_count(
    changes: dict[str, Any],
) -> None:
    assert result_key(replace(JOB, **changes), SEEN) == KEY


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"script": "", "argv": ("pytest",)},
        {"script": "pytest "},
        {"pre": Step(script="x")},
        {"post": Step(script="x")},
        {"timeout": 1.0},
        {"pre_timeout": 1.0},
        {"post_timeout": 1.0},
        {"memory": 1 << 30},
        {"env": {"A": "1"}},
        {"artifacts": ("a",)},
        {"caches": {"a": "b"}},
        {"fail_on_output": ("a",)},
        {"label": "gpu"},
        {"compat": "zuul"},
        {"nodes": {"a": "b"}},
        {"playbooks": ("a",)},
    ],
)
def test_what_the_job_is_counts(changes: dict[str, Any]) -> None:
    assert result_key(replace(JOB, **changes), SEEN) not in (KEY, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"project": "other"},
        {"trees": {"app": "2"}},
        {"trees": {"app": "1", "lib": "1"}},
        {"environment": "x"},
        {"variables": {"HEADGATE_BRANCH": "stable"}},
        {"data": {}},
        {"data": {"a": 1}},
        {"required": {"wheel": ("1",)}},
        {"secrets": {"TOKEN": "1"}},
    ],
)
def test_what_the_job_sees_counts(changes: dict[str, Any]) -> None:
    assert result_key(JOB, replace(SEEN, **changes)) not in (KEY, "")


def test_for_whom_it_runs_does_not_count() -> None:
    other = {"HEADGATE_BRANCH": "main", "HEADGATE_CHANGE": "8", "HEADGATE_ATTEMPT": "2"}
    assert result_key(JOB, replace(SEEN, variables=other)) == KEY


def test_nothing_is_reused_of_jobs_with_network_or_a_pause_or_that_say_so() -> None:
    assert result_key(replace(JOB, reuse=False), SEEN) == ""
    assert result_key(JOB, replace(SEEN, network=True)) == ""
    assert result_key(replace(JOB, pause=True), SEEN) == ""
    assert result_key(replace(JOB, network=True), SEEN) == KEY, "wanted, but not allowed"


def test_an_environment_is_its_script_and_its_inputs() -> None:
    one = EnvironmentDefinition("py", "pip install", ("requirements.txt",))
    key = environment_key(one, "1")
    assert environment_key(replace(one, name="x", line=3, timeout=5), "1") == key
    assert environment_key(replace(one, setup="pip"), "1") != key
    assert environment_key(one, "2") != key


_TEXT = st.text('ab\0\udc80é"', max_size=3)
_TABLE = st.dictionaries(_TEXT, _TEXT, max_size=2)
_VISIBLE = st.builds(
    Visible,
    project=_TEXT,
    trees=_TABLE,
    environment=_TEXT,
    variables=st.dictionaries(st.sampled_from(["A", "HEADGATE_BRANCH"]), _TEXT),
    network=st.just(False),
    data=st.none() | _TABLE,
    required=st.dictionaries(_TEXT, st.lists(_TEXT, max_size=2).map(tuple), max_size=2),
    secrets=_TABLE,
)
_JOBS = st.builds(
    JobDefinition,
    name=_TEXT,
    argv=st.lists(_TEXT, max_size=2).map(tuple),
    script=_TEXT,
    env=_TABLE,
    pre=st.none() | st.builds(Step, script=_TEXT),
)


@given(_JOBS, _JOBS, _VISIBLE, _VISIBLE)
def test_keys_are_equal_exactly_when_the_inputs_are(
    job: JobDefinition, other: JobDefinition, seen: Visible, else_seen: Visible
) -> None:
    assert result_key(job, seen) == result_key(replace(job), replace(seen))
    assert (result_key(job, seen) == result_key(other, seen)) == (job == other)
    assert (result_key(job, seen) == result_key(job, else_seen)) == (seen == else_seen)
