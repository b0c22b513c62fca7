"""What is asked of a merge, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.model.change import Signature
from headgate.model.ids import Commit, Tree


@dataclass(frozen=True, slots=True)
class MergeMessage:
    """What the commit says that a merge makes. Replayed commits keep their text and author."""

    text: str
    author: Signature
    committer: Signature


@dataclass(frozen=True, slots=True)
class Merged:
    """The commit that a merge made, and its tree."""

    commit: Commit
    tree: Tree


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """The two do not go together; git names the paths and what is wrong with each."""

    paths: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class NothingToMerge:
    """What was to be merged is there already."""

    detail: str


MergeResult = Merged | MergeConflict | NothingToMerge
