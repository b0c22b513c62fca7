"""What a job finds in `zuul`: the dictionary that Zuul documents for its jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from headgate.model.job import Checkout, JobDefinition

WORK = "/work"
"""The work directory as a job sees it; Zuul's `work/`."""

JOB = "ZUUL_JOB"
"""Variable of a job with what it says beside the keys of headgate.toml, as a JSON object: `vars`,
`extra-vars`, `host-vars`, `group-vars`, `groups`, `tags`."""

NAMES = "ZUUL_NAMES"
"""Variable of a job with a JSON object: project → its canonical name in Zuul."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a job's own variables say, taken apart."""

    variables: Mapping[str, Any]
    extra: Mapping[str, Any]
    hosts: Mapping[str, Mapping[str, Any]]
    groups: Mapping[str, Sequence[str]]
    group_variables: Mapping[str, Mapping[str, Any]]
    tags: Sequence[str]
    names: Mapping[str, str]


def told(environment: Mapping[str, str]) -> Told:
    """What a job says in `ZUUL_JOB` and `ZUUL_NAMES`. Raises ValueError naming the variable."""
    job = _object(environment, JOB)
    return Told(
        variables=_table(job, "vars"),
        extra=_table(job, "extra-vars"),
        hosts=_tables(job, "host-vars"),
        groups={
            name: [str(one) for one in cast("list[object]", nodes)]
            for name, nodes in _table(job, "groups").items()
            if isinstance(nodes, list)
        },
        group_variables=_tables(job, "group-vars"),
        tags=[str(tag) for tag in _list(job, "tags")],
        names={name: str(full) for name, full in _object(environment, NAMES).items()},
    )


def zuul_variables(
    job: JobDefinition,
    own: str,
    checkouts: Sequence[Checkout],
    given: Mapping[str, str],
    says: Told,
    run: int,
) -> dict[str, Any]:
    """The dictionary `zuul` for one run.

    `own` is the project that defines the job; `given` are Headgate's variables of the run
    (`HEADGATE_CHANGE`, `HEADGATE_BRANCH` and so on). Of a pipeline run that is for no change there
    is a `ref` and no `change`, as in Zuul. Zuul's documentation of job content has the keys.
    """
    branch = given.get("HEADGATE_BRANCH", "")
    tag = given.get("HEADGATE_TAG", "")
    change = given.get("HEADGATE_CHANGE", "")
    commits = {one.project: one.commit for one in checkouts}
    subject = given.get("HEADGATE_CHANGE_PROJECT", own)
    project = _project(subject, says.names)
    found: dict[str, Any] = {
        "ansible_version": "",
        "artifacts": [],
        "attempts": int(given.get("HEADGATE_ATTEMPT", "1")),
        "max_attempts": job.attempts,
        "build": str(run),
        "buildset": given.get("HEADGATE_BUILD", str(run)),
        "event_id": given.get("HEADGATE_BUILD", str(run)),
        "child_jobs": [],
        "executor": {
            "hostname": "localhost",
            "inventory_file": f"{WORK}/zuul/inventory.json",
            "log_root": f"{WORK}/logs",
            "result_data_file": f"{WORK}/zuul/results.json",
            "src_root": f"{WORK}/src",
            "work_root": WORK,
        },
        "job": job.name,
        "jobtags": list(says.tags),
        "override_checkout": "",
        "pipeline": given.get("HEADGATE_PIPELINE", "gate"),
        "playbook_context": {"playbook_projects": {}, "playbooks": []},
        "post_review": False,
        "project": project,
        "projects": {
            one["canonical_name"]: {
                **one,
                "checkout": branch,
                "checkout_description": "the state that would land",
                "commit": commits[name],
                "required": name in job.required_projects,
            }
            for name, one in ((name, _project(name, says.names)) for name in commits)
        },
        "ref": f"refs/tags/{tag}" if tag else f"refs/heads/{branch}",
        "resources": {},
        "tenant": "headgate",
        "timeout": int(job.timeout),
        "pre_timeout": int(job.pre_timeout),
        "post_timeout": int(job.post_timeout),
        "voting": job.voting,
    }
    if tag:
        found["tag"] = tag
    if branch and not tag:
        found["branch"] = branch
    item: dict[str, Any] = {"project": project}
    if branch:
        item["branch"] = branch
    if change:
        told_of_it = {
            "change": change,
            "change_url": given.get("HEADGATE_CHANGE_URL", ""),
            "patchset": given.get("HEADGATE_COMMIT", ""),
            "topic": "",
        }
        item.update(told_of_it)
        found.update(told_of_it, commit_id=given.get("HEADGATE_COMMIT", ""))
    elif "HEADGATE_COMMIT" in given:
        found["newrev"] = item["newrev"] = given["HEADGATE_COMMIT"]
    found["items"] = [item]
    return found


def _project(name: str, names: Mapping[str, str]) -> dict[str, str]:
    """Zuul's names of a project. A first part with a dot in it is the host."""
    canonical = names.get(name, name)
    host, slash, rest = canonical.partition("/")
    full = rest if slash and "." in host else canonical
    return {
        "canonical_hostname": host if full != canonical else "",
        "canonical_name": canonical,
        "name": full,
        "short_name": full.rpartition("/")[2],
        "src_dir": f"src/{canonical}",
    }


def _object(environment: Mapping[str, str], variable: str) -> Mapping[str, Any]:
    text = environment.get(variable, "") or "{}"
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"${variable} is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"${variable} is no JSON object")
    return cast("Mapping[str, Any]", value)


def _table(job: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = job.get(key, {})
    if not isinstance(value, dict):
        raise ValueError(f"${JOB}: {key} is no object")
    return cast("Mapping[str, Any]", value)


def _tables(job: Mapping[str, Any], key: str) -> Mapping[str, Mapping[str, Any]]:
    found = _table(job, key)
    for name, value in found.items():
        if not isinstance(value, dict):
            raise ValueError(f"${JOB}: {key}: {name} is no object")
    return cast("Mapping[str, Mapping[str, Any]]", found)


def _list(job: Mapping[str, Any], key: str) -> Sequence[object]:
    value = job.get(key, [])
    if not isinstance(value, list):
        raise ValueError(f"${JOB}: {key} is no list")
    return cast("list[object]", value)
