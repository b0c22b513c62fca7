"""`headgate secret`."""

from __future__ import annotations

import sys

import click

from headgate.cli.client import connect, segment
from headgate.cli.output import emit, json_option, moment, table


@click.group()
def secret() -> None:
    """Store secrets for jobs; they are never shown again."""


PROJECT = click.argument("project")
NAME = click.argument("name")


@secret.command("set")
@PROJECT
@NAME
@json_option
def set_(project: str, name: str) -> None:
    """Store the secret NAME of PROJECT.

    The value is asked for on a terminal, and else read from standard input to its end, without
    the last line break. It is never an argument: everybody on the machine can read those.
    """
    if sys.stdin.isatty():
        value = str(click.prompt(f"Value of {name}", hide_input=True, err=True))
    else:
        value = sys.stdin.read()
        value = value.removesuffix("\n").removesuffix("\r")
    path = f"/api/projects/{segment(project)}/secrets/{segment(name)}"
    emit(connect().post(path, {"value": value}), f"{project} has the secret {name}.")


@secret.command("list")
@PROJECT
@json_option
def list_(project: str) -> None:
    """List the secrets of PROJECT: names, never values."""
    answer = connect().get(f"/api/projects/{segment(project)}/secrets")
    rows = [(s["name"], s["set_by"], moment(s["created"])) for s in answer["secrets"]]
    emit(answer, *table(("NAME", "SET BY", "WHEN"), rows))


@secret.command()
@PROJECT
@NAME
@json_option
def remove(project: str, name: str) -> None:
    """Remove the secret NAME of PROJECT."""
    path = f"/api/projects/{segment(project)}/secrets/{segment(name)}/remove"
    emit(connect().post(path), f"{project} has no secret {name} any more.")
