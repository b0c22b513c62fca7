"""Python's simple index: PEP 691 (JSON), or PEP 503 (HTML)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from typing import cast

from packaging.utils import canonicalize_name

from headgate.deps.index.http import Page, Question, ask, shown
from headgate.deps.index.interface import Answer, Existence

_ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.1"
)
_JSON = frozenset({"application/vnd.pypi.simple.v1+json", "application/json"})
_HTML = frozenset({"application/vnd.pypi.simple.v1+html", "text/html", "application/xhtml+xml"})
_STRANGE = "answered with something that is not a page of a package index"
_FILE = re.compile(r"\.(?:whl|tar\.gz|zip|tar\.bz2|tar\.xz|tgz|egg)(?:[?#]|$)", re.IGNORECASE)


class PypiIndex:
    """An index such as https://pypi.org/simple."""

    def __init__(self, address: str, timeout: float = 10.0) -> None:
        self._base = address.rstrip("/")
        self._timeout = timeout

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
