"""What the engine is asked to examine, and which checks it makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from headgate.model.finding import Finding
from headgate.model.record import record
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.history import Past

if TYPE_CHECKING:
    from headgate.scan.reviewer.interface import Scope

CHECKS = ("source", "secrets")


@record
class Request:
    """What to examine."""

    head: tuple[SourceFile, ...]
    base: tuple[SourceFile, ...] | None = None
    """What the same files were before; None: every finding counts, not only new ones."""
    context: tuple[SourceFile, ...] = ()
    """Files that are the same in both, for what reaches into them and out of them."""
    unfollowed: str = ""
    """`what: reason` when there should be a context and is none."""
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Path in the head → path in the base."""
    excluded: frozenset[str] = frozenset()
    """Paths that the source check leaves out."""
    history: tuple[Past, ...] = ()
    """What is searched for secrets only."""
    links: tuple[SourceFile, ...] = ()
    """Symbolic links, with their targets as content; searched for secrets only."""
    base_links: tuple[SourceFile, ...] = ()
    messages: tuple[SourceFile, ...] = ()
    """Messages of commits, as notes; searched for secrets only."""
    unread: Mapping[str, str] = field(default_factory=dict[str, str])
    """Path → why it could not be read, of files that should have been examined."""
    skipped: tuple[str, ...] = ()
    """`path: reason` of what is no file to examine."""
    tools: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tools of others to run on the source, too; as `adapters` takes them."""
    rules: tuple[SourceFile, ...] = ()
    """Rule packs of the project's own, that count besides those that Headgate ships."""
    foreign: tuple[Finding, ...] | None = None
    """What another tool found in these files; then none of ours looks for defects in them."""
    scope: Scope | None = None
    """What may be shown to the reviewer. With one, nothing is examined: its material is made."""
