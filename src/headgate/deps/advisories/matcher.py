"""Verdicts by a database of advisories: what is not whole, not fresh or not read is unknown."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Self

from headgate.deps.advisories.match import Asked, judge, nothing_known
from headgate.deps.advisories.names import KNOWN, same_release
from headgate.deps.advisories.store import AdvisoryStore, EcosystemState
from headgate.deps.advisories.verdict import Answer, Package, Verdict
from headgate.model.errors import CouldNotRun

MAX_AGE_S = 7 * 86_400
"""Seconds after which data is too old to call anything clean."""


class Advisor:
    """Answers whatever befalls the database: without one, everything is unknown and says why."""

    def __init__(self, path: Path, now: float, max_age: float = MAX_AGE_S) -> None:
        """`now` is in seconds since the epoch, `max_age` in seconds."""
        self._store: AdvisoryStore | None = None
        self._matcher: Matcher | None = None
        self._trouble = ""
        try:
            self._store = AdvisoryStore.read(path)
            self._matcher = Matcher(self._store, now, max_age)
        except CouldNotRun as error:
            self._trouble = str(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._store is not None:
            self._store.close()

    def answer(self, package: Package) -> Answer:
        """The verdict on one package; never raises."""
        if self._matcher is None:
            return Answer(package, Verdict.UNKNOWN, self._trouble)
        try:
            return self._matcher.match(package)
        except CouldNotRun as error:
            return Answer(package, Verdict.UNKNOWN, str(error))


class Matcher:
    """Asks one database about packages, as it stood when the matcher was made."""

    def __init__(self, store: AdvisoryStore, now: float, max_age: float = MAX_AGE_S) -> None:
        self._store = store
        self._now = now
        self._max_age = max_age
        self._ecosystems = store.ecosystems()
        self._doubts = store.doubts()
        self._exploits = store.exploited if store.knows_exploits() else nothing_known
        self._releases: dict[int, frozenset[str]] = {}

    def match(self, package: Package) -> Answer:
        """The verdict on one package; raises CouldNotRun where the database is damaged."""
        asked = Asked.of(package)
        if not _is_text(asked.name):
            return judge(asked, (), ["its name is no text"])
        state = self._ecosystems.get(asked.ecosystem)
        if state is None or state.synced is None:
            return judge(asked, (), [self._nothing(asked, state)])
        statements = self._store.about(state.id, asked.name)
        troubles = [*self._old(state), *self._other_release(asked, state), *self._unread(asked)]
        basis = f"the {state.records} advisories on {asked.ecosystem}"
        return judge(asked, statements, troubles, self._exploits, basis)

    def _nothing(self, asked: Asked, state: EcosystemState | None) -> str:
        if state is not None:
            return f"the first sync of {asked.ecosystem} has not ended: run `headgate deps sync`"
        if asked.ecosystem in KNOWN:
            return f"the database has no advisories on {asked.ecosystem}: run `headgate deps sync`"
        near = get_close_matches(asked.ecosystem, KNOWN, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        return f"no ecosystem is named {asked.ecosystem[:60]!r}{hint}"

    def _old(self, state: EcosystemState) -> list[str]:
        age = self._now - (state.synced or 0)
        if age <= self._max_age:
            return []
        days = f"{age / 86_400:.0f} days" if age >= 2 * 86_400 else f"{age / 3600:.0f} hours"
        return [f"the advisories on {state.name} are {days} old: run `headgate deps sync`"]

    def _other_release(self, asked: Asked, state: EcosystemState) -> list[str]:
        if not asked.release:
            return []
        if state.id not in self._releases:
            self._releases[state.id] = self._store.releases(state.id)
        known = self._releases[state.id]
        if not known or any(same_release(state.name, asked.release, one) for one in known):
            return []
        return [f"the database has no advisories on {state.name}:{asked.release}"]

    def _unread(self, asked: Asked) -> list[str]:
        keys = ((asked.ecosystem, asked.name), (asked.ecosystem, ""), ("", asked.name), ("", ""))
        found = next((self._doubts[key] for key in keys if key in self._doubts), None)
        return [] if found is None else [f"{found}, which may be about it, could not be read"]


def _is_text(name: str) -> bool:
    """Whether a name has no halves of characters, as JSON and file names may."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
