"""What the policy says about the jobs of a future, as a digest that evidence is held against.

A trial says what came of the jobs that had to run when it was made. When the policy asks for
others, or runs them in another environment, it says nothing about those: it is no ground to land,
and no ground to eject, whether the policy changed under a running server or a stopped one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection

from headgate import __version__
from headgate.gate.ports import GatePorts
from headgate.gate.selection import of_the_gate
from headgate.model.config import Policy
from headgate.model.queue import BranchKey

_KEPT = 1000


class Rules:
    """Digests of the policy in force; remembers them while it stays."""

    def __init__(self, ports: GatePorts) -> None:
        self._ports = ports
        self._policy: Policy | None = None
        self._known: dict[frozenset[BranchKey], str] = {}

    def of(self, keys: Collection[BranchKey]) -> str:
        """Of the jobs that decide about landing on these branches."""
        policy = self._ports.policy()
        if policy is not self._policy or len(self._known) > _KEPT:
            self._policy = policy
            self._known.clear()
        wanted = frozenset(keys)
        found = self._known.get(wanted)
        if found is None:
            found = self._known[wanted] = digest(policy, wanted)
        return found


def digest(policy: Policy, keys: Collection[BranchKey]) -> str:
    """SHA-256 over what decides which jobs run for these branches, and in what. Where in its file
    the policy says so does not count; which Headgate reads it does."""
    ordered = sorted(keys, key=lambda key: (key.project, key.branch))
    said = {
        "headgate": __version__,
        "gates": [
            [key.project, key.branch, dataclasses.asdict(of_the_gate(policy, key))]
            for key in ordered
        ],
        "environments": {
            name: dataclasses.asdict(dataclasses.replace(environment, line=0))
            for name, environment in policy.environments.items()
        },
        "network": sorted(policy.network_jobs),
    }
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
