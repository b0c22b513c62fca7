"""Syncing from a real server on loopback: resuming, answers that are none, silence."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from advisory_records import export, fixed, introduced, osv

from headgate.deps.advisories.sources import address as address_module
from headgate.deps.advisories.sources.address import AddressSource
from headgate.deps.advisories.store import AdvisoryStore
from headgate.deps.advisories.sync import Synced, sync
from headgate.deps.advisories.writer import AdvisoryWriter
from headgate.model.errors import CouldNotRun

LIB = osv("A-1", "lib", introduced(), fixed("1.5"), summary="x" * 3000)


class Server(ThreadingHTTPServer):
    """Serves a directory; `trouble` may answer in its place."""

    daemon_threads = True
    root: Path
    trouble: Callable[[Any], bool]

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.asked: list[str] = []
        self.trouble = lambda handler: False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(SimpleHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.directory = str(self.server.root)
        span = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        self.server.asked.append(f"{self.path}{f' from {span[1]}' if span else ''}")
        if self.server.trouble(self):
            return None
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        data = path.read_bytes()
        start = int(span[1]) if span and self.headers.get("If-Range") == '"v1"' else 0
        self.send_response(206 if start else 200)
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:])
        return None

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    export(tmp_path / "osv", "PyPI", LIB)
    with Server(tmp_path / "osv") as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def fetch(tmp_path: Path, server: Server) -> Callable[[], list[Synced]]:
    def run(url: str = "", now: float = 1_800_000_000.0) -> list[Synced]:
        with (
            AdvisoryWriter.open(tmp_path / "advisories.db") as store,
            AddressSource(url or server.url, tmp_path / "parts", pause=0.01) as source,
        ):
            return sync(store, source, now)

    return run


def test_the_first_sync_takes_the_zip_and_the_next_only_what_changed(
    server: Server, fetch: Callable[[], list[Synced]], tmp_path: Path
) -> None:
    assert [one.how for one in fetch()] == ["whole"]
    assert server.asked == ["/ecosystems.txt", "/PyPI/modified_id.csv", "/PyPI/all.zip"]
    assert not (tmp_path / "parts").exists()
    server.asked.clear()
    more = [
        osv(f"A-{n}", "lib", introduced("2"), modified="2026-02-01T00:00:00Z") for n in range(2, 9)
    ]
    export(server.root, "PyPI", LIB, *more)
    (found,) = fetch()
    assert (found.how, found.changed) == ("changes", 7)
    assert sorted(server.asked[2:]) == [f"/PyPI/A-{n}.json" for n in range(2, 9)]
    with AdvisoryStore.read(tmp_path / "advisories.db") as store:
        assert store.ecosystems()["PyPI"].records == 8


def test_a_single_zip_at_an_address(
    server: Server, fetch: Callable[..., list[Synced]], tmp_path: Path
) -> None:
    (found,) = fetch(f"{server.url}/PyPI/all.zip")
    assert (found.how, found.changed) == ("whole", 1)


def test_a_download_that_breaks_off_goes_on_where_it_was(
    server: Server, fetch: Callable[[], list[Synced]]
) -> None:
    data = (server.root / "PyPI/all.zip").read_bytes()

    def cut(handler: Any) -> bool:
        if not handler.path.endswith(".zip") or "Range" in handler.headers:
            return False
        handler.send_response(200)
        handler.send_header("ETag", '"v1"')
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[:100])
        handler.close_connection = True
        return True

    server.trouble = cut
    assert [one.how for one in fetch()] == ["whole"]
    assert server.asked[-2:] == ["/PyPI/all.zip", "/PyPI/all.zip from 100"]


def test_a_later_run_goes_on_where_an_earlier_one_broke_off(
    server: Server, fetch: Callable[[], list[Synced]], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (server.root / "PyPI/all.zip").read_bytes()

    def cut(handler: Any) -> bool:
        if not handler.path.endswith(".zip"):
            return False
        handler.send_response(200)
        handler.send_header("ETag", '"v1"')
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[:100])
        handler.close_connection = True
        return True

    server.trouble = cut
    monkeypatch.setattr(address_module, "ATTEMPTS", 1)
    assert [one.how for one in fetch()] == ["failed"]
    server.trouble = lambda handler: False
    assert [one.how for one in fetch()] == ["whole"]
    assert server.asked[-1] == "/PyPI/all.zip from 100"


@pytest.mark.parametrize(
    ("status", "attempts", "told"),
    [(403, 1, "it answered 403"), (404, 1, "is not there (404)"), (500, 3, "it answered 500")],
)
def test_an_answer_that_is_none(
    server: Server, fetch: Callable[[], list[Synced]], status: int, attempts: int, told: str
) -> None:
    def refuse(handler: Any) -> bool:
        handler.send_error(status)
        return True

    server.trouble = refuse
    with pytest.raises(CouldNotRun, match=re.escape(told)):
        fetch()
    assert len(server.asked) == attempts


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/ecosystems.txt", "is not a list of ecosystems"),
        ("/PyPI/modified_id.csv", "line 1: '<html>sign in</html>' is not a time"),
        ("/PyPI/all.zip", "is not a whole zip archive"),
    ],
)
def test_a_page_of_html_is_told_as_such(
    server: Server, fetch: Callable[[], list[Synced]], path: str, told: str, tmp_path: Path
) -> None:
    def page(handler: Any) -> bool:
        if handler.path != path:
            return False
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        handler.wfile.write(b"<html>sign in</html>\n")
        return True

    server.trouble = page
    try:
        (found,) = fetch()
        assert found.how == "failed"
        message = found.problem
    except CouldNotRun as error:
        message = error.message
    assert told in message
    if (tmp_path / "advisories.db").exists():
        with AdvisoryStore.read(tmp_path / "advisories.db") as store:
            assert all(state.synced is None for state in store.ecosystems().values())


def test_silence_ends(
    server: Server, fetch: Callable[[], list[Synced]], monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    server.trouble = lambda handler: released.wait(10) or True
    monkeypatch.setattr(address_module, "PATIENCE_S", 0.1)
    monkeypatch.setattr(address_module, "ATTEMPTS", 1)
    with pytest.raises(CouldNotRun, match="could not be fetched: timed out"):
        fetch()
    released.set()


def test_nobody_there(fetch: Callable[..., list[Synced]], server: Server) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(CouldNotRun, match=r"http://127\.0\.0\.1:\d+/ecosystems\.txt could not be"):
        fetch(f"http://user:word@127.0.0.1:{server.server_port}")


def test_a_record_behind_a_broken_listing_line_is_not_lost(
    server: Server, fetch: Callable[[], list[Synced]]
) -> None:
    fetch()
    listing = server.root / "PyPI/modified_id.csv"
    listing.write_text(f"2026-09-01T00:00:00Z,A-2\nbroken\n{listing.read_text()}")
    (server.root / "PyPI/A-2.json").write_text(json.dumps(LIB | {"id": "A-2"}))
    (found,) = fetch()
    assert found.how == "failed"
    assert "line 2" in found.problem


def test_a_copy_with_zips_only_is_read_by_its_zips(
    server: Server, fetch: Callable[[], list[Synced]]
) -> None:
    fetch()
    new = osv("A-2", "lib", introduced("2"), modified="2026-02-01T00:00:00Z")
    export(server.root, "PyPI", LIB, new, files=False)
    (found,) = fetch()
    assert (found.how, found.changed, found.left) == ("whole", 2, 0)


def test_a_listing_that_is_newer_than_the_zip(
    server: Server, fetch: Callable[[], list[Synced]]
) -> None:
    listing = server.root / "PyPI/modified_id.csv"
    listing.write_text(f"2026-02-01T00:00:00Z,A-2\n{listing.read_text()}")
    (server.root / "PyPI/A-2.json").write_text(json.dumps(LIB | {"id": "A-2"}))
    (found,) = fetch()
    assert (found.how, found.changed) == ("whole", 2)


def test_an_export_without_a_listing_is_read_as_a_whole(
    server: Server, fetch: Callable[[], list[Synced]]
) -> None:
    (server.root / "PyPI/modified_id.csv").unlink()
    assert [one.how for one in fetch()] == ["whole"]
    assert [one.how for one in fetch()] == ["whole"]
