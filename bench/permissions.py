"""How long one permission decision takes, with the shipped rules and with many of one's own.

Run: .venv/bin/python bench/permissions.py
"""

from __future__ import annotations

import time

from headgate.authority.permissions import Action, Permissions, Resource
from headgate.model.ids import PrincipalId
from headgate.model.principal import Principal, PrincipalKind

ROUNDS = 20_000
ADA = Principal(PrincipalId(1), "ada", PrincipalKind.HUMAN, "Ada", "ada@example.org", None)
GROUPS = frozenset({"admins", "security"})
PUSH = Resource(project="jinja", ref="refs/for/main")


def measure(name: str, permissions: Permissions) -> None:
    """Print the median and the 99th percentile in microseconds, and decisions per CPU-second."""
    times: list[float] = []
    cpu = time.process_time()
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        permissions.decide(ADA, GROUPS, Action.PUSH, PUSH)
        times.append((time.perf_counter() - begun) * 1e6)
    cpu = time.process_time() - cpu
    times.sort()
    print(
        f"{name:32} p50 {times[ROUNDS // 2]:6.1f} µs   p99 {times[ROUNDS * 99 // 100]:6.1f} µs   "
        f"{ROUNDS / cpu:7.0f}/s"
    )


def own_rules(count: int) -> str:
    """So many rules of an organisation, each about a project of its own."""
    return "\n".join(
        f'@id("closed-{i}") forbid (principal in Group::"guests", action == Action::"push", '
        f'resource) when {{ resource.project == "project-{i}" }};'
        for i in range(count)
    )


if __name__ == "__main__":
    for count in (0, 10, 100):
        measure(f"shipped and {count} own rules", Permissions(own_rules(count)))
