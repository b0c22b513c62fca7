"""The policy in force: read from the landed branch of the policy project, and from nowhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from headgate.deps.vex import read_openvex
from headgate.model.config import Policy
from headgate.model.dependency_policy import PolicyException
from headgate.model.errors import BadInput
from headgate.model.ids import Commit
from headgate.model.toml.policy_file import parse_policy
from headgate.vcs.repository import Repository

POLICY_FILES = ("policy.toml", "permissions.cedar", "dependencies.toml")
VEX_FOLDER = "vex/"
"""Files below it that end in `.json` are OpenVEX documents; what they settle is an exception."""

_MOST_VEX = 500
_LARGEST_VEX = 4 << 20


async def read_policy_files(repository: Repository, commit: Commit) -> Mapping[str, bytes]:
    """The policy's files at a commit, those that exist."""
    found: dict[str, bytes] = {}
    for name in POLICY_FILES:
        data = await repository.file(commit, name)
        if data is not None:
            found[name] = data
    return found


async def read_policy(repository: Repository, commit: Commit) -> Policy:
    """The policy at a commit, with what its VEX documents settle.

    Raises BadInput with file, line and key.
    """
    policy = parse_policy(await read_policy_files(repository, commit))
    documents = await _vex_files(repository, commit)
    if not documents:
        return policy
    digest = hashlib.sha256(policy.digest.encode())
    settled: list[PolicyException] = []
    for name, data in documents.items():
        digest.update(f"\0{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
        digest.update(data)
        try:
            settled += read_openvex(data.decode("utf-8"), name)
        except UnicodeDecodeError:
            raise BadInput(f"{name}:1: this is not UTF-8.", "Save the file as UTF-8.") from None
    dependencies = replace(
        policy.dependencies, exceptions=(*policy.dependencies.exceptions, *settled)
    )
    return replace(policy, digest=digest.hexdigest(), dependencies=dependencies)


async def _vex_files(repository: Repository, commit: Commit) -> Mapping[str, bytes]:
    entries = [
        entry
        for entry in await repository.files(commit)
        if entry.is_file and entry.path.startswith(VEX_FOLDER) and entry.path.endswith(".json")
    ]
    if len(entries) > _MOST_VEX or any(entry.size > _LARGEST_VEX for entry in entries):
        raise BadInput(
            f"{VEX_FOLDER} holds more than {_MOST_VEX} documents, or one above "
            f"{_LARGEST_VEX >> 20} MB.",
            "Keep those that are still needed.",
        )
    blobs = await repository.blobs(entry.object for entry in entries)
    return {entry.path: blobs[entry.object] for entry in entries}
