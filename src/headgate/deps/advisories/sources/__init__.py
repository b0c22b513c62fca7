"""Where records come from: one module per kind of place."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from headgate.deps.advisories.sources.interface import Source
from headgate.model.errors import BadInput

OSV = "https://osv-vulnerabilities.storage.googleapis.com"
"""Where the OSV project publishes its exports."""


def open_source(text: str, downloads: Path) -> AbstractContextManager[Source]:
    """The source that a directory, a zip or an address names; raises BadInput.

    What is fetched from an address is kept in `downloads` until it has been read.
    """
    if text.startswith(("https://", "http://")):
        from headgate.deps.advisories.sources.address import AddressSource

        return AddressSource(text, downloads)
    from headgate.deps.advisories.sources.local import ArchiveSource, DirectorySource

    path = Path(text)
    if path.is_dir():
        return nullcontext(DirectorySource(path))
    if path.is_file():
        return nullcontext(ArchiveSource(path))
    raise BadInput(
        f"There is no directory and no file {text}.",
        "Give a directory, a zip, or an address that begins with https://.",
    )
