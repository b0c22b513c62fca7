"""`headgate deps fix`."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from headgate.cli.deps_database import database, database_option, max_age_option
from headgate.cli.deps_list import tell_problems
from headgate.cli.deps_propose import propose_files
from headgate.cli.output import current, emit, json_option, printable, say
from headgate.deps.advisories.matcher import Matcher
from headgate.deps.advisories.store import AdvisoryStore
from headgate.deps.fixing.patch import patch
from headgate.deps.fixing.pins import repin
from headgate.deps.fixing.plan import Left, Plan, Step, plan
from headgate.deps.fixing.tools import relock
from headgate.deps.inventory import Inventory, inventory
from headgate.deps.worktree import read_directory
from headgate.model.errors import BadInput, CouldNotRun, ExitCode
from headgate.scan.tree import Root, find_root, select

_SETTINGS = (".npmrc", "uv.toml", ".python-version")
"""Files beside manifests that tell their tools where packages are."""
_MESSAGE = "Move dependencies to versions without known advisories"


@click.command()
@click.argument("path", default=".")
@click.option("--write", is_flag=True, help="Change the files here, instead of printing a patch.")
@click.option("--propose", default="", metavar="REMOTE", help="Push the fix to a server's gate.")
@click.option("--branch", default="", help="The branch that --propose is for; by default its HEAD.")
@max_age_option("How old the advisories may be.")
@database_option
@json_option
@click.pass_context
def fix(
    ctx: click.Context,
    path: str,
    write: bool,
    propose: str,
    branch: str,
    max_age: float,
    db: Path | None,
) -> None:
    """Propose the smallest versions without known advisories.

    Prints a patch. Pins in manifests are edited; uv.lock and npm's lockfiles are written anew by
    uv and npm in a copy, without running any package. Exit codes: 0 nothing is left, 1 an advisory
    is left that no change here removes, 3 something could not be told or read.
    """
    if write and propose:
        raise BadInput("--write and --propose exclude each other.", "Take one of them.")
    root, found = asyncio.run(_read(Path(path).absolute()))
    matcher = Matcher(AdvisoryStore.read(database(db)), time.time(), max_age * 86_400)
    planned = plan(found.components, matcher.match)
    before = _contents(root, found)
    changed, open_ = repin(before, planned.steps)
    # A pin in a manifest may be in a lockfile, too.
    locked, failed = relock({**before, **changed}, _with_locks(planned.steps, open_))
    after = {p: data for p, data in {**changed, **locked}.items() if data != before[p]}
    told = {step.component.purl: why for step, why in failed}
    result = _object(planned, told, sorted(after))
    if write:
        for name, data in after.items():
            _replace(root.path / name, data)
    elif propose and after:
        result["commit"] = propose_files(root.path, after, propose, branch, _MESSAGE)
        say(f"Proposed as {result['commit'][:12]}.")
    difference = patch(before, after)
    result["patch"] = difference
    emit(result, *_lines(planned, told, write))
    if not current().json and not write and not propose and difference:
        say("", difference.rstrip("\n"))
    tell_problems(found.problems)
    unknown = any(not one.affected for one in planned.left)
    if told or any(one.affected for one in planned.left):
        ctx.exit(int(ExitCode.FINDINGS))
    if unknown or found.problems:
        ctx.exit(int(ExitCode.NOT_RUN))


async def _read(path: Path) -> tuple[Root, Inventory]:
    root = await find_root(path)
    selection = await select(root, [path], "", ())
    return root, inventory(read_directory(root.path, selection.paths))


def _contents(root: Root, found: Inventory) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for name in found.files:
        if (root.path / name).is_symlink():
            continue  # The file that it leads to is changed, if it is one of these.
        try:
            contents[name] = (root.path / name).read_bytes()
        except OSError as error:
            raise CouldNotRun(f"{printable(name)} cannot be read: {error.strerror}.") from error
    for directory in {Path(name).parent for name in found.files}:
        for name in _SETTINGS:
            place = root.path / directory / name
            if place.is_file() and not place.is_symlink():
                contents[(directory / name).as_posix()] = place.read_bytes()
    return contents


def _with_locks(steps: tuple[Step, ...], open_: list[Step]) -> list[Step]:
    """The steps that a lockfile has to take part in."""
    locks = ("uv.lock", "package-lock.json", "npm-shrinkwrap.json")
    return [
        one
        for one in steps
        if one in open_ or any(Path(s.path).name in locks for s in one.component.places)
    ]


def _object(planned: Plan, failed: Mapping[str, str], files: list[str]) -> dict[str, Any]:
    return {
        "fixes": [
            {
                "purl": step.component.purl,
                "from": step.component.version,
                "to": step.to,
                "advisories": list(step.advisories),
                "done": step.component.purl not in failed,
                "reason": failed.get(step.component.purl, ""),
            }
            for step in planned.steps
        ],
        "left": [
            {
                "purl": one.component.purl,
                "verdict": "affected" if one.affected else "unknown",
                "reason": one.reason,
            }
            for one in planned.left
        ],
        "files": [printable(name) for name in files],
    }


def _lines(planned: Plan, failed: Mapping[str, str], write: bool) -> list[str]:
    lines: list[str] = []
    for step in planned.steps:
        one = step.component
        what = f"{one.ecosystem}/{one.name} {one.version} -> {step.to}"
        why = failed.get(one.purl)
        lines.append(f"{what}  {', '.join(step.advisories)}" if not why else f"{what}  not: {why}")
    lines += _left(planned.left)
    if not lines:
        return ["No known advisory concerns any package here."]
    return [*map(printable, lines), *(["Written."] if write else [])]


def _left(left: tuple[Left, ...]) -> list[str]:
    """What stays as it is; packages with the same reason on one line."""
    groups: dict[tuple[str, bool, str], list[str]] = {}
    for one in left:
        component = one.component
        name = f"{component.ecosystem}/{component.name} {component.version}".rstrip()
        groups.setdefault((component.ecosystem, one.affected, one.reason), []).append(name)
    lines: list[str] = []
    for (ecosystem, affected, reason), names in groups.items():
        what = f"{len(names)} packages of {ecosystem}" if len(names) > 3 else ", ".join(names)
        lines.append(f"{what}  {'affected' if affected else 'unknown'}: {reason}")
    return lines


def _replace(place: Path, data: bytes) -> None:
    part = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        part.write_bytes(data)
        part.chmod(place.stat().st_mode)
        part.replace(place)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CouldNotRun(
            f"{printable(str(place))} cannot be written: {error.strerror}."
        ) from error
