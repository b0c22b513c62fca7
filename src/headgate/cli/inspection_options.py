"""The arguments that `check` and `scan` have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("text", "json", "sarif", "github", "junit", "html")


def inspection_options(command: F) -> F:
    """PATHS, --base, --format and -o."""
    decorators = (
        click.argument("paths", nargs=-1, metavar="[PATHS]..."),
        click.option(
            "--base",
            default="",
            metavar="REV",
            help="Tell only what is new since REV (or in A..B); by default everything counts.",
        ),
        click.option(
            "--format",
            "chosen",
            type=click.Choice(FORMATS),
            default="text",
            help="Of the result; text by default. --json is short for --format json.",
        ),
        click.option(
            "-o", "--output", default="", metavar="FILE", help="Write the result to a file."
        ),
    )
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


rules_option = click.option(
    "--rules",
    multiple=True,
    metavar="PACK",
    help="Rule packs of your own, files or folders; may be given more than once.",
)
"""For commands that look for defects in source."""
