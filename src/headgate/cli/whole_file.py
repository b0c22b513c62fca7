"""Files that commands write: whole, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from headgate.cli.output import printable
from headgate.model.errors import CouldNotRun


def write_whole(path: Path, text: str) -> None:
    """Write a text to a file at once, by a part beside it. Raises CouldNotRun."""
    # A directory has no name to put a part of it beside: `.`, `/`.
    part = path.parent / f".{path.name}.{os.getpid()}"
    try:
        part.write_text(text, "utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise CouldNotRun(
            f"{printable(str(path))} could not be written: {error.strerror}.",
            "Name a file in a directory that exists and that you may write to.",
        ) from error
