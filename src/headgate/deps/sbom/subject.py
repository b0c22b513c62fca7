"""What a bill of materials is of."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from headgate import __version__


@dataclass(frozen=True, slots=True)
class Subject:
    """One state of one project."""

    name: str
    commit: str
    """Empty for a working tree."""
    created: datetime
    """When that state came to be; a commit's own time, so that every copy says the same."""

    @property
    def shown(self) -> str:
        """The name with nothing in it that a document cannot hold."""
        return printable(self.name) or "project"

    @property
    def time(self) -> str:
        """As ISO 8601 in UTC, to the second."""
        return self.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def identity(self, content: str) -> uuid.UUID:
        """An identifier of the document that says this of that state."""
        return uuid.uuid5(_SPACE, f"{self.shown}\0{self.commit}\0{self.time}\0{content}")


TOOL = "headgate"
VERSION = __version__

_SPACE = uuid.UUID("7d6a1d7c-6b0f-5f6e-9a57-3b8f0c2f6a11")


def printable(text: str) -> str:
    """The text without what is no character of a line."""
    shown = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
