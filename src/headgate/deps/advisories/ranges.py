"""Whether a version lies in the ranges of an advisory: the evaluation of the OSV specification.

Where it is silent: of two events at one version the fix counts before what is introduced, unless
that is `0`, the beginning; a local version of the last affected one is affected (`1.2+corp` of
`1.2`); versions are compared in the order of their ecosystem, whatever type a range has; and a
version that is listed is meant in every way of writing it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

from headgate.deps.versions import BadVersion, ordering_of

Range = Sequence[Sequence[str]]
"""Events as [kind, version], in order; see `ordered`."""

UNREADABLE = "?"
"""The kind of an event that stands for a range with a version nobody can place."""

_NO_ONE_VERSION = re.compile(
    r"[A-Za-z]+|[0-9a-f]{40}|[0-9a-f]{64}|(?:[0-9]+\.)+[xX]|[~^]+.*|==.*"
    r"|.*[\s$%{}()\[\],<>*?|\\].*|(?!dev-).*/.*",
    re.ASCII | re.DOTALL,
)
"""A mere word, a commit's hash, a range, a `${property}`, an address: some ecosystems' tools order
them too (Maven places `${v}` before all versions), but whoever asks with one does not know which
version it is."""

_PLATFORM = re.compile(
    r"-(?:java|jruby|ruby|mswin\w*|mingw\w*|(?:x86|x86_64|x64|i[36]86|arm|arm64|armv\w+|aarch64"
    r"|ppc\w*|powerpc\w*|s390x|riscv64|universal|sparc)-[a-z][\w.-]*)",
    re.ASCII,
)
"""What Bundler appends to the version of a gem built for a platform, at its end."""

_AT_ONE_VERSION = {"f": 0, "i": 1, "l": 2}
_LOCAL = frozenset({"PyPI"})
"""Ecosystems where `1.2+corp` is `1.2` with something of one's own."""


class Truth(Enum):
    """Whether a version is affected; what cannot be told is neither."""

    YES = "yes"
    NO = "no"
    DOUBT = "doubt"


class Place:
    """One version among those of its ecosystem, to be asked about many ranges."""

    __slots__ = ("_key", "_keys", "_public", "version")

    def __init__(self, ecosystem: str, version: str) -> None:
        """`ecosystem` is as `order_name` gives it."""
        self._keys = keys_of(ecosystem)
        self.version = version
        if ecosystem == "RubyGems" and (found := _PLATFORM.search(version)):
            # The order of gems would take it for a pre-release.
            version = version[: found.start()] if found.end() == len(version) else version
        self._key = None if _NO_ONE_VERSION.fullmatch(version) else self._keys(version)
        public = version.partition("+")[0] if ecosystem in _LOCAL else version
        # Of a version older than PEP 440, like `+5`, what stands in front may be none.
        local = public != version and self._key is not None
        self._public = (self._keys(public) if local else None) or self._key

    @property
    def readable(self) -> bool:
        """Whether the ecosystem takes it for a version; where there is no order, it does."""
        return self._key is not None or self._keys is _unordered

    def within(self, ranges: Sequence[Range], versions: Sequence[str]) -> Truth:
        """Whether the version is listed or lies in a range."""
        if self._listed(versions):
            return Truth.YES
        doubt = False
        for one in ranges:
            truth = self._within(one)
            if truth is Truth.YES:
                return truth
            doubt = doubt or truth is Truth.DOUBT
        if self._keys is _unordered:
            # The list is all there is, and the specification wants it whole.
            return Truth.DOUBT if doubt and not versions else Truth.NO
        return Truth.DOUBT if doubt or self._key is None else Truth.NO

    def before(self, version: str) -> bool:
        """Whether the version comes before another; False where that cannot be told."""
        key = self._keys(version)
        return self._key is not None and key is not None and self._key < key

    def compare(self, a: str, b: str) -> int:
        """The order of two other versions of the ecosystem; 0 where it cannot be told."""
        left, right = self._keys(a), self._keys(b)
        if left is None or right is None:
            return 0
        return -1 if left < right else int(right < left)

    def _listed(self, versions: Sequence[str]) -> bool:
        if self.version in versions:
            return True
        if self._key is None:
            return False
        own = (self._key, self._public)
        return any(self._keys(one) in own for one in versions)

    def _within(self, events: Range) -> Truth:
        if len(events) == 1 and events[0][0] == "i" and events[0][1] == "0":
            return Truth.YES
        key = self._key
        if key is None or events[0][0] == UNREADABLE:
            return Truth.DOUBT
        affected = False
        limits: list[str] = []
        for kind, version in events:
            if kind == "x":
                limits.append(version)
            elif kind == "i" and version == "0":
                affected = True
            else:
                event = self._keys(version)
                if event is None:
                    return Truth.DOUBT
                if kind == "l":
                    affected = affected and not event < self._public
                elif not key < event:
                    affected = kind == "i"
        if affected and limits and "*" not in limits:
            affected = any(self.before(limit) for limit in limits)
        return Truth.YES if affected else Truth.NO


def order_name(ecosystem: str, release: str) -> str:
    """What decides the order: the ecosystem, and of those that rebuild others also which."""
    if ecosystem in ("Echo", "Root"):
        return f"{ecosystem}:{release.partition(':')[0]}"
    return f"{ecosystem}:{release}" if ecosystem == "TuxCare" else ecosystem


def ordered(ecosystem: str, events: Sequence[tuple[str, str]]) -> list[list[str]]:
    """The events of a range as the evaluation wants them; one unreadable one where it must not be.

    A range from the beginning on without an end needs no order.
    """
    keys = keys_of(ecosystem)
    limits = [[kind, version] for kind, version in events if kind == "x"]
    start = [["i", "0"]] if ("i", "0") in events else []
    placed: list[tuple[Any, int, list[str]]] = []
    for kind, version in events:
        if kind == "x" or (kind, version) == ("i", "0"):
            continue
        key = keys(version)
        if key is None:
            return [[UNREADABLE, version]]
        placed.append((key, _AT_ONE_VERSION[kind], [kind, version]))
    placed.sort(key=lambda one: one[:2])
    return [*start, *(event for _, _, event in placed), *limits]


def _unordered(version: str) -> Any:
    del version


@lru_cache(maxsize=200)
def keys_of(ecosystem: str) -> Any:
    """The keys of an ecosystem's versions: a function that gives None for what is no version."""
    ordering = ordering_of(ecosystem)
    if ordering is None:
        return _unordered

    @lru_cache(maxsize=50_000)
    def key(version: str) -> Any:
        try:
            return ordering.key(version)
        except BadVersion:
            return None

    return key
