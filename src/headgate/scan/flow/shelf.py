"""Keeps what an analysis did, and analyses a project that has changed a little since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.model.record import record
from headgate.scan.flow.book import Book, Changed, Revision
from headgate.scan.flow.pieces import Pieces, pieces_of
from headgate.scan.flow.project import Outcome, Source
from headgate.scan.flow.uses import Uses
from headgate.scan.kept import keep_values, take_values

if TYPE_CHECKING:
    from headgate.scan.flow.parts import Settings
    from headgate.scan.flow.rules import Rules

_TRIES = 4
"""Analyses of the same change, each of more than the one before, before everything is analysed."""
_VERSION = 1


@record
class Shelf:
    """Books in a directory of ours, one for every project."""

    place: Path
    settings: bytes
    """Digest of everything that an analysis depends on besides the files."""

    def take(self, paths: Iterable[str]) -> Book | None:
        """The book of the project with these files, when there is one."""
        try:
            return _book(take_values(self._file(paths)))
        except (TypeError, ValueError, KeyError, IndexError):
            return None

    def keep(self, book: Book) -> None:
        keep_values(self._file(book.digests), _plain(book))

    def _file(self, paths: Iterable[str]) -> Path:
        """By two of its paths: files that are added or removed seldom are one of these."""
        least = sorted(
            hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest() for path in paths
        )[:2]
        name = hashlib.sha256(b"".join((self.settings, *least))).hexdigest()
        return self.place / "books" / name


def again(files: Mapping[str, Source], rules: Rules, settings: Settings, shelf: Shelf) -> Outcome:
    """Analyse a project: of what the last analysis did, only what a change concerns."""
    from headgate.scan.flow.python_run import PythonRun

    digests = {path: hashlib.sha256(file.data).digest()[:16] for path, file in files.items()}
    revision = None
    if not settings.routes:
        # Functions that a description makes routes are not noted by unit.
        revision = _revision(shelf.take(files), files, digests)
    run = None
    for _ in range(_TRIES if revision is not None else 0):
        run = PythonRun(files, rules, settings.mode, None, revision)
        try:
            run.all()
            if revision is None or not revision.overlooked(run.tracker.units):
                break
        except Changed:
            run = None
            break
    else:
        run = None
    if run is None:
        run = PythonRun(files, rules, settings.mode)
        run.routes = settings.routes
        run.all()
    shelf.keep(run.finished(digests))
    return run.outcome()


def _revision(
    old: Book | None, files: Mapping[str, Source], digests: Mapping[str, bytes]
) -> Revision | None:
    if old is None:
        return None
    revision = Revision(old, digests)
    pieces: dict[str, Pieces] = {}
    for path in revision.files & files.keys() & old.pieces.keys():
        pieces[path] = pieces_of(files[path].module(), files[path].data)
    try:
        revision.compare(pieces, {path: file.imports for path, file in files.items()})
    except Changed:
        return None
    return revision


def _plain(book: Book) -> Any:
    return (
        _VERSION,
        [
            (
                uses.key,
                [one for one in uses.touched if isinstance(one, str)],
                [one for one in uses.touched if not isinstance(one, str)],
                list(uses.read), list(uses.changed), list(uses.called), uses.entries, uses.nested,
                uses.shared, uses.fields, list(uses.tainting), uses.done, uses.parts, uses.ran,
                uses.told, uses.within,
            )
            for uses in book.units.values()
        ],
        {path: pieces.plain() for path, pieces in book.pieces.items()},
        book.digests,
        book.imports,
        book.wanted,
        book.lists,
        book.rounds,
    )  # fmt: skip


def _book(values: Any) -> Book | None:
    if values is None:
        return None
    version, units, pieces, digests, imports, wanted, lists, rounds = values
    if version != _VERSION:
        return None
    return Book(
        {uses.key: uses for uses in map(_uses, units)},
        {path: Pieces(*plain) for path, plain in pieces.items()},
        digests, imports, wanted, lists, rounds,
    )  # fmt: skip


def _uses(plain: Any) -> Uses:
    key, files, functions, read, changed, called, entries, nested, *rest = plain
    out = Uses(key)
    out.touched = {*files, *functions}
    out.read, out.changed, out.called = set(read), set(changed), set(called)
    out.entries, out.nested = entries, nested
    out.shared, out.fields, tainting, out.done, out.parts, out.ran, out.told, out.within = rest
    out.tainting = set(tainting)
    return out
