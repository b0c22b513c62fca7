"""Licences that the policy minds."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.deps.policy.concern import Concern
from headgate.model.dependency_policy import DependencyPolicy
from headgate.model.purl import Package


def licence_concerns(
    package: Package, expression: str, policy: DependencyPolicy
) -> Iterator[Concern]:
    """What is minded about a licence, as metadata or a lockfile states it."""
    yield from ()
