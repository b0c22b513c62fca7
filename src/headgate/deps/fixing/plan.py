"""Which versions to take: a function over an inventory and what is known of packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from headgate.deps.advisories.verdict import Answer, Package, Verdict
from headgate.deps.inventory import Component
from headgate.deps.lockfiles.interface import SourceKind

Ask = Callable[[Package], Answer]

_TRIES = 6


@dataclass(frozen=True, slots=True)
class Step:
    """One package to be moved to another version."""

    component: Component
    to: str
    advisories: tuple[str, ...]
    """That concern the version of now."""


@dataclass(frozen=True, slots=True)
class Left:
    """One package that no version helps, or of which nothing is known."""

    component: Component
    reason: str
    affected: bool
    """Whether an advisory concerns it; otherwise nobody can tell."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to change, and what stays as it is."""

    steps: tuple[Step, ...]
    left: tuple[Left, ...]


def plan(components: Iterable[Component], ask: Ask) -> Plan:
    """The smallest changes: the next version of the same major that nothing concerns, else the
    next of all.

    A version that fixes one advisory may be concerned by another; each candidate is asked about
    again before it is taken.
    """
    steps: list[Step] = []
    left: list[Left] = []
    for one in components:
        if one.ecosystem == "docker":
            continue  # Images have no advisories of their own; what is in them is not read.
        answer = ask(Package(one.ecosystem, one.name, one.version))
        if answer.verdict is Verdict.CLEAN:
            continue
        if answer.verdict is Verdict.UNKNOWN:
            left.append(Left(one, answer.reason, False))
        elif one.kind is not SourceKind.REGISTRY:
            left.append(Left(one, f"it comes from {one.kind.value}, not from an index", True))
        elif version := _clean(one, answer, ask):
            steps.append(Step(one, version, answer.advisories))
        else:
            left.append(Left(one, _why(answer), True))
    return Plan(tuple(steps), tuple(left))


def _clean(one: Component, answer: Answer, ask: Ask) -> str:
    waiting, seen = list(answer.fixes), {one.version}
    for _ in range(_TRIES):
        if not waiting:
            break
        version = waiting.pop(0)
        seen.add(version)
        found = ask(Package(one.ecosystem, one.name, version))
        if found.verdict is Verdict.CLEAN:
            return version
        waiting += [other for other in found.fixes if other not in seen and other not in waiting]
    return ""


def _why(answer: Answer) -> str:
    told = ", ".join(answer.advisories[:3])
    if answer.malicious:
        return f"{told}: it is malicious; take it out"
    return f"{told}: no version without a known advisory is named"
