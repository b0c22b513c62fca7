"""Bringing a database of advisories up to date: only what changed, where the source lists it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from headgate.deps.advisories.archive import Document
from headgate.deps.advisories.names import ecosystem_and_release
from headgate.deps.advisories.record import BadRecord, Record, parse
from headgate.deps.advisories.sources.interface import Listed, Source
from headgate.deps.advisories.sources.listing import moment
from headgate.deps.advisories.store import EcosystemState
from headgate.deps.advisories.writer import AdvisoryWriter
from headgate.model.errors import BadInput, CouldNotRun

OVERLAP_S = 3600
"""So much further back than the newest known change is looked: exports are not written at once."""
MOST_CHANGES = 2000
"""Above so many changes the whole export is cheaper."""
LISTED_EVERY_S = 7 * 86_400
"""How often what left the source is looked for."""

Progress = Callable[[str, int], None]
"""Told an ecosystem and how many documents of it were read."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What became of one ecosystem; of a heap of records, of all at once."""

    ecosystem: str
    """`` for a heap."""
    how: str
    """`whole`, `changes`, `unchanged`, or `failed`."""
    changed: int = 0
    left: int = 0
    problem: str = ""
    """Why it failed."""


def sync(
    store: AdvisoryWriter,
    source: Source,
    now: float,
    wanted: Sequence[str] = (),
    progress: Progress = lambda ecosystem, count: None,
) -> list[Synced]:
    """Read what is new in a source into the store; each ecosystem wholly or not at all.

    `wanted` are ecosystems; none means all. Raises BadInput and CouldNotRun where not even what
    there is can be read; what befalls one ecosystem is told of that one.
    """
    names = list(source.ecosystems())
    if not names:
        if wanted:
            raise BadInput(
                f"{source.address} does not keep ecosystems apart.", "Leave out --ecosystem."
            )
        return [_Run(store, source, now, progress).heap()]
    asked = {ecosystem_and_release(one)[0] for one in wanted}
    unknown = sorted(asked - set(names))
    if unknown:
        raise BadInput(
            f"{source.address} has no export of {', '.join(unknown)}.",
            f"It has {', '.join(names)}.",
        )
    chosen = [name for name in names if not asked or name in asked]
    store.begin(chosen, now)
    run = _Run(store, source, now, progress)
    return [run.ecosystem(name) for name in chosen]


class _Run:
    """One sync of one source."""

    def __init__(
        self, store: AdvisoryWriter, source: Source, now: float, progress: Progress
    ) -> None:
        self._store = store
        self._source = source
        self._now = now
        self._progress = progress

    def heap(self) -> Synced:
        """All documents of a source that does not keep ecosystems apart."""
        where = self._source.address
        with self._store.transaction():
            before = self._store.all_of(where)
            wrong = self._store.quarantined_of(where, None)
            seen, bad, touched = self._take("", self._source.everything(""), {})
            self._store.drop(before - seen)
            self._store.release_from_quarantine(wrong - bad)
            if not seen and not bad:
                raise BadInput(
                    f"{where} holds no record of an advisory.",
                    "Give a directory or a zip with the *.json of an OSV export.",
                )
            for name in sorted(touched | self._store.fed_by(where)):
                self._store.finish(name, self._now, where, mark="", listed=True)
        return Synced("", "whole", len(seen), len(before - seen))

    def ecosystem(self, name: str) -> Synced:
        """One export."""
        try:
            with self._store.transaction():
                return self._ecosystem(name, self._store.ecosystems().get(name))
        except (BadInput, CouldNotRun) as error:
            return Synced(name, "failed", problem=error.message)

    def _ecosystem(self, name: str, state: EcosystemState | None) -> Synced:
        source, where = self._source, self._source.address
        known = state is not None and state.synced is not None and state.source == where
        listing = source.listing(name)
        if listing is None:
            return self._whole(name, {}, "")
        full = not known or state is None or self._now - (state.listed or 0) >= LISTED_EVERY_S
        mark = "" if state is None else state.mark
        since = (moment(mark) or 0) - OVERLAP_S
        lines: dict[str, str] = {}
        newest = mark if known else ""
        for line in listing:
            at = moment(line.modified) or 0
            if not full and at < since:
                break
            lines.setdefault(line.id, line.modified)
            if at > (moment(newest) or 0):
                newest = line.modified
        changed = [one for one, modified in lines.items() if not self._same(one, modified)]
        if not known or len(changed) > MOST_CHANGES:
            listed = lines if full else {}
            return self._whole(name, listed, newest)
        gone: set[str] = self._store.known_to(name, where) - set(lines) if full else set()
        documents: list[Document] = []
        for one, data in source.some(name, changed):
            if data is None:
                gone.add(one)
            else:
                documents.append(Document(f"{one}.json", data))
        self._take(name, documents, {})
        self._store.drop(gone)
        self._store.finish(name, self._now, where, mark=newest, listed=full)
        how = "changes" if changed or gone else "unchanged"
        return Synced(name, how, len(documents), len(gone))

    def _whole(self, name: str, lines: dict[str, str], mark: str) -> Synced:
        """Everything of an export, but for what is listed as unchanged."""
        where = self._source.address
        before = self._store.known_to(name, where)
        wrong = self._store.quarantined_of(where, name)
        seen, bad, _ = self._take(name, self._source.everything(name), lines)
        self._store.drop(before - seen)
        self._store.release_from_quarantine(wrong - bad)
        self._store.finish(name, self._now, where, mark=mark, listed=True)
        return Synced(name, "whole", len(seen), len(before - seen))

    def _take(
        self, name: str, documents: Iterable[Document], lines: dict[str, str]
    ) -> tuple[set[str], set[str], set[str]]:
        """Write documents; gives the records and the bad documents seen, and the ecosystems."""
        seen: set[str] = set()
        bad: set[str] = set()
        touched: set[str] = set()
        where = self._source.address
        wrong = self._store.quarantined_of(where, name or None)
        for count, document in enumerate(documents, 1):
            if count % 1000 == 0:
                self._progress(name, count)
            guess = PurePosixPath(document.name).stem
            if guess in lines and self._same(guess, lines[guess]):
                seen.add(guess)
                continue
            key = f"{where}/{name}/{document.name}" if name else f"{where}/{document.name}"
            try:
                record = parse(document.data)
            except BadRecord as error:
                bad.add(key)
                self._store.quarantine(key, where, name, error.message, error.about)
                continue
            seen.add(record.id)
            touched |= _ecosystems(record)
            self._store.put(record, where)
            if key in wrong:
                self._store.release_from_quarantine([key])
        return seen, bad, touched

    def _same(self, name: str, modified: str) -> bool:
        stored = self._store.modified(name, self._source.address)
        return bool(stored) and moment(stored) == moment(modified)


def _ecosystems(record: Record) -> set[str]:
    return {one.ecosystem for one in record.affected}


__all__ = ["LISTED_EVERY_S", "MOST_CHANGES", "OVERLAP_S", "Listed", "Progress", "Synced", "sync"]
