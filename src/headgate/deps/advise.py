"""Advisories for the policy: the database of advisories, asked about the packages of a change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from headgate.deps.advisories import verdict as said
from headgate.deps.advisories.matcher import Matcher
from headgate.deps.advisories.store import AdvisoryStore, age_of
from headgate.deps.ecosystems import has_advisories, osv_ecosystem
from headgate.deps.policy.danger import Advisory, Known, Matched
from headgate.model.errors import CouldNotRun
from headgate.model.finding import Severity
from headgate.model.purl import Package

_DAY = 86400.0


class Advice:
    """One database of advisories, which may come, go and be renewed while the server runs.

    May be used from several threads.
    """

    def __init__(self, path: Path, clock: Callable[[], float], stale: Callable[[], int]) -> None:
        """`stale` gives the days after which data is too old to call anything clean."""
        self.path = path
        self._clock = clock
        self._stale = stale
        self._lock = threading.Lock()
        self._store: AdvisoryStore | None = None
        self._file: tuple[int, int] | None = None

    def match(self, packages: Sequence[Package]) -> Mapping[Package, Matched]:
        """What is known of each; without a database everything is unknown."""
        asked = [package for package in packages if has_advisories(package.ecosystem)]
        try:
            with self._lock:
                matcher = Matcher(self._opened(), self._clock(), self._stale() * _DAY)
                return {package: _matched(matcher.match(_named(package))) for package in asked}
        except CouldNotRun as error:
            unknown = Matched(Known.UNKNOWN, reason=str(error))
            return dict.fromkeys(asked, unknown)

    def as_of(self) -> tuple[float | None, str]:
        """When the advisories were last whole, in seconds since the epoch, and what is wrong with
        them; None: never."""
        try:
            with self._lock:
                states = list(self._opened().ecosystems().values())
        except CouldNotRun as error:
            return None, str(error)
        now = self._clock()
        age = age_of(states, now)
        if age is None:
            return None, "They were never brought in whole: run `headgate deps sync`."
        if age > self._stale() * _DAY:
            return now - age, f"They are {age / _DAY:.0f} days old: run `headgate deps sync`."
        return now - age, ""

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _opened(self) -> AdvisoryStore:
        try:
            state = self.path.stat()
            file = (state.st_dev, state.st_ino)
        except OSError:
            file = None
        if self._store is None or file != self._file:
            self._drop()
            self._store, self._file = AdvisoryStore.read(self.path), file
        return self._store

    def _drop(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store = None


def _named(package: Package) -> said.Package:
    return said.Package(osv_ecosystem(package.ecosystem), package.name, package.version)


def _matched(answer: said.Answer) -> Matched:
    if answer.verdict is said.Verdict.CLEAN:
        return Matched(Known.CLEAN)
    if answer.verdict is said.Verdict.UNKNOWN:
        return Matched(Known.UNKNOWN, reason=answer.reason)
    found = tuple(_advisory(one, answer.fixes) for one in answer.known)
    return Matched(Known.AFFECTED, found, answer.reason)


def _advisory(one: said.Known, fixes: Sequence[str]) -> Advisory:
    names = (*one.ids, *one.aliases)
    # The name that most people know comes first.
    names = tuple(sorted(names, key=lambda n: (not n.startswith("CVE-"), n not in one.ids, n)))
    words = {severity.word: severity for severity in Severity}
    fixed = fixes[0] if fixes else (one.fixed[0] if one.fixed else "")
    return Advisory(
        id=names[0],
        aliases=names[1:],
        summary=one.summary,
        severity=words.get(one.rating),
        score=one.score,
        fixed=fixed,
        malware=one.malicious,
        exploited=one.exploited,
        epss=one.epss,
    )
