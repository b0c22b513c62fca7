"""`headgate deps policy`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from headgate.cli.output import emit, json_option, printable
from headgate.model.dependency_policy import PolicyException
from headgate.model.errors import BadInput


@click.group()
def policy() -> None:
    """The policy about packages: check it."""


@policy.command()
@click.argument(
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
)
@json_option
@click.pass_context
def check(ctx: click.Context, directory: Path) -> None:
    """Check what the policy in DIRECTORY says about packages, without a server.

    Exit codes: 0 nothing to say, 1 expired exceptions or rules that contradict each other,
    2 the policy cannot be read.
    """
    from headgate.cli.policy import read_policy
    from headgate.deps.policy.review import review
    from headgate.model.toml.policy_file import parse_policy

    found = parse_policy(read_policy(directory)).dependencies
    remarks = review(found, exceptions_in(directory), time.time())
    emit(
        {
            "ok": not remarks,
            "remarks": [{"place": str(r.place), "message": r.message} for r in remarks],
            "allow": len(found.allow) + sum(len(names) for names in found.approved.values()),
            "deny": len(found.deny),
            "exceptions": len(found.exceptions),
        },
        *(printable(f"{r.place}: {r.message}") for r in remarks),
        f"{len(found.deny)} denials, {len(found.exceptions)} exceptions, "
        f"{len(remarks)} remark{'' if len(remarks) == 1 else 's'}.",
    )
    if remarks:
        ctx.exit(1)


def exceptions_in(directory: Path) -> tuple[PolicyException, ...]:
    """The exceptions of a policy in a directory, those of its VEX documents included.

    Raises BadInput.
    """
    from headgate.cli.policy import read_policy
    from headgate.deps.vex import read_openvex
    from headgate.model.toml.policy_file import parse_policy

    found = list(parse_policy(read_policy(directory)).dependencies.exceptions)
    for file in sorted((directory / "vex").rglob("*.json")):
        name = file.relative_to(directory).as_posix()
        try:
            found += read_openvex(file.read_text("utf-8"), name)
        except UnicodeDecodeError:
            raise BadInput(f"{name}:1: this is not UTF-8.", "Save the file as UTF-8.") from None
        except OSError as error:
            raise BadInput(f"{name} cannot be read: {error.strerror}.") from None
    return tuple(found)
