"""Branches that a configuration tells apart, as patterns of which one always decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headgate.zuul.expressions import Irregular
from headgate.zuul.losses import Losses
from headgate.zuul.objects import Matcher
from headgate.zuul.patterns import BranchSet, branch_patterns, covers, overlap


@dataclass(frozen=True, slots=True)
class Region:
    """The branches that fit a pattern and none of the narrower ones; an empty one: the rest."""

    pattern: str


class Regions:
    """Every region that some matchers tell apart."""

    def __init__(self, matchers: Iterable[Matcher], losses: Losses) -> None:
        """What no pattern can say is reported, and then matches nowhere.

        Of two patterns that overlap, neither within the other, the later one counts where both
        fit; that is reported too.
        """
        self._sets: dict[Matcher, BranchSet] = {}
        atoms: dict[str, Matcher] = {}
        for matcher in matchers:
            if matcher in self._sets:
                continue
            found = self._sets[matcher] = BranchSet(())
            try:
                found = branch_patterns(matcher.expression)
            except Irregular as error:
                losses.lost(
                    matcher.place,
                    f"branches: {matcher.expression}",
                    f"no patterns say exactly the same: {error}; what it was for is left out.",
                    "Write a [[jobs.NAME.variants]] table with `branches` by hand.",
                )
                continue
            if clash := self._clash(found, atoms):
                losses.differs(
                    matcher.place,
                    f"branches: {matcher.expression}",
                    f"{clash}; a branch that fits both is taken as one that fits the later only.",
                    "Nothing, unless there is such a branch.",
                )
            self._sets[matcher] = BranchSet(found.patterns, found.negated != matcher.negate)
            atoms.update(dict.fromkeys(found.patterns, matcher))
        # The wider first: the last that matches wins.
        ordered: list[str] = []
        for atom in atoms:
            at = next(
                (index for index, other in enumerate(ordered) if covers(atom, other)), len(ordered)
            )
            ordered.insert(at, atom)
        self.all = (Region(""), *(Region(atom) for atom in ordered if atom.strip("*")))

    @staticmethod
    def _clash(found: BranchSet, atoms: Iterable[str]) -> str:
        for one in found.patterns:
            for other in (*atoms, *found.patterns):
                if overlap(one, other) and not (covers(one, other) or covers(other, one)):
                    return f"`{one}` and `{other}` overlap"
        return ""

    def counts(self, matchers: Sequence[Matcher], region: Region) -> bool:
        """Whether something with these matchers counts in a region."""
        return not matchers or any(self._matches(one, region) for one in matchers)

    def _matches(self, matcher: Matcher, region: Region) -> bool:
        found = self._sets[matcher]
        if not found.patterns:
            return False
        inside = any(
            not pattern.strip("*") or (region.pattern and covers(pattern, region.pattern))
            for pattern in found.patterns
        )
        return inside != found.negated
