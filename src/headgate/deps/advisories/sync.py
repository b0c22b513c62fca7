"""Bringing a database of advisories up to date: only what changed, where the source lists it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from headgate.deps.advisories.archive import Document
from headgate.deps.advisories.names import KNOWN, ecosystem_and_release
from headgate.deps.advisories.record import BadRecord, Record, parse
from headgate.deps.advisories.sources.interface import Source
from headgate.deps.advisories.sources.listing import moment
from headgate.deps.advisories.store import EcosystemState
from headgate.deps.advisories.writer import AdvisoryWriter
from headgate.model.errors import BadInput, CouldNotRun

OVERLAP_S = 3600
"""So much further back than the newest known change is looked: exports are not written at once."""
MOST_CHANGES = 2000
"""Above so many changes the whole export is cheaper."""
MOST_LEAVE = 100
"""So many records may leave an export at once, however small it is."""
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
        self._written: set[str] = set()

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
        line = None
        for line in listing:
            at = moment(line.modified) or 0
            if not full and at < since:
                break
            lines.setdefault(line.id, line.modified)
            if at > (moment(newest) or 0):
                newest = line.modified
        if line is None:
            raise CouldNotRun(f"{where} lists nothing of {name}.", "Try again later.")
        changed = [one for one, modified in lines.items() if not self._same(one, modified)]
        if not known or len(changed) > MOST_CHANGES:
            return self._whole(name, lines, newest)
        documents: list[Document] = []
        for one, data in source.some(name, changed):
            if data is None:  # Perhaps only the zip has it.
                return self._whole(name, lines, newest)
            documents.append(Document(f"{one}.json", data))
        gone: set[str] = self._store.known_to(name, where) - set(lines) if full else set()
        self._take(name, documents, {})
        self._drop(name, gone)
        self._store.finish(name, self._now, where, mark=newest, listed=full)
        how = "changes" if changed or gone else "unchanged"
        return Synced(name, how, len(documents), len(gone))

    def _whole(self, name: str, lines: dict[str, str], mark: str) -> Synced:
        """Everything of an export, but for what is listed as unchanged.

        Raises CouldNotRun where something is listed that is not there.
        """
        where = self._source.address
        before = self._store.known_to(name, where)
        wrong = self._store.quarantined_of(where, name)
        seen, bad, _ = self._take(name, self._source.everything(name), lines)
        missing = set(lines) - seen - {PurePosixPath(key).stem for key in bad}
        # A listing may be written after the zip.
        later, later_bad, _ = self._take(name, self._listed(name, sorted(missing)), {})
        seen |= later
        bad |= later_bad
        self._drop(name, before - seen)
        self._store.release_from_quarantine(wrong - bad)
        self._store.finish(name, self._now, where, mark=mark, listed=True)
        return Synced(name, "whole", len(seen), len(before - seen))

    def _listed(self, name: str, ids: Sequence[str]) -> Iterator[Document]:
        """Documents of an export one by one; raises CouldNotRun where one is not there."""
        missing: list[str] = []
        for one, data in self._source.some(name, ids[:MOST_CHANGES]):
            if data is None:
                missing.append(one)
            else:
                yield Document(f"{one}.json", data)
        count = len(missing) + len(ids[MOST_CHANGES:])
        if count:
            first = min([*missing, *ids[MOST_CHANGES:]])
            more = f", and {count - 1} more" if count > 1 else ""
            raise CouldNotRun(
                f"{self._source.address} lists {first} of {name}, which it does not have{more}.",
                "Try again later.",
            )

    def _drop(self, name: str, gone: set[str]) -> None:
        """Forget what left an export, unless so much of it did that the export must be broken."""
        known = len(self._store.known_to(name, self._source.address)) if gone else 0
        if len(gone) > max(MOST_LEAVE, known // 2):
            raise CouldNotRun(
                f"{self._source.address} lacks {len(gone)} of {known} records of {name} it had.",
                "Look whether its export is whole.",
            )
        self._store.drop(gone)

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
                place = name or _folder(document.name)
                self._store.quarantine(key, where, place, error.message, error.about)
                continue
            seen.add(record.id)
            touched |= _ecosystems(record)
            self._store.put(record, where, again=record.id in self._written)
            self._written.add(record.id)
            if key in wrong:
                self._store.release_from_quarantine([key])
        return seen, bad, touched

    def _same(self, name: str, modified: str) -> bool:
        stored = self._store.modified(name, self._source.address)
        return bool(stored) and moment(stored) == moment(modified)


def _ecosystems(record: Record) -> set[str]:
    return {one.ecosystem for one in record.affected}


def _folder(name: str) -> str:
    """The ecosystem whose directory a document of a heap lies in; `` where it lies in none."""
    first = ecosystem_and_release(PurePosixPath(name).parts[0])[0]
    return first if first in KNOWN else ""
