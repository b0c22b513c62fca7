"""Reading the documents in a zip without trusting it: nothing is unpacked to the disk."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from headgate.deps.advisories.record import LARGEST
from headgate.model.errors import BadInput

MOST_DOCUMENTS = 3_000_000
_FREE = 256 * 1024 * 1024
"""Bytes that any archive may unpack to, however small it is."""
_MOST_TIMES = 100
"""How many times its own size an archive may unpack to; records pack about ten times."""


class Document(NamedTuple):
    """A file that should hold a record."""

    name: str
    """Where it is in its source."""
    data: bytes


def documents(path: Path, shown: str) -> Iterator[Document]:
    """The documents `*.json` of a zip; raises BadInput, naming it as `shown`."""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in _checked(archive, path.stat().st_size, shown):
                with archive.open(member) as stream:
                    yield Document(member.filename, stream.read(LARGEST + 1))
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise BadInput(f"{shown} is not a whole zip archive: {error}.", "Fetch it again.") from None
    except OSError as error:
        raise BadInput(f"{shown} cannot be read: {error.strerror or error}.") from None


def _checked(archive: zipfile.ZipFile, size: int, shown: str) -> list[zipfile.ZipInfo]:
    """The members worth reading, after all of them were looked at."""
    members = archive.infolist()
    if len(members) > MOST_DOCUMENTS:
        raise BadInput(f"{shown} holds more than {MOST_DOCUMENTS} documents.")
    allowed = max(_FREE, size * _MOST_TIMES)
    unpacked = 0
    for member in members:
        parts = member.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
            raise BadInput(
                f"{shown} holds {member.filename[:80]!r}, a path that leads out of it.",
                "Do not trust where it came from.",
            )
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadInput(
                f"{shown} packs {member.filename[:80]!r} in another way than exports do.",
                "Pack it with `zip`.",
            )
        unpacked += member.file_size
        if unpacked > allowed or member.file_size > LARGEST:
            raise BadInput(
                f"{shown} unpacks to far more than advisories do, at {member.filename[:80]!r}.",
                "Do not trust where it came from.",
            )
    return [one for one in members if one.filename.endswith(".json") and not one.is_dir()]
