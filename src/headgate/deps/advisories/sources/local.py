"""Records on this machine: a copy of an export, a heap of files, or a zip."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from headgate.deps.advisories.archive import Document, documents
from headgate.deps.advisories.names import KNOWN, ecosystem_and_release
from headgate.deps.advisories.record import LARGEST
from headgate.deps.advisories.sources.interface import Listed
from headgate.deps.advisories.sources.listing import read_listing
from headgate.model.errors import BadInput

ARCHIVE, LISTING = "all.zip", "modified_id.csv"


class ArchiveSource:
    """A zip of records, of whatever ecosystems."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def address(self) -> str:
        """The path."""
        return _shown(self._path.absolute())

    def ecosystems(self) -> Sequence[str]:
        """None: it is one heap."""
        return ()

    def listing(self, ecosystem: str) -> Iterator[Listed] | None:
        """None."""
        del ecosystem

    def everything(self, ecosystem: str) -> Iterator[Document]:
        """The documents in the zip."""
        del ecosystem
        return documents(self._path, str(self._path))

    def some(self, ecosystem: str, ids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Never asked, as there is no listing."""
        raise NotImplementedError


class DirectorySource:
    """A copy of OSV's export (`PyPI/all.zip`, …), or `*.json` and zips at any depth."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def address(self) -> str:
        """The path."""
        return _shown(self._path.absolute())

    def ecosystems(self) -> Sequence[str]:
        """The directories that hold an archive or a listing; releases are parts of others.

        None where records lie elsewhere too, or the directories are not named as ecosystems are:
        then all of it is one heap, so that nothing is left unread.
        """
        entries = [one for one in self._path.iterdir() if not one.name.startswith(".")]
        apart = {
            one.name
            for one in entries
            if one.is_dir()
            and ":" not in one.name
            and ((one / ARCHIVE).is_file() or (one / LISTING).is_file())
        }
        if not apart & KNOWN or any(ecosystem_and_release(one)[0] != one for one in apart):
            return ()
        others = (one for one in entries if one.name.partition(":")[0] not in apart)
        return () if any(map(_holds_records, others)) else sorted(apart)

    def listing(self, ecosystem: str) -> Iterator[Listed] | None:
        """From `modified_id.csv`."""
        path = self._path / ecosystem / LISTING
        if not path.is_file():
            return None
        return read_listing(_lines(path), str(path))

    def everything(self, ecosystem: str) -> Iterator[Document]:
        """From the zips, and from the files that the export's zip beside them has not."""
        top = self._path / ecosystem if ecosystem else self._path
        for folder, names, files in os.walk(top):
            names[:] = sorted(name for name in names if not name.startswith("."))
            place = Path(folder)
            packed: set[str] = set()
            for name in sorted(files, key=lambda name: (name != ARCHIVE, name)):
                path = place / name
                if name.endswith(".zip"):
                    for document in documents(path, str(path)):
                        if name == ARCHIVE:
                            packed.add(document.name)
                        yield (
                            document if place == top else _within(place.relative_to(top), document)
                        )
                elif name.endswith(".json") and name not in packed:
                    yield Document(_shown(path.relative_to(self._path)), _bytes(path))

    def some(self, ecosystem: str, ids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """From the files; where only a zip has them, from the zip."""
        missing: set[str] = set()
        for name in ids:
            path = self._path / ecosystem / f"{name}.json"
            if "/" not in name and path.is_file():
                yield name, _bytes(path)
            else:
                missing.add(name)
        archive = self._path / ecosystem / ARCHIVE
        if missing and archive.is_file():
            for document in documents(archive, str(archive)):
                name = Path(document.name).stem
                if name in missing:
                    missing.discard(name)
                    yield name, document.data
        yield from ((name, None) for name in sorted(missing))


def _holds_records(path: Path) -> bool:
    """Whether a file may be a record, or there is one in a directory; `all.zip` has all again."""
    if path.is_file():
        return path.suffix in (".json", ".zip") and path.name != ARCHIVE
    return any(name.endswith((".json", ".zip")) for _, _, files in os.walk(path) for name in files)


def _within(folder: Path, document: Document) -> Document:
    return Document(f"{_shown(folder)}/{document.name}", document.data)


def _shown(path: Path) -> str:
    """A path as text, whatever bytes it is made of."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8") as stream:
            yield from stream
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}.") from None


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
