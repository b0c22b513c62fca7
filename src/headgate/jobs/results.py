"""When the result of a job can stand for another run of it: a key over everything that it sees."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from headgate.model.job import EnvironmentDefinition, JobDefinition, Step

PER_RUN = frozenset({"HEADGATE_ATTEMPT", "HEADGATE_CHANGE", "HEADGATE_COMMIT"})
"""Variables that say for whom a job runs, not what it finds. A job sees them, and a result of
another change may stand for its own all the same."""


@dataclass(frozen=True, slots=True)
class Visible:
    """What a job is shown besides its definition."""

    project: str
    """Whose job it is."""
    trees: Mapping[str, str] = field(default_factory=dict[str, str])
    """Project → digest of the paths of its checkout that the job is shown (`ReadDigests`)."""
    environment: str = ""
    """See `environment_key`; empty for a job without one."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    network: bool = False
    """Whether it has network: wanted, and allowed by the policy."""
    data: Mapping[str, object] | None = None
    """What the jobs that it needs returned."""
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Name of a required artifact → what identifies the content of each that provides it."""
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variable → what identifies the value, for the secrets that it is given."""


def result_key(job: JobDefinition, visible: Visible) -> str:
    """SHA-256 over everything that can decide the outcome; empty when no result may be reused.

    Equal keys mean equal inputs: the same commands and limits on the same files, environment,
    variables, artifacts and data. That is no proof of an equal outcome: a job that looks at the
    clock or rolls dice can end differently. Left out are what only decides whether and when the
    job runs (files, needs, semaphores, voting, attempts …), PER_RUN, and the content of caches.
    Never reused is a job with network, which sees what nobody can name, one that pauses, as others
    need it to be there, and one that says `reuse = false`.
    """
    if visible.network or job.pause or not job.reuse:
        return ""
    return _digest(
        {
            "project": visible.project,
            "job": job.name,
            "run": _step(Step(job.argv, job.script)),
            "pre": _step(job.pre),
            "post": _step(job.post),
            "timeouts": [job.pre_timeout, job.timeout, job.post_timeout],
            "memory": job.memory,
            "env": dict(job.env),
            "artifacts": sorted(set(job.artifacts)),
            "caches": dict(job.caches),
            "fail-on-output": sorted(set(job.fail_on_output)),
            "label": job.label,
            "compat": job.compat,
            "nodes": dict(job.nodes),
            "playbooks": list(job.playbooks),
            "trees": dict(visible.trees),
            "environment": visible.environment,
            "variables": {k: v for k, v in visible.variables.items() if k not in PER_RUN},
            "data": visible.data,
            "required": {k: list(v) for k, v in visible.required.items()},
            "secrets": dict(visible.secrets),
        }
    )


def environment_key(definition: EnvironmentDefinition, inputs: str) -> str:
    """What an environment is made of: its script, and `inputs`, the digest of the paths that its
    `inputs` match (empty when it has none)."""
    return _digest({"setup": definition.setup, "inputs": inputs})


def _step(step: Step | None) -> object:
    return None if step is None else [list(step.argv), step.script]


def _digest(value: Mapping[str, object]) -> str:
    # ASCII output escapes what cannot be encoded, so every text has one form.
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
