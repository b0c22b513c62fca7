"""Ranges of versions as the policy writes them: https://github.com/package-url/vers-spec."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

from headgate.deps.ecosystems import osv_ecosystem
from headgate.deps.versions import BadVersion, Ordering, compare, ordering_of


class Inside(Enum):
    """Whether a version is in a range."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """No version is known, or nobody can compare it."""


@dataclass(frozen=True, slots=True)
class _Bound:
    comparator: str
    version: str


def inside(versions: str, version: str) -> Inside:
    """Whether a version is in a `vers:` range; an empty range holds every version, known or not."""
    if not versions:
        return Inside.YES
    kind, _, text = versions.removeprefix("vers:").partition("/")
    if text == "*":
        return Inside.YES
    if not version:
        return Inside.UNKNOWN
    bounds = [_bound(part) for part in text.split("|")]
    ordering = ordering_of(osv_ecosystem(kind))
    if ordering is None:
        return _by_equality(bounds, version)
    try:
        found = _compared(bounds, version, ordering)
    except BadVersion:
        return Inside.UNKNOWN
    return Inside.YES if found else Inside.NO


def _bound(part: str) -> _Bound:
    for comparator in ("<=", ">=", "!=", "<", ">", "="):
        if part.startswith(comparator):
            return _Bound(comparator, unquote(part[len(comparator) :]))
    return _Bound("=", unquote(part))


def _by_equality(bounds: list[_Bound], version: str) -> Inside:
    if all(bound.comparator == "=" for bound in bounds):
        return Inside.YES if version in [b.version for b in bounds] else Inside.NO
    return Inside.UNKNOWN


def _compared(bounds: list[_Bound], version: str, ordering: Ordering) -> bool:
    """The algorithm of the specification: bounds sorted by version, then read in pairs."""

    def order(one: _Bound, other: _Bound) -> int:
        return compare(ordering, one.version, other.version)

    signs = {id(b): compare(ordering, version, b.version) for b in bounds}
    if any(b.comparator == "!=" and signs[id(b)] == 0 for b in bounds):
        return False
    if any(b.comparator in ("=", "<=", ">=") and signs[id(b)] == 0 for b in bounds):
        return True
    ranges = sorted(
        (b for b in bounds if b.comparator in ("<", "<=", ">", ">=")),
        key=functools.cmp_to_key(order),
    )
    if not ranges:
        return all(b.comparator == "!=" for b in bounds)
    first, last = ranges[0], ranges[-1]
    if first.comparator.startswith("<") and signs[id(first)] < 0:
        return True
    if last.comparator.startswith(">") and signs[id(last)] > 0:
        return True
    return any(
        low.comparator.startswith(">")
        and high.comparator.startswith("<")
        and signs[id(low)] > 0
        and signs[id(high)] < 0
        for low, high in itertools.pairwise(ranges)
    )
