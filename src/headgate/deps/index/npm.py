"""The npm registry's protocol."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast
from urllib.parse import quote

from headgate.deps.index.downloads import counted, downloads
from headgate.deps.index.http import WHOLE, Page, Question, Reply, Wanted, ask, fetch, shown
from headgate.deps.index.interface import Answer, Existence, PackageFacts
from headgate.deps.index.npm_facts import from_document

_ACCEPT = "application/vnd.npm.install-v1+json, application/json;q=0.5"
_BRIEF = 5.0
"""Seconds for what is good to know, and not needed."""
_STRANGE = "answered with something that is not a page of a package registry"


class NpmIndex:
    """A registry such as https://registry.npmjs.org."""

    def __init__(self, address: str, timeout: float = 10.0, downloads: str = "") -> None:
        """`downloads` is the address of a service that counts downloads, if there is one."""
        self._base = address.rstrip("/")
        self._timeout = timeout
        self._downloads = downloads

    @property
    def address(self) -> str:
        return shown(self._base)

    async def look_up(self, names: Iterable[str]) -> Mapping[str, Answer]:
        """Whether packages of these names exist, each with at least one version."""
        questions = {
            name: Question(f"{self._base}/{quote(name, safe='@')}", _ACCEPT, _Judge(name))
            for name in names
        }
        return await ask(questions, self._timeout)

    async def facts(self, names: Iterable[str]) -> Mapping[str, PackageFacts]:
        """What the registry tells of packages."""
        names = list(dict.fromkeys(names))
        wanted = {
            name: Wanted(f"{self._base}/{quote(name, safe='@')}", "application/json", WHOLE)
            for name in names
        }
        counting = downloads("npm", self._downloads, names if self._downloads else (), _BRIEF)
        replies, counts = await asyncio.gather(fetch(wanted, self._timeout), counting)
        return {
            name: counted(replace(_facts(name, reply), address=self.address), counts.get(name))
            for name, reply in replies.items()
        }


def _facts(name: str, reply: Reply) -> PackageFacts:
    if reply.page is None:
        return PackageFacts(name, reply.refusal.existence, reply.refusal.detail)
    if not reply.page.type.endswith("json") or not reply.page.whole:
        said = _Judge(name)(reply.page)
        doubts = ("everything else: its document is too large",)
        return PackageFacts(name, said.existence, said.detail, doubts=doubts)
    return from_document(name, reply.page.text)


class _Judge:
    """Reads the document of one package."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, page: Page) -> Answer:
        if not page.type.endswith("json"):
            return Answer(Existence.UNKNOWN, _STRANGE)
        if not page.whole:
            own = re.search(rf'"name"\s*:\s*{re.escape(json.dumps(self._name))}', page.text)
            return Answer(Existence.EXISTS) if own else Answer(Existence.UNKNOWN, _STRANGE)
        try:
            value: object = json.loads(page.text)
        except (ValueError, RecursionError):
            return Answer(Existence.UNKNOWN, _STRANGE)
        fields = cast("dict[str, object]", value) if isinstance(value, dict) else {}
        if fields.get("name") != self._name:
            return Answer(Existence.UNKNOWN, _STRANGE)
        if not fields.get("versions"):
            return Answer(Existence.MISSING, "is registered, but has no version to install")
        return Answer(Existence.EXISTS)
