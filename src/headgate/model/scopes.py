"""Scopes: parts of a project that its owners say belong together, and which part needs which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headgate.model.patterns import matches


@dataclass(frozen=True, slots=True)
class Scope:
    """A `[scopes.NAME]` table of headgate.toml, or a `NAME = [patterns]` of `[scopes]`."""

    paths: tuple[str, ...]
    """Patterns."""
    needs: tuple[str, ...] = ()
    """Scopes that it is built from: a change to one of them affects it."""


def affected(scopes: Mapping[str, Scope], paths: Iterable[str]) -> dict[str, str]:
    """The scopes that a change of these paths can affect → the touched scope that it is through:
    itself when it is touched, else one that it needs, directly or by way of others."""
    touched = [path for path in paths if path]
    found = {
        name: name
        for name, scope in scopes.items()
        if any(matches(path, scope.paths) for path in touched)
    }
    if not any(scope.needs for scope in scopes.values()):
        return found
    needed_by: dict[str, list[str]] = {}
    for name, scope in scopes.items():
        for need in scope.needs:
            needed_by.setdefault(need, []).append(name)
    look = list(found)
    for name in look:
        for dependent in needed_by.get(name, ()):
            if dependent not in found:
                found[dependent] = found[name]
                look.append(dependent)
    return found
