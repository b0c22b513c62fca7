"""What surrounds a job that is imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from headgate.zuul.losses import Losses
from headgate.zuul.names import ProjectNames
from headgate.zuul.objects import Layout


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a job meets in the project that runs it."""

    project: str
    """As Zuul knows it."""
    names: ProjectNames
    layout: Layout
    losses: Losses
    playbook: Callable[[str, str], str]
    """(project, path as configured) → path of the file, which may have an extension more."""
    with_base: bool
    """Keep the playbooks of base jobs."""
