"""What a user names on the command line, and the project that it is in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from headgate.model.errors import BadInput
from headgate.scan.root import Root, asked_root
from headgate.scan.text import printable


class Where:
    """Files and directories by their names. Git looks for the project while the program goes on,
    e.g. to load what examines files."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Raises BadInput when the first is not there, CouldNotRun without git."""
        self.places = [Path(path) for path in paths]
        self._answer = asked_root(start_of(self.places))

    def root(self) -> Root:
        """To be called once. Raises BadInput, CouldNotRun."""
        return self._answer()


def start_of(places: Sequence[Path]) -> Path:
    """Where to look for the project: the first place named, or here. Raises BadInput."""
    if not places:
        return Path.cwd()
    if not os.path.lexists(places[0]):
        raise BadInput(f"There is no {printable(str(places[0]))}.", "Name files or directories.")
    return places[0].absolute()
