"""Which jobs a change must pass."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.jobs.select import applies, select_jobs
from headgate.model.config import ProjectConfig
from headgate.model.job import JobDefinition


def config(*jobs: JobDefinition) -> ProjectConfig:
    return ProjectConfig(jobs={job.name: job for job in jobs})


def names(project: str, touched: list[str], configs: Mapping[str, ProjectConfig]) -> list[str]:
    return [
        f"{p}/{j.name}" for p, j in select_jobs(project=project, touched=touched, configs=configs)
    ]


def test_a_job_bound_to_files_runs_only_for_them() -> None:
    job = JobDefinition("t", files=("src/**",))
    assert applies(job, ["src/a.py", "README"])
    assert not applies(job, ["README"])
    assert not applies(job, [])


def test_a_job_is_left_out_when_everything_touched_is_irrelevant() -> None:
    job = JobDefinition("t", irrelevant_files=("docs/**",))
    assert not applies(job, ["docs/a.md"])
    assert applies(job, ["docs/a.md", "src/a.py"])
    assert applies(job, [])


def test_a_chosen_job_brings_what_it_needs_first() -> None:
    configs = {
        "a": config(
            JobDefinition("tests", needs=("build",), files=("src/**",)),
            JobDefinition("build", needs=("lint",), files=("nothing",)),
            JobDefinition("lint", files=("nothing",)),
            JobDefinition("docs", files=("docs/**",)),
        )
    }
    assert names("a", ["src/x"], configs) == ["a/lint", "a/build", "a/tests"]


def test_jobs_of_other_projects_that_require_this_one_always_run() -> None:
    configs = {
        "a": config(JobDefinition("own", irrelevant_files=("docs/**",))),
        "b": config(
            JobDefinition(
                "uses a", required_projects=("a",), files=("src/**",), needs=("prepare",)
            ),
            JobDefinition("prepare"),
            JobDefinition("other"),
        ),
    }
    assert names("a", ["docs/x"], configs) == ["b/prepare", "b/uses a"]
    assert names("b", ["docs/x"], configs) == ["b/prepare", "b/other"]


def test_a_project_without_a_file_has_no_jobs() -> None:
    assert names("a", ["x"], {}) == []


def test_needs_that_cannot_be_met_are_a_defect() -> None:
    with pytest.raises(ValueError, match="not there"):
        names("a", ["x"], {"a": config(JobDefinition("t", needs=("gone",)))})
    cycle = config(JobDefinition("s", needs=("t",)), JobDefinition("t", needs=("s",)))
    with pytest.raises(ValueError, match="each other"):
        names("a", ["x"], {"a": cycle})


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, ProjectConfig]:
    configs: dict[str, ProjectConfig] = {}
    for project in "abc":
        jobs: list[JobDefinition] = []
        for number in range(draw(st.integers(0, 5))):
            jobs.append(
                JobDefinition(
                    f"j{number}",
                    files=tuple(draw(st.lists(st.sampled_from(["x", "y"]), max_size=1))),
                    needs=tuple(
                        draw(st.lists(st.sampled_from([j.name for j in jobs]), unique=True))
                        if jobs
                        else ()
                    ),
                    required_projects=tuple(
                        draw(st.lists(st.sampled_from("abc"), unique=True, max_size=2))
                    ),
                )
            )
        configs[project] = config(*draw(st.permutations(jobs)))
    return configs


@given(graphs(), st.lists(st.sampled_from(["x", "y", "z"]), unique=True))
def test_the_choice_is_closed_ordered_and_complete(
    configs: dict[str, ProjectConfig], touched: list[str]
) -> None:
    chosen = select_jobs(project="a", touched=touched, configs=configs)
    seen: set[tuple[str, str]] = set()
    for project, job in chosen:
        assert (project, job.name) not in seen
        assert all((project, need) in seen for need in job.needs)
        seen.add((project, job.name))
    for project, each in configs.items():
        for job in each.jobs.values():
            wanted = applies(job, touched) if project == "a" else "a" in job.required_projects
            assert not wanted or (project, job.name) in seen


def test_only_jobs_of_the_pipeline_run_and_what_they_need() -> None:
    configs = {
        "a": config(
            JobDefinition("docs", pipelines=("check",)),
            JobDefinition("both", pipelines=("check", "gate"), needs=("build",)),
            JobDefinition("build", pipelines=("post",)),
        )
    }
    assert names("a", ["x"], configs) == ["a/build", "a/both"]
    checked = select_jobs(project="a", touched=["x"], configs=configs, pipelines=("check",))
    assert [job.name for _, job in checked] == ["docs", "build", "both"]


def test_a_job_comes_after_what_it_waits_for_but_brings_only_what_it_needs() -> None:
    configs = {
        "a": config(
            JobDefinition("first", after=("last", "off")),
            JobDefinition("off", files=("nothing",), provides=("y",)),
            JobDefinition("user", requires=("x", "y"), required_projects=("b",)),
            JobDefinition("stranger", requires=("x",)),
            JobDefinition("last"),
        ),
        "b": config(JobDefinition("maker", provides=("x",), required_projects=("a",))),
    }
    assert names("a", ["x"], configs) == [
        "a/last",
        "a/first",
        "b/maker",
        "a/user",
        "a/stranger",
    ]


def test_projects_that_require_each_others_artifacts_wait_in_a_circle() -> None:
    configs = {
        "a": config(JobDefinition("s", provides=("x",), requires=("y",), required_projects=("b",))),
        "b": config(JobDefinition("t", provides=("y",), requires=("x",), required_projects=("a",))),
    }
    with pytest.raises(ValueError, match="circle: a/s → b/t → a/s"):
        names("a", ["x"], configs)
