"""Records at an address: OSV's export over HTTP, or a single zip.

A download that broke off goes on where it was, also in a later run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TypeVar
from urllib.parse import quote

import httpx

from headgate.deps.advisories.archive import Document, documents
from headgate.deps.advisories.record import LARGEST
from headgate.deps.advisories.sources.interface import Listed
from headgate.deps.advisories.sources.listing import read_listing
from headgate.deps.index.http import authorities, shown
from headgate.model.errors import CouldNotRun

T = TypeVar("T")

AT_ONCE = 8
ATTEMPTS = 3
PATIENCE_S = 60.0
"""For a connection, and for each piece of an answer."""
LARGEST_DOWNLOAD = 8 << 30
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


class _Again(Exception):
    """Something that may go better in a moment."""


class _NotThere(Exception):
    """A file that an export may do without."""


class AddressSource:
    """An export of OSV's at an address, or one zip where the address ends with `.zip`."""

    def __init__(self, address: str, downloads: Path, pause: float = 1.0) -> None:
        """`pause` is in seconds, before a second attempt; it doubles with each."""
        self._address = address.rstrip("/")
        self._downloads = downloads
        self._pause = pause
        self._client = httpx.Client(
            verify=authorities(),
            timeout=PATIENCE_S,
            follow_redirects=True,
            max_redirects=4,
            headers={"User-Agent": "headgate"},
        )

    def __enter__(self) -> AddressSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()
        if self._downloads.is_dir() and not any(self._downloads.iterdir()):
            self._downloads.rmdir()

    @property
    def address(self) -> str:
        """Without user and password."""
        return shown(self._address)

    def ecosystems(self) -> Sequence[str]:
        """From `ecosystems.txt`; releases are parts of their ecosystems."""
        if self._address.endswith(".zip"):
            return ()
        text = self._got("ecosystems.txt").decode("utf-8", "replace")
        names = sorted(
            {line.strip().partition(":")[0] for line in text.splitlines()} - {"", "[EMPTY]"}
        )
        if not names or any("<" in name or "/" in name for name in names):
            raise CouldNotRun(
                f"{self.address}/ecosystems.txt is not a list of ecosystems.",
                "Give the address of a copy of OSV's export.",
            )
        return names

    def listing(self, ecosystem: str) -> Iterator[Listed] | None:
        """From `modified_id.csv`, no more of it than is asked for."""
        url = self._url(ecosystem, "modified_id.csv")
        lines = self._lines(url)
        try:
            first = next(lines, "")
        except _NotThere:
            return None
        return read_listing(chain([first], lines), shown(url))

    def everything(self, ecosystem: str) -> Iterator[Document]:
        """From `all.zip`."""
        url = self._url(ecosystem, "all.zip") if ecosystem else self._address
        path = self._download(url)
        yield from documents(path, shown(url))
        path.unlink()

    def some(self, ecosystem: str, ids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Several at a time."""
        with ThreadPoolExecutor(AT_ONCE) as pool:

            def one(name: str) -> tuple[str, bytes | None]:
                return name, self._got_or_none(f"{quote(ecosystem)}/{quote(name)}.json")

            yield from pool.map(one, ids)

    def _url(self, *parts: str) -> str:
        return "/".join((self._address, *(quote(part) for part in parts)))

    def _got(self, path: str) -> bytes:
        found = self._got_or_none(path)
        if found is None:
            raise CouldNotRun(
                f"{self.address}/{path} is not there (404).",
                "Give the address of a copy of OSV's export.",
            )
        return found

    def _got_or_none(self, path: str) -> bytes | None:
        url = f"{self._address}/{path}"

        def attempt() -> bytes | None:
            with self._client.stream("GET", url) as answer:
                if answer.status_code == 404:
                    return None
                _fine(answer, url)
                return _limited(answer, LARGEST + 1)

        return self._patiently(url, attempt)

    def _lines(self, url: str) -> Iterator[str]:
        """The lines of a text; what broke off is asked for again from the start."""
        given = 0
        for number in range(ATTEMPTS):
            try:
                with self._client.stream("GET", url) as answer:
                    if answer.status_code == 404:
                        raise _NotThere
                    _fine(answer, url)
                    for count, line in enumerate(answer.iter_lines(), 1):
                        if count > given:
                            given = count
                            yield line
                return
            except (httpx.HTTPError, _Again) as error:
                self._rest(number, url, error)

    def _download(self, url: str) -> Path:
        """The file of a download that may have begun in an earlier run."""
        self._downloads.mkdir(parents=True, exist_ok=True)
        path = self._downloads / f"{sha256(url.encode()).hexdigest()[:16]}.zip"
        part, tag = path.with_suffix(".part"), path.with_suffix(".tag")

        def attempt() -> Path:
            have = part.stat().st_size if part.is_file() and tag.is_file() else 0
            headers = {"Accept-Encoding": "identity"}
            if have:
                headers |= {"Range": f"bytes={have}-", "If-Range": tag.read_text()}
            with self._client.stream("GET", url, headers=headers) as answer:
                if answer.status_code == 416:  # It has become shorter than what we have.
                    tag.unlink(missing_ok=True)
                    raise _Again("416")
                _fine(answer, url, 206)
                goes_on = answer.status_code == 206 and have > 0
                mark = answer.headers.get("etag", "")
                if mark and not mark.startswith("W/"):
                    tag.write_text(mark)
                else:
                    tag.unlink(missing_ok=True)
                size = have if goes_on else 0
                with part.open("ab" if goes_on else "wb") as file:
                    for piece in answer.iter_raw():  # as it comes: what breaks off is kept
                        size += len(piece)
                        if size > LARGEST_DOWNLOAD:
                            raise CouldNotRun(f"{shown(url)} is larger than any export.")
                        file.write(piece)
            part.replace(path)
            tag.unlink(missing_ok=True)
            return path

        return self._patiently(url, attempt)

    def _patiently(self, url: str, attempt: Callable[[], T]) -> T:
        for number in range(ATTEMPTS):
            try:
                return attempt()
            except (httpx.HTTPError, _Again) as error:
                self._rest(number, url, error)
            except OSError as error:
                raise CouldNotRun(
                    f"What {shown(url)} gives cannot be kept: {error.strerror or error}.",
                    "Make room for it.",
                ) from None
        raise AssertionError("the last attempt returns or raises")

    def _rest(self, number: int, url: str, error: Exception) -> None:
        if number + 1 == ATTEMPTS or isinstance(
            error, (httpx.UnsupportedProtocol, httpx.InvalidURL)
        ):
            what = str(error) or type(error).__name__
            raise CouldNotRun(
                f"{shown(url)} could not be fetched: {what}.",
                "Try again; what has been read so far is kept.",
            ) from None
        time.sleep(self._pause * 2**number)


def _fine(answer: httpx.Response, url: str, also: int = 200) -> None:
    if answer.status_code in _AGAIN:
        raise _Again(f"it answered {answer.status_code}")
    if answer.status_code not in (200, also):
        raise CouldNotRun(
            f"{shown(url)} could not be fetched: it answered {answer.status_code}.",
            "Give the address of a copy of OSV's export.",
        )


def _limited(answer: httpx.Response, most: int) -> bytes:
    data = bytearray()
    for piece in answer.iter_bytes():
        data += piece
        if len(data) > most:
            break
    return bytes(data)
