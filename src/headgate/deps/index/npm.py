"""The npm registry's protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import cast
from urllib.parse import quote

from headgate.deps.index.http import Page, Question, ask, shown
from headgate.deps.index.interface import Answer, Existence

_ACCEPT = "application/vnd.npm.install-v1+json, application/json;q=0.5"
_STRANGE = "answered with something that is not a page of a package registry"


class NpmIndex:
    """A registry such as https://registry.npmjs.org."""

    def __init__(self, address: str, timeout: float = 10.0) -> None:
        self._base = address.rstrip("/")
        self._timeout = timeout

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
