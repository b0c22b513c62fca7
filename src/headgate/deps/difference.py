"""How the packages of one tree differ from those of another: a set difference by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from headgate.deps.lockfiles.interface import Declared

_Name = tuple[str, str]


class Kind(StrEnum):
    """What happened to a package."""

    ADDED = "added"
    REMOVED = "removed"
    VERSION = "version changed"
    SOURCE = "source changed"
    HASH = "hash changed"
    """At the same version, from the same source: somebody replaced what was published."""


@dataclass(frozen=True, slots=True)
class Move:
    """What happened to one package."""

    kind: Kind
    before: Declared | None
    after: Declared | None

    @property
    def one(self) -> Declared:
        """The package as it is now, or as it was before it was removed."""
        found = self.after or self.before
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that happened, by ecosystem and name."""

    moves: tuple[Move, ...] = ()

    def of(self, kind: Kind) -> tuple[Move, ...]:
        """The moves of one kind."""
        return tuple(move for move in self.moves if move.kind is kind)


def compare(before: Iterable[Declared], after: Iterable[Declared]) -> Difference:
    """What happened between two states.

    A package may be there in several versions; each version that came is paired with one that
    went, if any.
    """
    former, latter = list(before), list(after)
    old, new = _by_name(former), _by_name(latter)
    moves = list(_replaced(former, latter))
    for name in old.keys() | new.keys():
        mine, theirs = old.get(name, {}), new.get(name, {})
        if mine.keys() != theirs.keys():
            moves.extend(_moves(mine, theirs))
    moves.sort(key=lambda m: (m.one.ecosystem, m.one.name, m.kind, m.one.version))
    return Difference(tuple(moves))


_Place = tuple[str, str]
"""Version and source; the version is empty where a file leaves a choice."""


def _by_name(given: list[Declared]) -> dict[_Name, dict[_Place, Declared]]:
    found: dict[_Name, dict[_Place, Declared]] = {}
    for one in given:
        places = found.setdefault((one.ecosystem, one.name), {})
        place = (one.version, one.source)
        known = places.get(place)
        # The record with hashes tells more than the line that asks for the package.
        if known is None or (one.hashes and not known.hashes):
            places[place] = one
    # A range says nothing beside the version that a lockfile chose.
    for places in found.values():
        if len(places) > 1 and any(version for version, _ in places):
            for place in [p for p in places if p == ("", "")]:
                del places[place]
    return found


def _moves(old: dict[_Place, Declared], new: dict[_Place, Declared]) -> Iterable[Move]:
    went = [old[place] for place in sorted(old.keys() - new.keys())]
    came = [new[place] for place in sorted(new.keys() - old.keys())]
    for one in came:
        partner = next((o for o in went if o.source == one.source), went[0] if went else None)
        if partner is None:
            yield Move(Kind.VERSION if old else Kind.ADDED, None, one)
            continue
        went.remove(partner)
        kind = Kind.VERSION if partner.source == one.source else Kind.SOURCE
        yield Move(kind, partner, one)
    for one in went:
        yield Move(Kind.VERSION if new else Kind.REMOVED, one, None)


def _replaced(former: list[Declared], latter: list[Declared]) -> Iterable[Move]:
    """Packages of which a file accepts another artifact than before, and one less.

    One artifact more, as when a wheel for another platform is published, is no such case. Each
    file is compared with itself, as one lockfile must not vouch for another.
    """
    old = {_artifact(one): one for one in former if one.hashes}
    for one in latter:
        known = old.get(_artifact(one)) if one.hashes else None
        if known is None or known.hashes == one.hashes:
            continue
        kinds = {_algorithm(h) for h in known.hashes} & {_algorithm(h) for h in one.hashes}
        gone = {h for h in known.hashes if _algorithm(h) in kinds} - set(one.hashes)
        new = {h for h in one.hashes if _algorithm(h) in kinds} - set(known.hashes)
        if gone and new:
            yield Move(Kind.HASH, known, one)


def _artifact(one: Declared) -> tuple[str, str, str, str, str]:
    return one.span.path, one.ecosystem, one.name, one.version, one.source


def _algorithm(digest: str) -> str:
    for mark in (":", "-", "/"):
        if mark in digest[:12]:
            return digest.partition(mark)[0]
    return ""
