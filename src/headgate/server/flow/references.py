"""The refs under which a change's commits are kept, hidden from everyone but Headgate."""

from __future__ import annotations

from headgate.model.ids import ChangeNumber

HIDDEN = "refs/headgate/"


def revision_ref(change: ChangeNumber, revision: int) -> str:
    """Keeps a revision's commits from being collected."""
    return f"{HIDDEN}changes/{change}/{revision}"


def parked_ref(change: ChangeNumber) -> str:
    """Keeps the commits of a revision that waits for the verdict of the one before it."""
    return f"{HIDDEN}parked/{change}"
