"""What the ordering of one ecosystem's versions is asked."""

from __future__ import annotations

from typing import Any, Protocol

from headgate.model.errors import BadInput

LONGEST = 1000
"""Characters of the longest version that is read; registries allow far fewer."""


class BadVersion(BadInput):
    """A text that is no version in its ecosystem: nothing can be said of its place."""


class Key(Protocol):
    """The place of a version among those of its ecosystem."""

    def __lt__(self, other: Any, /) -> bool: ...


class Ordering(Protocol):
    """How the tools of one ecosystem order versions: a total order."""

    def key(self, version: str) -> Key:
        """The place of a version; keys of one ordering compare with `<` and `==`.

        Raises BadVersion for what the ecosystem does not take for a version.
        """
        ...


def bad(version: str, what: str) -> BadVersion:
    """The error for a text that is no version of the kind named."""
    shown = version if len(version) <= 60 else version[:60] + "…"
    return BadVersion(f"{shown!r} is not a version of {what}.", "Give one that its tools take.")
