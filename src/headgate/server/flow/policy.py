"""The policy in force: read from the landed branch of the policy project, and from nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from headgate.model.ids import Commit
from headgate.vcs.repository import Repository

POLICY_FILES = ("policy.toml", "permissions.cedar", "dependencies.toml")


async def read_policy_files(repository: Repository, commit: Commit) -> Mapping[str, bytes]:
    """The policy's files at a commit, those that exist."""
    found: dict[str, bytes] = {}
    for name in POLICY_FILES:
        data = await repository.file(commit, name)
        if data is not None:
            found[name] = data
    return found
