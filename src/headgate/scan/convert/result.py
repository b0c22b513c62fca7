"""What came of the rules of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that a rule says and a pack cannot."""

    line: int
    what: str
    """The key, as the file has it."""
    why: str

    def sentence(self, file: str) -> str:
        return f"{file}:{self.line}: {self.what}: {self.why}."


@dataclass(slots=True)
class Carried:
    """One rule of the file."""

    file: str
    line: int
    name: str
    """As the file has it; empty when it has none."""
    rules: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """By language, as the pack has it; empty when nothing of it can be carried."""
    lacks: list[Lack] = field(default_factory=list[Lack])
    """What cannot be carried and changes what the rule finds."""
    notes: list[Lack] = field(default_factory=list[Lack])
    """What is left out and changes nothing of what the rule finds."""

    @property
    def whole(self) -> bool:
        return bool(self.rules) and not self.lacks

    def sentences(self) -> list[str]:
        return [one.sentence(self.file) for one in (*self.lacks, *self.notes)]
