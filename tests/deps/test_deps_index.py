"""Asking an index whether packages exist: every doubt stays a doubt."""

from __future__ import annotations

import json
import socket
import ssl
import time
from pathlib import Path

import httpx
import pytest
from deps_index_server import Index, Reply

from headgate.deps.index.http import authorities
from headgate.deps.index.interface import Existence
from headgate.deps.index.npm import NpmIndex
from headgate.deps.index.pypi import PypiIndex

HTML_PAGE = b"""<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.0">
</head><body><h1>Links for markupsafe</h1>
<a href="../../packages/MarkupSafe-3.0.2.tar.gz#sha256=ab">MarkupSafe-3.0.2.tar.gz</a><br/>
</body></html>"""


async def ask(index: Index, name: str, patience: float = 5.0) -> tuple[Existence, str]:
    answer = (await PypiIndex(f"{index.address}/simple/", patience).look_up([name]))[name]
    return answer.existence, answer.detail


async def test_packages_that_exist_and_that_do_not(index: Index) -> None:
    index.has("markupsafe")
    answers = await PypiIndex(f"{index.address}/simple").look_up(["markupsafe", "invented-name"])
    assert answers["markupsafe"].existence is Existence.EXISTS
    assert answers["invented-name"].existence is Existence.MISSING


async def test_names_are_asked_for_as_the_index_writes_them(index: Index) -> None:
    index.has("markup-safe")
    assert await ask(index, "Markup__Safe") == (Existence.EXISTS, "")
    assert index.asked == ["/simple/markup-safe/"]


async def test_an_index_of_html_pages(index: Index) -> None:
    index.says("/simple/markupsafe/", Reply(type="text/html; charset=utf-8", body=HTML_PAGE))
    assert await ask(index, "markupsafe") == (Existence.EXISTS, "")


async def test_a_page_of_very_many_files(index: Index) -> None:
    index.has("boto3", files=5000)
    assert await ask(index, "boto3") == (Existence.EXISTS, "")


async def test_a_name_that_is_registered_and_empty(index: Index) -> None:
    index.has("squatted", files=0)
    assert await ask(index, "squatted") == (
        Existence.MISSING,
        "is registered, but has no file to install",
    )


async def test_a_redirect_is_followed_and_a_circle_is_not(index: Index) -> None:
    index.has("new-name")
    index.says("/simple/old-name/", Reply(301, location="/simple/new-name/"))
    index.says("/simple/round/", Reply(302, location="/simple/round/"))
    assert (await ask(index, "old-name")) == (
        Existence.UNKNOWN,
        "answered with the page of new-name",
    )
    assert (await ask(index, "round"))[0] is Existence.UNKNOWN


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(500), "answered 500"),
        (Reply(401), "answered 401"),
        (Reply(403), "answered 403"),
        (Reply(204, body=b""), "answered 204"),
        (Reply(type="text/html", body=b"<html><a href='/login'>Sign in</a>"), "not a page"),
        (Reply(type="text/html", body=b"\xff\x00 <<< garbage"), "not a page"),
        (Reply(type="text/html", body=b""), "not a page"),
        (Reply(type="text/html", body=b"<a href=other-1.0.tar.gz>other</a>"), "not a page"),
        (Reply(body=b"{"), "not a page"),
        (Reply(body=b"[]"), "not a page"),
        (Reply(body=b'{"name": "thing"}'), "not a page"),
        (Reply(body=b"[" * 50_000), "not a page"),
        (Reply(body=b"x" * 200_000), "not a page"),
        (Reply(body=b'{"name": "other", "files": []}'), "answered with the page of other"),
        (Reply(type="image/png", body=b"\x89PNG"), "not a page"),
    ],
)
async def test_answers_that_say_nothing_are_doubts(index: Index, reply: Reply, why: str) -> None:
    index.says("/simple/thing/", reply)
    existence, detail = await ask(index, "thing")
    assert existence is Existence.UNKNOWN
    assert why in detail


async def test_a_passing_failure_is_asked_again_once(index: Index) -> None:
    page = Reply(body=b'{"name": "thing", "files": [{"filename": "thing-1.zip"}]}')
    index.says("/simple/thing/", Reply(503), page)
    assert await ask(index, "thing") == (Existence.EXISTS, "")
    index.says("/simple/other/", Reply(503))
    assert await ask(index, "other") == (Existence.UNKNOWN, "answered 503")
    assert index.asked.count("/simple/other/") == 2


async def test_an_index_that_drips_is_not_waited_for(index: Index) -> None:
    index.says("/simple/slow/", Reply(body=b'{"name": "slow", "files": []}', delay=0.2))
    begun = time.monotonic()
    assert await ask(index, "slow", 0.5) == (Existence.UNKNOWN, "did not answer within 0.5 s")
    assert time.monotonic() - begun < 1.5


async def test_an_index_that_is_not_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/simple"
        answer = (await PypiIndex(address, 2).look_up(["x"]))["x"]
    assert answer.existence is Existence.UNKNOWN
    assert "could not be reached" in answer.detail


async def test_nothing_is_asked_for_nothing() -> None:
    assert await PypiIndex("http://127.0.0.1:1/simple").look_up([]) == {}


def _believed(context: ssl.SSLContext) -> set[str]:
    return {str(certificate["serialNumber"]) for certificate in context.get_ca_certs()}


def test_an_index_behind_an_authority_of_the_machine_is_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    mozilla = httpx.create_ssl_context()
    machine = ssl.create_default_context()
    assert _believed(mozilla)
    assert _believed(authorities()) == _believed(mozilla) | _believed(machine)
    assert authorities().verify_mode is ssl.CERT_REQUIRED


def test_a_named_file_of_authorities_replaces_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first, *_] = httpx.create_ssl_context().get_ca_certs(binary_form=True)
    file = tmp_path / "one.pem"
    file.write_text(ssl.DER_cert_to_PEM_cert(first))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    assert len(_believed(authorities())) == 1


def test_an_address_is_shown_without_credentials() -> None:
    user = "user:" + "pass"
    assert PypiIndex(f"https://{user}@index.example:8443/simple/").address == (
        "https://index.example:8443/simple"
    )
    assert NpmIndex("https://npm.example").address == "https://npm.example"


async def test_a_registry_of_npm(index: Index) -> None:
    def document(name: str, versions: int) -> Reply:
        body = {"name": name, "versions": {f"1.0.{i}": {"x": "y" * 50} for i in range(versions)}}
        return Reply(type="application/vnd.npm.install-v1+json", body=json.dumps(body).encode())

    index.says("/left-pad", document("left-pad", 1))
    index.says("/@types%2Fnode", document("@types/node", 3000))
    index.says("/empty", document("empty", 0))
    index.says("/liar", document("other", 1))
    index.says("/broken", Reply(type="application/json", body=b"{"))
    index.says("/page", Reply(type="text/html", body=b"<h1>hello</h1>"))
    names = ["left-pad", "@types/node", "empty", "liar", "broken", "page", "nope"]
    answers = await NpmIndex(index.address).look_up(names)
    assert [answers[name].existence.value for name in names] == [
        "exists",
        "exists",
        "missing",
        "unknown",
        "unknown",
        "unknown",
        "missing",
    ]
