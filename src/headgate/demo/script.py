"""What a script of the demonstration consists of: two projects, and the edits of its story."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Edit = Callable[[Path], None]
"""Changes the files of a working tree."""


@dataclass(frozen=True, slots=True)
class Script:
    """Two projects, the second depending on the first, and what is done to them."""

    provider: str
    consumer: str
    lay_out: Callable[[Path, Path], None]
    """Fills the two directories with the projects' first state."""
    setups: tuple[str, ...]
    """The set-up scripts that the operator approves."""
    approved: tuple[str, ...]
    """Packages that the policy approves from the start."""
    edits: Mapping[str, Edit]


ROLES = (
    "innocent",
    "independent-provider",
    "independent-consumer",
    "convention",
    "unconventional",
    "bystander",
    "breaks-consumer",
    "pair-provider",
    "pair-consumer",
    "credential",
    "injection",
    "dependency",
    "critical",
    "critical-again",
)


class ScriptProblem(Exception):
    """The projects are not as the script expects them."""


def append(path: str, text: str) -> Edit:
    """Add text to the end of a file, or make the file."""

    def edit(root: Path) -> None:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_text("utf-8") if file.exists() else ""
        file.write_text(before + text, "utf-8")

    return edit


def replace(path: str, old: str, new: str, every: int = 0) -> Edit:
    """Replace text that must be there; `every` 0 means each occurrence."""

    def edit(root: Path) -> None:
        file = root / path
        before = file.read_text("utf-8")
        if old not in before:
            raise ScriptProblem(f"{path} no longer holds {old!r}.")
        file.write_text(before.replace(old, new, every or -1), "utf-8")

    return edit


def both(*edits: Edit) -> Edit:
    """One edit after the other."""

    def edit(root: Path) -> None:
        for each in edits:
            each(root)

    return edit
