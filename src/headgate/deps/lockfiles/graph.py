"""Which packages are wanted by which, over the names that a lockfile gives."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import TypeVar

from headgate.deps.lockfiles.interface import Relation, Scope

Key = TypeVar("Key", bound=Hashable)


def reach(edges: Mapping[Key, Iterable[Key]], roots: Iterable[Key]) -> set[Key]:
    """Everything that the roots need, and the roots."""
    found: set[Key] = set()
    waiting = list(roots)
    while waiting:
        key = waiting.pop()
        if key in found:
            continue
        found.add(key)
        waiting.extend(edges.get(key, ()))
    return found


class Wanted(dict[Hashable, tuple[Relation, Scope]]):
    """What each package is to the project, when these are its direct dependencies.

    What no root needs is of unknown relation, and counts as production: installers may well
    install it.
    """

    def __init__(
        self,
        edges: Mapping[Key, Iterable[Key]],
        production: Collection[Key],
        development: Collection[Key],
    ) -> None:
        super().__init__()
        inner = reach(edges, production)
        outer = reach(edges, development)
        direct = {*production, *development}
        for key in {*edges, *direct}:
            if key in direct:
                relation = Relation.DIRECT
            elif key in inner or key in outer:
                relation = Relation.TRANSITIVE
            else:
                relation = Relation.UNKNOWN
            only = key in outer and key not in inner
            self[key] = (relation, Scope.DEVELOPMENT if only else Scope.PRODUCTION)
