"""The most downloaded packages: whose names are worth imitating, and who is no imitation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from headgate.model.purl import normalised

TARGETS = 1000
"""How many of them are defended against imitations; the others are only known to be real."""


@dataclass(frozen=True, slots=True)
class Popular:
    """The popular packages of one ecosystem."""

    ranks: Mapping[str, int]
    """Normalised name → place, the most downloaded first, counted from 1."""
    bare: Mapping[str, str]
    """Name without separators → the most popular target so spelt."""
    words: Mapping[tuple[str, ...], str]
    """Words of a name, sorted → the most popular target of several words."""

    def rank(self, name: str) -> int:
        """The place of a name; 0: it has none."""
        return self.ranks.get(name, 0)

    def target(self, name: str) -> bool:
        """Whether a name is defended."""
        return 0 < self.rank(name) <= TARGETS


def bare(name: str) -> str:
    """A name without what separates its words."""
    return "".join(c for c in name if c not in "-_./@")


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, in its order."""
    flat = "".join("-" if c in "-_./@" else c for c in name)
    return tuple(word for word in flat.split("-") if word)


def popular_of(names: list[str]) -> Popular:
    """The tables over names, the most popular first."""
    ranks: dict[str, int] = {}
    for name in names:
        ranks.setdefault(name, len(ranks) + 1)
    without: dict[str, str] = {}
    sorted_words: dict[tuple[str, ...], str] = {}
    for name, rank in ranks.items():
        if rank > TARGETS:
            break
        without.setdefault(bare(name), name)
        words = words_of(name)
        if len(words) > 1:
            sorted_words.setdefault(tuple(sorted(words)), name)
    return Popular(ranks, without, sorted_words)


@cache
def popular(ecosystem: str) -> Popular:
    """The packages that this program ships as popular; empty for ecosystems without a list."""
    file = resources.files("headgate.deps.names").joinpath("data", f"popular_{ecosystem}.txt")
    if not file.is_file():
        return popular_of([])
    lines = file.read_text("utf-8").split("\n")
    return popular_of([normalised(ecosystem, line) for line in lines if line])
