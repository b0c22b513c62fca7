"""Python's simple index: PEP 691 (JSON), or PEP 503 (HTML)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import cast

from packaging.utils import canonicalize_name

from headgate.deps.index.downloads import counted, downloads
from headgate.deps.index.http import WHOLE, Page, Question, Reply, Wanted, ask, fetch, shown
from headgate.deps.index.interface import Answer, Existence, PackageFacts
from headgate.deps.index.pypi_facts import from_simple, with_metadata

_ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.1"
)
_JSON = frozenset({"application/vnd.pypi.simple.v1+json", "application/json"})
_HTML = frozenset({"application/vnd.pypi.simple.v1+html", "text/html", "application/xhtml+xml"})
_STRANGE = "answered with something that is not a page of a package index"
_BRIEF = 5.0
"""Seconds for what is good to know, and not needed."""
_FILE = re.compile(r"\.(?:whl|tar\.gz|zip|tar\.bz2|tar\.xz|tgz|egg)(?:[?#]|$)", re.IGNORECASE)


class PypiIndex:
    """An index such as https://pypi.org/simple."""

    def __init__(self, address: str, timeout: float = 10.0, downloads: str = "") -> None:
        """`downloads` is the address of a service that counts downloads, if there is one."""
        self._base = address.rstrip("/")
        self._timeout = timeout
        self._downloads = downloads

    @property
    def address(self) -> str:
        return shown(self._base)

    async def look_up(self, names: Iterable[str]) -> Mapping[str, Answer]:
        """Whether packages of these names exist, each with at least one file."""
        questions = {
            name: Question(f"{self._base}/{canonicalize_name(name)}/", _ACCEPT, _judge(name))
            for name in names
        }
        return await ask(questions, self._timeout)

    async def facts(self, names: Iterable[str]) -> Mapping[str, PackageFacts]:
        """What the index tells of packages; an old index tells whether they exist, and no more."""
        names = list(dict.fromkeys(names))
        wanted: dict[tuple[str, str], Wanted] = {}
        for name in names:
            own = canonicalize_name(name)
            wanted[name, "page"] = Wanted(f"{self._base}/{own}/", _ACCEPT, WHOLE)
            if self._base.endswith("/simple"):
                at = self._base.removesuffix("/simple")
                wanted[name, "json"] = Wanted(f"{at}/pypi/{own}/json", "application/json", WHOLE)
        counting = downloads("pypi", self._downloads, names if self._downloads else (), _BRIEF)
        replies, counts = await asyncio.gather(fetch(wanted, self._timeout), counting)
        found: dict[str, PackageFacts] = {}
        for name in names:
            facts = self._facts(name, replies[name, "page"])
            if facts.existence is Existence.EXISTS and (name, "json") in replies:
                facts = with_metadata(facts, replies[name, "json"])
            found[name] = counted(replace(facts, address=self.address), counts.get(name))
        return found

    def _facts(self, name: str, reply: Reply) -> PackageFacts:
        if reply.page is None:
            return PackageFacts(name, reply.refusal.existence, reply.refusal.detail)
        if reply.page.type in _JSON and reply.page.whole:
            return from_simple(name, reply.page.text)
        said = _judge(name)(reply.page)
        doubts = ("age, yanked files and attestations: the index does not tell them",)
        return PackageFacts(name, said.existence, said.detail, doubts=doubts)


class _Judge:
    """Reads the page of one package."""

    def __init__(self, name: str) -> None:
        self._name = canonicalize_name(name)

    def __call__(self, page: Page) -> Answer:
        if page.type in _JSON:
            return self._json(page)
        if page.type in _HTML:
            return self._html(page)
        return Answer(Existence.UNKNOWN, _STRANGE)

    def _json(self, page: Page) -> Answer:
        if not page.whole:
            # A page of many files: its beginning shows what it is.
            if page.text.lstrip().startswith("{") and re.search(
                r'"(?:filename|files|meta|versions)"', page.text
            ):
                return Answer(Existence.EXISTS)
            return Answer(Existence.UNKNOWN, _STRANGE)
        try:
            value: object = json.loads(page.text)
        except (ValueError, RecursionError):
            return Answer(Existence.UNKNOWN, _STRANGE)
        if not isinstance(value, dict):
            return Answer(Existence.UNKNOWN, _STRANGE)
        fields = cast("dict[str, object]", value)
        name, files = fields.get("name"), fields.get("files")
        if not isinstance(name, str) or not isinstance(files, list):
            return Answer(Existence.UNKNOWN, _STRANGE)
        if canonicalize_name(name) != self._name:
            return Answer(Existence.UNKNOWN, f"answered with the page of {name[:80]}")
        if not files:
            return Answer(Existence.MISSING, "is registered, but has no file to install")
        return Answer(Existence.EXISTS)

    def _html(self, page: Page) -> Answer:
        links = _Links()
        links.feed(page.text)
        # Some page for people, of a proxy or a sign-in, links to no file of the package.
        if any(self._is_file(text) for text in links.found):
            return Answer(Existence.EXISTS)
        return Answer(Existence.UNKNOWN, _STRANGE)

    def _is_file(self, text: str) -> bool:
        name = text.split("#")[0].rstrip("/").rsplit("/", 1)[-1]
        return bool(_FILE.search(name)) and canonicalize_name(name).startswith(f"{self._name}-")


class _Links(HTMLParser):
    """Texts and addresses of links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._inside = True
            self.found += [value for key, value in attrs if key == "href" and value]

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found.append(data.strip())


def _judge(name: str) -> _Judge:
    return _Judge(name)
