"""What indexes tell of packages, against a real index on loopback; every doubt stays a doubt."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from deps_index_server import Index, Reply

from headgate.deps.index.cache import CachedIndex, FactsCache
from headgate.deps.index.interface import Existence, PackageFacts
from headgate.deps.index.npm import NpmIndex
from headgate.deps.index.pypi import PypiIndex
from headgate.model.errors import CouldNotRun

JSON = "application/json"
DAY = 86_400.0


def file(name: str, moment: str, **more: Any) -> dict[str, Any]:
    return {"filename": name, "url": "x", "upload-time": moment, "yanked": False, **more}


def page(name: str, *files: dict[str, Any], **more: Any) -> Reply:
    body = {"meta": {"api-version": "1.4"}, "name": name, "files": list(files), **more}
    return Reply(body=json.dumps(body).encode())


async def python(index: Index, name: str, patience: float = 5.0) -> PackageFacts:
    return (await PypiIndex(f"{index.address}/simple", patience).facts([name]))[name]


async def node(index: Index, name: str, downloads: str = "") -> PackageFacts:
    return (await NpmIndex(index.address, 5.0, downloads).facts([name]))[name]


async def test_all_that_pypi_tells(index: Index) -> None:
    index.says(
        "/simple/good-thing/",
        page(
            "good-thing",
            file("good_thing-1.0-py3-none-any.whl", "2020-01-01T00:00:00Z", provenance="https://x"),
            file("good-thing-1.1.tar.gz", "2021-01-01T00:00:00Z", provenance=None, yanked="broken"),
            file("good_thing-2.0rc1-py3-none-any.whl", "2022-01-01T00:00:00.5Z"),
            file("good-thing-0.1.win32.exe", "2019-01-01T00:00:00Z"),
            **{"project-status": {"status": "archived"}},
        ),
    )
    info = {
        "info": {"license_expression": "MIT"},
        "ownership": {"organization": "acme", "roles": [{"role": "Owner", "user": "ada"}]},
    }
    index.says("/pypi/good-thing/json", Reply(type=JSON, body=json.dumps(info).encode()))
    found = await python(index, "good-thing")
    assert found.existence is Existence.EXISTS
    assert (found.first, found.latest, found.status) == (1546300800.0, "1.0", "archived")
    assert (found.licence, found.maintainers) == ("MIT", ("acme", "ada"))
    assert found.doubts == ()
    one, yanked = found.releases["1.0"], found.releases["1.1"]
    assert (one.published, one.yanked, one.attested, one.scripts) == (1577836800.0, None, True, ())
    assert (yanked.yanked, yanked.attested) == ("broken", False)
    assert yanked.scripts == ("the build of its source distribution",)


async def test_what_a_mirror_does_not_tell_is_a_doubt(index: Index) -> None:
    index.says("/simple/x-y/", page("x-y", {"filename": "x_y-1-py3-none-any.whl", "url": "x"}))
    found = await python(index, "x-y")
    assert found.existence is Existence.EXISTS
    assert (found.first, found.releases["1"].attested, found.licence) == (None, None, "")
    assert found.doubts == (
        "age: the index does not tell when files were uploaded",
        "licence and maintainers: the index does not tell them",
    )


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (Reply(403), "answered 403"),
        (Reply(500), "answered 500"),
        (Reply(200, "text/html", b"<h1>Sign in</h1>"), "not a page of a package index"),
        (Reply(body=b"{"), "not a page of an index"),
        (Reply(body=b"[]"), "not a page of an index"),
        (Reply(body=b'{"name": "other", "files": []}'), "answered with the page of other"),
        (Reply(200, "image/png", b"x"), "not a page of a package index"),
        (Reply(body=b"12345678", delay=0.2), "did not answer within 0.4 s"),
    ],
    ids=["403", "500", "html", "no-json", "no-object", "other", "picture", "slow"],
)
async def test_what_python_index_cannot_say_is_unknown(
    index: Index, reply: Reply, detail: str
) -> None:
    index.says("/simple/some-thing/", reply)
    found = await python(index, "some-thing", 0.4)
    assert found.existence is Existence.UNKNOWN
    assert detail in found.detail


async def test_missing_and_unreachable_are_two_things(index: Index) -> None:
    assert (await python(index, "invented")).existence is Existence.MISSING
    empty = page("empty-one")
    index.says("/simple/empty-one/", empty)
    assert (await python(index, "empty-one")).detail == "is registered, but has no file to install"
    nowhere = (await PypiIndex("http://127.0.0.1:9/simple", 1.0).facts(["x"]))["x"]
    assert nowhere.existence is Existence.UNKNOWN
    assert "could not be reached" in nowhere.detail


def document(name: str, **more: Any) -> Reply:
    body = {
        "name": name,
        "dist-tags": {"latest": "2.0.0"},
        "maintainers": [{"name": "ada"}, "grace"],
        "time": {"1.0.0": "2020-01-01T00:00:00.000Z", "2.0.0": "2021-01-01T00:00:00.000Z"},
        "versions": {
            "1.0.0": {
                "dist": {"attestations": {"url": "x"}},
                "_npmUser": {"name": "ada"},
                "license": {"type": "MIT"},
            },
            "2.0.0": {
                "dist": {},
                "_npmUser": {"name": "mallory"},
                "license": "ISC",
                "scripts": {"postinstall": "node steal.js", "test": "x"},
                "deprecated": "use other-thing",
            },
        },
        **more,
    }
    return Reply(type=JSON, body=json.dumps(body).encode())


async def test_all_that_npm_tells(index: Index) -> None:
    index.says("/@acme%2Fthing", document("@acme/thing"))
    index.says("/dl/point/last-month/@acme/thing", Reply(type=JSON, body=b'{"downloads": 41}'))
    found = await node(index, "@acme/thing", f"{index.address}/dl")
    assert (found.first, found.latest, found.downloads) == (1577836800.0, "2.0.0", 41)
    assert (found.maintainers, found.licence, found.doubts) == (("ada", "grace"), "ISC", ())
    first, second = found.releases["1.0.0"], found.releases["2.0.0"]
    assert (first.attested, first.scripts, first.publisher, first.licence) == (
        True,
        (),
        "ada",
        "MIT",
    )
    assert (second.attested, second.publisher) == (False, "mallory")
    assert (second.scripts, second.deprecated) == (
        ("postinstall: node steal.js",),
        "use other-thing",
    )


@pytest.mark.parametrize(
    ("reply", "doubt"),
    [
        (Reply(403), "downloads: answered 403"),
        (Reply(404), "downloads: nothing is published"),
        (Reply(200, "text/html", b"<p>"), "downloads: answered with something else"),
        (Reply(type=JSON, body=b'{"downloads": -1}'), "downloads: answered with something else"),
    ],
)
async def test_downloads_that_are_not_known(index: Index, reply: Reply, doubt: str) -> None:
    index.says("/thing", document("thing"))
    index.says("/dl/point/last-month/thing", reply)
    found = await node(index, "thing", f"{index.address}/dl")
    assert (found.existence, found.downloads, found.doubts) == (Existence.EXISTS, None, (doubt,))


@pytest.mark.parametrize(
    ("reply", "existence", "detail"),
    [
        (Reply(500), Existence.UNKNOWN, "answered 500"),
        (Reply(404), Existence.MISSING, ""),
        (Reply(200, "text/html", b"<h1>"), Existence.UNKNOWN, "not a page of a package registry"),
        (Reply(type=JSON, body=b"{"), Existence.UNKNOWN, "not a page of a package registry"),
        (document("other"), Existence.UNKNOWN, "not a page of a package registry"),
        (document("thing", versions={}), Existence.MISSING, "has no version to install"),
        (
            document("thing", versions={"0.0.1-security": {}}),
            Existence.MISSING,
            "was taken down for security reasons",
        ),
    ],
    ids=["500", "404", "html", "no-json", "other", "empty", "taken-down"],
)
async def test_what_npm_says_instead(
    index: Index, reply: Reply, existence: Existence, detail: str
) -> None:
    index.says("/thing", reply)
    found = await node(index, "thing")
    assert found.existence is existence
    assert detail in found.detail


async def test_a_private_index_is_told_who_asks(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.says("/thing", document("thing"))
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password " + "open" + "sesame\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert (await node(index, "thing")).existence is Existence.EXISTS
    assert index.logins[-1].startswith("Basic ")
    netrc.write_text("nonsense here")
    assert (await node(index, "thing")).existence is Existence.EXISTS
    assert index.logins[-1] == ""


class Story:
    """An index that is asked through a cache, at a time that the test sets."""

    def __init__(self, index: Index, path: Path) -> None:
        self.index = index
        self.now = 1_000_000.0
        self.cache = FactsCache(path)
        self._cached = CachedIndex(
            "npm", NpmIndex(index.address, 2.0), self.cache, lambda: self.now
        )

    async def ask(self, name: str) -> PackageFacts:
        return (await self._cached.facts([name]))[name]


async def test_facts_are_kept_with_their_time(index: Index, tmp_path: Path) -> None:
    story = Story(index, tmp_path / "facts.db")
    index.says("/thing", document("thing"))
    first = await story.ask("thing")
    assert first.asked == 1_000_000.0
    story.now += 3600
    assert await story.ask("thing") == first
    assert index.asked == ["/thing"]
    story.now += 6 * 3600
    index.says("/thing", document("thing", maintainers=[{"name": "mallory"}]))
    changed = await story.ask("thing")
    assert (changed.before, changed.maintainers) == (("ada", "grace"), ("mallory",))
    assert changed.asked == story.now


async def test_absence_is_believed_for_minutes_and_doubt_not_at_all(
    index: Index, tmp_path: Path
) -> None:
    story = Story(index, tmp_path / "facts.db")
    assert (await story.ask("thing")).existence is Existence.MISSING
    index.says("/thing", Reply(403))
    assert (await story.ask("thing")).existence is Existence.MISSING
    story.now += 601
    assert (await story.ask("thing")).existence is Existence.UNKNOWN
    index.says("/thing", document("thing"))
    assert (await story.ask("thing")).existence is Existence.EXISTS
    # What is damaged in the file is as if it had never been asked.
    story.cache.close()
    with sqlite3.connect(tmp_path / "facts.db") as damaged:
        damaged.execute("UPDATE facts SET body = '{}'")
    asked = len(index.asked)
    story = Story(index, tmp_path / "facts.db")
    assert (await story.ask("thing")).existence is Existence.EXISTS
    assert len(index.asked) == asked + 1


def test_a_cache_that_is_none(tmp_path: Path) -> None:
    place = tmp_path / "facts.db"
    place.write_bytes(b"no database at all, but long enough to be one" * 40)
    with pytest.raises(CouldNotRun, match="cannot be used"):
        FactsCache(place)
