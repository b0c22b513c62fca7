"""`headgate deps list`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import click

from headgate.cli.deps_trees import State, state_of
from headgate.cli.output import emit, json_option, printable, table
from headgate.deps.inventory import Component, Inventory
from headgate.deps.lockfiles.interface import Problem
from headgate.deps.lockfiles.npm_source import without_login
from headgate.deps.reachability import Use, uses
from headgate.model.errors import BadInput, ExitCode
from headgate.model.finding import Span


@click.command("list")
@click.argument("path", default=".")
@click.option("--rev", default="", help="A revision, instead of the files as they are.")
@click.option("--direct", is_flag=True, help="Only what the project asks for itself.")
@click.option("--use", is_flag=True, help="Say whether the project's code imports each package.")
@json_option
@click.pass_context
def list_(ctx: click.Context, path: str, rev: str, direct: bool, use: bool) -> None:
    """List what a project depends on.

    PATH is a directory, or a CycloneDX or SPDX document in JSON. The exit code is 3 when something
    could not be read, as the list may lack anything then.
    """
    state = state_of(path, rev, imports=use)
    if use and state.imports is None:
        raise BadInput(
            "--use reads the code of a directory as it is.", "Leave out --rev, name a directory."
        )
    found = state.inventory
    used: Mapping[str, Use] = {}
    if state.imports is not None:
        used = uses(found.components, state.imports)
    shown = [c for c in found.components if not direct or c.relation.value != "transitive"]
    emit(_object(state, shown, used), *_lines(found, shown, used))
    tell_problems(found.problems)
    if found.problems:
        ctx.exit(int(ExitCode.NOT_RUN))


def tell_problems(problems: tuple[Problem, ...]) -> None:
    """Say what could not be read."""
    for problem in problems:
        click.echo(
            f"headgate: {printable(_place(problem.span))}: {printable(problem.message)}.", err=True
        )


def component_object(one: Component, use: Use | None = None) -> dict[str, Any]:
    """A component as `--json` prints it."""
    return {
        "purl": one.purl,
        "ecosystem": one.ecosystem,
        "name": one.name,
        "version": one.version,
        "relation": one.relation.value,
        "scope": one.scope.value,
        "kind": one.kind.value,
        "source": printable(without_login(one.source)),
        "hashes": list(one.hashes),
        "licence": printable(one.licence),
        "requires": list(one.requires),
        "places": [printable(_place(span)) for span in one.places],
        **({"use": use.value} if use is not None else {}),
    }


def _object(state: State, shown: list[Component], used: Mapping[str, Use]) -> dict[str, Any]:
    found = state.inventory
    return {
        "project": printable(state.subject.name),
        "commit": state.subject.commit,
        "complete": not found.problems,
        "files": [printable(path) for path in found.files],
        "components": [component_object(one, used.get(one.purl)) for one in shown],
        "unpinned": [
            {"ecosystem": one.ecosystem, "name": one.name, "place": printable(_place(one.span))}
            for one in found.unpinned
        ],
        "problems": [
            {"place": printable(_place(p.span)), "message": printable(p.message)}
            for p in found.problems
        ],
    }


def _lines(found: Inventory, shown: list[Component], used: Mapping[str, Use]) -> list[str]:
    if not found.components:
        return ["There is no dependency that a file declares."]
    head = ["PACKAGE", "VERSION", "RELATION", "SCOPE", "LICENCE", "PLACE"]
    rows = [
        [
            f"{one.ecosystem}/{one.name}",
            one.version or "open",
            one.relation.value,
            one.scope.value,
            one.licence,
            _place(one.places[0]) if one.places else "",
            *([used[one.purl].value] if used else []),
        ]
        for one in shown
    ]
    counted = Counter(one.relation.value for one in found.components)
    told = ", ".join(f"{count} {word}" for word, count in sorted(counted.items()))
    lines = [*table([*head, *(["USE"] if used else [])], rows), ""] if rows else []
    lines.append(f"{len(found.components)} packages: {told}.")
    if found.unpinned:
        names = ", ".join(sorted({one.name for one in found.unpinned})[:10])
        more = len({one.name for one in found.unpinned}) - 10
        lines.append(
            f"Not pinned by any lockfile: {names}{f' and {more} more' if more > 0 else ''}."
        )
    return lines


def _place(span: Span) -> str:
    return f"{span.path}:{span.line}"
