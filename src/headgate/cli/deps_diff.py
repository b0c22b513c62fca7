"""`headgate deps diff`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from headgate.cli.deps_list import tell_problems
from headgate.cli.deps_trees import files_of
from headgate.cli.output import emit, json_option, printable, table
from headgate.deps.compare import Files, everything, problems
from headgate.deps.difference import Difference, Move, compare
from headgate.deps.lockfiles.interface import Declared
from headgate.deps.lockfiles.npm_source import without_login
from headgate.deps.purl import package_url
from headgate.model.errors import ExitCode
from headgate.scan.tree import find_root


@click.command()
@click.argument("base")
@click.argument("head", default="")
@json_option
@click.pass_context
def diff(ctx: click.Context, base: str, head: str) -> None:
    """Show which packages changed between two states.

    BASE and HEAD are revisions; without HEAD, the files as they are count. The exit code is 3 when
    something could not be read.
    """
    before, after = asyncio.run(_both(base, head))
    found = compare(everything(before), everything(after))
    unread = tuple(problems(after))
    emit(
        {
            "base": base,
            "head": head,
            "complete": not unread,
            "changes": [_object(move) for move in found.moves],
            "problems": [
                {"place": f"{printable(p.span.path)}:{p.span.line}", "message": p.message}
                for p in unread
            ],
        },
        *_lines(found),
    )
    tell_problems(unread)
    if unread:
        ctx.exit(int(ExitCode.NOT_RUN))


async def _both(base: str, head: str) -> tuple[Files, Files]:
    root = await find_root(Path.cwd())
    return await files_of(root, base), await files_of(root, head)


def _object(move: Move) -> dict[str, Any]:
    one = move.one
    return {
        "change": move.kind.value,
        "ecosystem": one.ecosystem,
        "name": one.name,
        "relation": one.relation.value,
        "scope": one.scope.value,
        "place": f"{printable(one.span.path)}:{one.span.line}",
        "before": _side(move.before),
        "after": _side(move.after),
    }


def _side(one: Declared | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "purl": package_url(one),
        "version": one.version,
        "source": printable(without_login(one.source)),
        "hashes": list(one.hashes),
    }


def _lines(found: Difference) -> list[str]:
    if not found.moves:
        return ["No package changed."]
    rows = [
        (
            move.kind.value,
            f"{move.one.ecosystem}/{move.one.name}",
            _shown(move.before),
            _shown(move.after),
            move.one.relation.value,
            f"{move.one.span.path}:{move.one.span.line}",
        )
        for move in found.moves
    ]
    return table(("CHANGE", "PACKAGE", "BEFORE", "AFTER", "RELATION", "PLACE"), rows)


def _shown(one: Declared | None) -> str:
    if one is None:
        return ""
    return without_login(one.source) or one.version or "open"
