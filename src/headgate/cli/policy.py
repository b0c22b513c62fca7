"""`headgate policy`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from headgate.cli.client import connect
from headgate.cli.output import emit, json_option, printable
from headgate.model.errors import BadInput

FILES = ("policy.toml", "permissions.cedar", "dependencies.toml")
DIRECTORY = click.argument(
    "directory", type=click.Path(exists=True, file_okay=False, path_type=Path)
)


@click.group()
def policy() -> None:
    """Look at the policy, check it, import it."""


@policy.command()
@json_option
def show() -> None:
    """Show the policy in force."""
    answer = connect().get("/api/policy")
    emit(answer, *_lines(answer["policy"]))


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [
        f"digest    {found['digest']}",
        f"denied    findings from {found['deny_from']} with confidence"
        f" {found['deny_confidence']} or more",
    ]
    for name, members in found["groups"].items():
        lines.append(f"group     {name}: {printable(', '.join(members)) or 'nobody'}")
    for queue in found["queues"]:
        of = f"{', '.join(queue['projects'])} at {', '.join(queue['branches'])}"
        lanes = queue["mode"] == "lanes"
        pace = f"lanes, slots {queue['slots']}" if lanes else f"window {queue['window']}"
        lines.append(f"queue     {queue['name']}: {printable(of)}, {pace}")
    for rule in found["approvals"]:
        who = " or ".join(rule["groups"]) or "anybody who may"
        lines.append(f"approval  {rule['name']}: {rule['count']} by {who}")
    for one in found["suppressions"]:
        where = ", ".join((*one["projects"], *one["paths"])) or "all"
        until = datetime.fromtimestamp(one["until"], UTC).date()
        lines.append(
            f"suppress  {printable(', '.join(one['rules']))} in {printable(where)} until {until}: "
            f"{printable(one['owner'])}, {printable(one['because'])}"
        )
    if reviewer := found["reviewer"]:
        lines.append(
            f"reviewer  {printable(reviewer['model'])} at {printable(reviewer['endpoint'])} for "
            f"{printable(', '.join(reviewer['projects']))}, at most "
            f"{reviewer['tokens_per_day']:,} tokens a day"
        )
    dependencies = found["dependencies"]
    lines.append(
        f"new dependencies  humans: {dependencies['humans']}, agents: {dependencies['agents']}"
    )
    for ecosystem, names in dependencies["approved"].items():
        lines.append(f"approved  {ecosystem}: {printable(', '.join(names)) or 'none'}")
    return lines


@policy.command()
@DIRECTORY
@json_option
def check(directory: Path) -> None:
    """Check the policy in DIRECTORY, without a server."""
    from headgate.authority.permissions import Permissions
    from headgate.model.toml.policy_file import parse_policy
    from headgate.scan.rules.central import check_rules

    files = read_policy(directory)
    found = parse_policy(files)
    Permissions(found.cedar)
    check_rules(found.suppressions)
    ended = [one for one in found.suppressions if not one.holds(time.time())]
    emit(
        {
            "ok": True, "digest": found.digest, "files": sorted(files),
            "ended_suppressions": [{"line": one.line, "owner": one.owner} for one in ended],
        },
        *(
            f"{one.place}: this suppression has ended: renew it or take it out; "
            f"{printable(one.owner)} owns it."
            for one in ended
        ),
        f"The policy in {directory} can be used; its digest is {found.digest}.",
    )  # fmt: skip


@policy.command("import")
@DIRECTORY
@click.option("--reason", required=True, help="Why it does not go through the gate; for the log.")
@json_option
def import_(directory: Path, reason: str) -> None:
    """Replace the policy by that in DIRECTORY at once, without the gate."""
    files = {name: _text(directory / name, data) for name, data in read_policy(directory).items()}
    answer = connect().post("/api/policy/import", {"files": files, "reason": reason})
    emit(answer, f"The policy in force is now {answer['digest']}.")


def read_policy(directory: Path) -> dict[str, bytes]:
    """The files of a policy. Raises BadInput when there is no policy.toml."""
    files: dict[str, bytes] = {}
    for name in FILES:
        try:
            files[name] = (directory / name).read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise BadInput(f"{directory / name} cannot be read: {error.strerror}.") from None
    if "policy.toml" not in files:
        raise BadInput(
            f"{directory} holds no policy.toml.", "Name the directory that holds the policy."
        )
    return files


def _text(file: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{file} is not UTF-8.", "Save it as UTF-8.") from None
