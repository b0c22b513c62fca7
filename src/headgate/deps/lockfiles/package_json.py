"""package.json of npm and its kin."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from headgate.deps.lockfiles.builder import LOCAL, Builder, decoded
from headgate.deps.lockfiles.interface import Parsed, Role, Scope, SourceKind
from headgate.deps.lockfiles.json_text import key
from headgate.deps.lockfiles.lines import Lines

SECTIONS = (
    "dependencies",
    "devDependencies",
    "peerDependencies",
    "optionalDependencies",
)
_REPLACING = ("overrides", "resolutions")
_HERE = (*LOCAL, "workspace:", "link:", "portal:")
_ALIAS = re.compile(r"npm:(@[^/@]+/[^@]+|[^@]+)(?:@(.*))?")
_EXACT = re.compile(r"=?\s*v?\d+\.\d+\.\d+(?:[-+][\w.+-]+)?")
_REMOTE = re.compile(
    r"(?:git\+|[a-z][a-z0-9+.-]*://|git@|(?:github|gitlab|bitbucket|gist):)", re.IGNORECASE
)
_SHORTHAND = re.compile(r"[\w.-]+/[\w.-]+(?:#.*)?")
_NAME = re.compile(r"(?:@[\w.~-]+/)?[\w.~-]+")


class PackageJson:
    """A JavaScript package's own description."""

    ecosystem = "npm"
    role = Role.MANIFEST

    def wants(self, path: str) -> bool:
        parts = path.split("/")
        return parts[-1] == "package.json" and "node_modules" not in parts

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        text = decoded(data, builder)
        if text is None:
            return builder.done()
        try:
            values: object = json.loads(text)
        except json.JSONDecodeError as error:
            builder.problem(f"this is not JSON ({error.msg.lower()})", error.lineno)
            return builder.done()
        except (RecursionError, ValueError):
            builder.problem("this is not JSON that can be read", 1)
            return builder.done()
        if not isinstance(values, dict):
            builder.problem("this is not a JSON object", 1)
            return builder.done()
        _Reader(builder, text).read(cast("Mapping[str, Any]", values))
        return builder.done()


class _Reader:
    """Walks over the sections that declare dependencies."""

    def __init__(self, builder: Builder, text: str) -> None:
        self._builder = builder
        self._text = text

    def read(self, values: Mapping[str, Any]) -> None:
        for section in SECTIONS:
            given = values.get(section)
            if given is None:
                continue
            lines, line = self._from(section)
            if not isinstance(given, dict):
                self._builder.problem(f"`{section}` is not an object", line)
                continue
            for name, wanted in cast("dict[str, object]", given).items():
                self._dependency(section, name, wanted, lines.find(f"{key(name)}:", key(name)))
        for section in _REPLACING:
            self._replacements(section, values.get(section))

    def _from(self, section: str) -> tuple[Lines, int]:
        """Lines from a section on, and where that begins."""
        lines = Lines(self._text)
        return lines, lines.find(f"{key(section)}:", key(section))

    def _dependency(self, section: str, name: str, wanted: object, line: int) -> None:
        if not isinstance(wanted, str) or not _NAME.fullmatch(name):
            self._builder.problem(f"`{name[:80]}` in `{section}` is no dependency", line)
            return
        text = f"{name} {wanted}".strip()
        scope = Scope.DEVELOPMENT if section == "devDependencies" else Scope.PRODUCTION
        version, source = wanted.strip(), ""
        kind = None
        if alias := _ALIAS.fullmatch(wanted):
            name, version = alias[1], alias[2] or ""
        elif wanted.startswith(_HERE):
            source, kind = wanted, SourceKind.PATH
        elif _REMOTE.match(wanted) or _SHORTHAND.fullmatch(wanted):
            source = wanted
            kind = SourceKind.GIT if _SHORTHAND.fullmatch(wanted) else None
        exact = version.lstrip("=v ") if not source and _EXACT.fullmatch(version) else ""
        self._builder.declare(
            "npm", name, text, line, source, version=exact, scope=scope, kind=kind
        )

    def _replacements(self, section: str, given: object) -> None:
        """What replaces dependencies of dependencies counts when it names another package."""
        lines, line = self._from(section) if given else (Lines(""), 1)
        waiting: list[tuple[str, object]] = [(section, given)]
        while waiting:
            name, value = waiting.pop()
            line = lines.find(f"{key(name)}:", key(name))
            if isinstance(value, dict):
                inner = list(cast("dict[str, object]", value).items())
                waiting.extend(reversed(inner))
            elif isinstance(value, str) and (_ALIAS.fullmatch(value) or _REMOTE.match(value)):
                alias = _ALIAS.fullmatch(value)
                found = alias[1] if alias else name.split("/")[-1] or name
                source = "" if alias else value
                self._builder.declare("npm", found, f"{name} {value}", line, source)
