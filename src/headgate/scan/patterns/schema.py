"""What a taint rule of a user's own says, typed."""

from __future__ import annotations

from enum import StrEnum

from headgate.model.record import record


class Op(StrEnum):
    """What a formula does with the places in a file."""

    MATCH = "match"
    """Those that look like the pattern `text`."""
    ANY = "any"
    """Those that one of `items` selects."""
    ALL = "all"
    """Those that every one of `items` lets through."""
    INSIDE = "inside"
    """Those within what the formula selects."""
    NOT = "not"
    """Those that are not what the formula selects, nor in it."""
    NOT_INSIDE = "not_inside"
    """Those that are not within what the formula selects."""
    FOCUS = "focus"
    """What stands for the variables `names`, instead of the whole."""
    WHERE = "where"
    """Those in which the text that stands for a variable begins with what `text` matches."""


@record
class Formula:
    """Which places in a file are meant."""

    op: Op
    text: str = ""
    items: tuple[Formula, ...] = ()
    names: tuple[str, ...] = ()


@record
class Selected:
    """Places that are sources, sinks or sanitizers of a rule."""

    formula: Formula
    exact: bool = False
    """Whether what is within such a place is not meant."""
    in_place: bool = False
    """Whether what stands there is, from there on, tainted or clean itself."""
    later: bool = False
    """Of `in_place`: only from there on, not there."""


@record
class Passing:
    """Places where data passes from one variable of the pattern to another."""

    formula: Formula
    source: str
    target: str


@record
class TaintRule:
    """One rule: data from any of its sources must not reach any of its sinks."""

    name: str
    """The kind of what it finds: the rule is `own/NAME`."""
    sources: tuple[Selected, ...]
    sinks: tuple[Selected, ...]
    sanitizers: tuple[Selected, ...] = ()
    propagators: tuple[Passing, ...] = ()
    files: str = ""
    """Regular expression (re.search) for the paths that it counts for."""
    unless_files: str = ""

    @property
    def label(self) -> str:
        """Of what its sources give: nothing but its own sinks tell of it."""
        return f"own:{self.name}"
