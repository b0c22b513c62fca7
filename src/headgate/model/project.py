"""Projects: the git repositories that Headgate gates."""

from __future__ import annotations

from enum import StrEnum

from headgate.model.ids import ProjectId
from headgate.model.record import record

POLICY_PROJECT = "policy"
"""The project whose landed branch holds the policy in force."""


class Context(StrEnum):
    """What a project's code is used for; raises or lowers the risk tier."""

    EXPERIMENTAL = "experimental"
    PRODUCTION = "production"


@record
class Project:
    """A git repository that Headgate gates."""

    id: ProjectId
    name: str
    """Unique; `[a-z0-9][a-z0-9._-]{0,62}`, never ending in `.git` or `.lock`."""
    default_branch: str
    source: str
    """Where it was imported from; empty when it began here."""
    created: float
    """Seconds since the epoch."""
