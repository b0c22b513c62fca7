"""Which advisories concern a version of a package: a function over records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import NamedTuple

from headgate.deps.advisories.cvss import rating_of, score
from headgate.deps.advisories.entries import Entry, entry_of
from headgate.deps.advisories.names import ecosystem_and_release, package_name, same_release
from headgate.deps.advisories.ranges import Place, Truth, order_name
from headgate.deps.advisories.record import Record
from headgate.deps.advisories.verdict import Answer, Known, Package, Verdict

Exploits = Callable[[Iterable[str]], Mapping[str, tuple[float | None, bool]]]
"""(EPSS, whether known to be exploited) of those CVEs that something is known of."""

_WORDS = ("rating", "Ubuntu")
"""Severities that are words."""
_RATINGS = {"moderate": "medium", "important": "high", "negligible": "low"}
_MAJOR = re.compile(r"(?:[0-9]+[:!])?[vV]?([0-9]+)")


class Statement(NamedTuple):
    """What one record says of a package, as it is kept: most are only asked for their entries."""

    id: str
    aliases: str
    """With spaces between."""
    severities: str
    """One a line: type and vector, or `rating` and a word."""
    summary: str
    entries: Sequence[Entry]


def statement(record: Record, entries: Sequence[Entry]) -> Statement:
    """What a record says of a package that it has these entries of."""
    return Statement(
        record.id,
        " ".join("".join(one.split()) for one in record.aliases),
        "\n".join(f"{''.join(kind.split())} {score}" for kind, score in record.severities),
        record.summary,
        entries,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A package, named as records name it."""

    package: Package
    ecosystem: str
    release: str
    name: str

    @classmethod
    def of(cls, package: Package) -> Asked:
        """The same package, in the words of its ecosystem."""
        ecosystem, release = ecosystem_and_release(package.ecosystem)
        name = package_name(ecosystem, release, package.name)
        return cls(package, ecosystem, release, name)

    @property
    def order(self) -> str:
        """What decides the order of its versions."""
        return order_name(self.ecosystem, self.release)


def nothing_known(cves: Iterable[str]) -> Mapping[str, tuple[float | None, bool]]:
    """The answer where nothing is known of exploitation."""
    del cves
    return {}


def match(package: Package, records: Iterable[Record]) -> Answer:
    """The verdict on a package where `records` are all there is to know."""
    asked = Asked.of(package)
    statements: list[Statement] = []
    for record in records:
        entries = tuple(
            entry_of(one)
            for one in record.affected
            if (one.ecosystem, one.name) == (asked.ecosystem, asked.name)
        )
        if entries and not record.withdrawn:
            statements.append(statement(record, entries))
    return judge(asked, statements)


def judge(
    asked: Asked,
    statements: Sequence[Statement],
    troubles: Sequence[str] = (),
    exploits: Exploits = nothing_known,
    basis: str = "",
) -> Answer:
    """The verdict, given what is said of the package.

    `troubles` are reasons why what is said may not be all; `basis` says what it was said by.
    """
    place = Place(asked.order, asked.package.version.strip())
    relevant = _relevant(asked, statements)
    truths = [(one, _truth(place, one.entries)) for one in relevant]
    affecting = [one for one, truth in truths if truth is Truth.YES]
    doubts = tuple(sorted(one.id for one, truth in truths if truth is Truth.DOUBT))
    if affecting:
        known = _groups(place, affecting, exploits)
        fixes = _fixes(asked, place, affecting, relevant)
        reason = _affected(known, fixes)
        return Answer(asked.package, Verdict.AFFECTED, reason, known, fixes, doubts)
    reasons = [*_unreadable(asked, place, bool(relevant)), *troubles]
    if doubts and place.readable:
        told = ", ".join(doubts[:3]) + (f" and {len(doubts) - 3} more" if len(doubts) > 3 else "")
        reasons.append(f"whether {told} concerns {place.version} cannot be told from what it says")
    if reasons or doubts:
        return Answer(asked.package, Verdict.UNKNOWN, "; ".join(reasons) + ".", doubts=doubts)
    told = f"none of {basis} concerns it" if basis else "no advisory concerns it"
    return Answer(asked.package, Verdict.CLEAN, f"{told}.")


def _unreadable(asked: Asked, place: Place, spoken_of: bool) -> list[str]:
    if not asked.name:
        return ["no package is named"]
    if not place.version:
        return ["no version is known"]
    # A workflow pins actions by the hash of a commit, which is no version: only where records
    # speak of the action does it matter which one it is.
    if place.readable or (asked.ecosystem == "GitHub Actions" and not spoken_of):
        return []
    shown = place.version if len(place.version) <= 60 else f"{place.version[:60]}…"
    return [f"{shown!r} is not a version that {asked.ecosystem} can place among others"]


def _relevant(asked: Asked, statements: Sequence[Statement]) -> Sequence[Statement]:
    """What is said of the release that is asked about."""
    if not asked.release:
        return statements
    return [
        one._replace(entries=entries)
        for one in statements
        if (
            entries := tuple(
                entry
                for entry in one.entries
                if same_release(asked.ecosystem, asked.release, entry.release)
            )
        )
    ]


def _truth(place: Place, entries: Sequence[Entry]) -> Truth:
    worst = None
    for one in entries:
        if one.only_commits:
            continue
        truth = place.within(one.ranges, one.versions)
        if truth is Truth.YES:
            return truth
        worst = Truth.DOUBT if truth is Truth.DOUBT else worst or truth
    return worst or Truth.DOUBT  # Nothing but commits, of which no version can be told.


def _groups(place: Place, affecting: Sequence[Statement], exploits: Exploits) -> tuple[Known, ...]:
    """One for all records of the same: those that share an identifier, through others too."""
    leader: dict[str, str] = {}

    def lead(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    for one in affecting:
        for alias in one.aliases.split():
            leader[lead(alias)] = lead(one.id)
    groups: dict[str, list[Statement]] = {}
    for one in affecting:
        groups.setdefault(lead(one.id), []).append(one)
    known = [_known(place, group, exploits) for group in groups.values()]
    return tuple(sorted(known, key=lambda one: (not one.malicious, -(one.score or 0), one.ids)))


def _known(place: Place, group: Sequence[Statement], exploits: Exploits) -> Known:
    ids = tuple(sorted({one.id for one in group}))
    aliases = tuple(sorted({alias for one in group for alias in one.aliases.split()} - set(ids)))
    cves = [one for one in (*ids, *aliases) if one.startswith("CVE-")]
    found = exploits(cves)
    severities = [line.partition(" ")[::2] for one in group for line in one.severities.splitlines()]
    scores = [
        value
        for kind, vector in severities
        if kind.startswith("CVSS") and (value := score(vector)) is not None
    ]
    best = max(scores, default=None)
    said = next((word.lower() for kind, word in severities if kind in _WORDS), "")
    return Known(
        ids,
        aliases,
        next((one.summary for one in group if one.summary), ""),
        best,
        _RATINGS.get(said, said) if best is None else rating_of(best),
        any(one.startswith("MAL-") for one in (*ids, *aliases)),
        any(exploited for _, exploited in found.values()),
        max((epss for epss, _ in found.values() if epss is not None), default=None),
        tuple(_sorted(place, _fixed(place, group))),
    )


def _fixed(place: Place, statements: Iterable[Statement]) -> set[str]:
    """The later versions that records name as fixed."""
    return {
        version
        for one in statements
        for entry in one.entries
        for events in entry.ranges
        for kind, version in events
        if kind == "f" and place.before(version)
    }


def _fixes(
    asked: Asked, place: Place, affecting: Sequence[Statement], relevant: Sequence[Statement]
) -> tuple[str, ...]:
    """The smallest good version of the same major version, and the smallest good one of all."""
    later = [_sorted(place, _fixed(place, [one])) for one in affecting]
    candidates = _sorted(place, {version for versions in later for version in versions})
    # No version before a record's first fix is free of that record.
    firsts = [versions[0] for versions in later if versions]
    if not firsts:
        return ()
    least = max(firsts, key=cmp_to_key(place.compare))
    major = _MAJOR.match(place.version)
    best: list[str] = []
    for version in candidates:
        near = major is not None and (m := _MAJOR.match(version)) and m[1] == major[1]
        if place.compare(version, least) < 0 or (best and not near):
            continue
        there = Place(asked.order, version)
        if all(_truth(there, one.entries) is Truth.NO for one in relevant):
            best.insert(0, version)
            if near:
                break
    return tuple(best)


def _sorted(place: Place, versions: Iterable[str]) -> list[str]:
    return sorted(sorted(versions), key=cmp_to_key(place.compare))


def _affected(known: Sequence[Known], fixes: Sequence[str]) -> str:
    first = known[0]
    what = f"{first.ids[0]}: {first.summary}" if first.summary else first.ids[0]
    more = f", and {len(known) - 1} more" if len(known) > 1 else ""
    remedy = ""
    if not any(one.malicious for one in known):
        all_of_them = "" if len(known) == 1 else "all of them "
        fixed = " or ".join(fixes) or "no version that is known"
        remedy = f"; {all_of_them}fixed in {fixed}"
    return f"{what.rstrip('.')}{more}{remedy}."
