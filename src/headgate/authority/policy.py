"""Questions that the policy in force answers by itself, and the policy that a new house gets."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from headgate.model.config import Policy, QueuePolicy
from headgate.model.patterns import name_matches
from headgate.model.toml.policy_file import PERMISSIONS_FILE, POLICY_FILE

_NO_PERMISSIONS = b"""\
// Permissions of this organisation, in Cedar: `permit` widens what Headgate ships, `forbid`
// narrows it, and a `forbid` always wins. For example:
//
// @id("contractors-stay-out")
// @reason("Contractors do not work on payments.")
// forbid (principal in Group::"contractors", action, resource)
// when { resource.project == "payments" };
"""


def groups_of(policy: Policy, name: str) -> frozenset[str]:
    """The groups that a principal of that name belongs to."""
    return frozenset(group for group, members in policy.groups.items() if name in members)


def queue_for(policy: Policy, project: str, branch: str) -> QueuePolicy | None:
    """The queue through which a branch lands: one that names both, else the first that fits."""
    for queue in policy.queues:
        if project in queue.projects and branch in queue.branches:
            return queue
    for queue in policy.queues:
        if name_matches(project, queue.projects) and name_matches(branch, queue.branches):
            return queue
    return None


def default_policy_files() -> Mapping[str, bytes]:
    """The files of a new policy project."""
    text = resources.files("headgate.authority").joinpath("default_policy.toml").read_bytes()
    return {POLICY_FILE: text, PERMISSIONS_FILE: _NO_PERMISSIONS}
