"""pyproject.toml: PEP 621, dependency groups, the build system, and Poetry's and uv's tables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import tomli
from packaging.utils import canonicalize_name

from headgate.deps.lockfiles.builder import Builder, decoded
from headgate.deps.lockfiles.interface import Parsed, Role, Scope, SourceKind
from headgate.deps.lockfiles.python_lock import for_development
from headgate.model.toml.lines import Path, key_lines

_LINE = re.compile(r"at line (\d+)")
_EXACT = re.compile(r"(?:==\s*)?\d+(?:\.\d+)*[\w.+!-]*")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


class Pyproject:
    """A Python project's own description."""

    ecosystem = "pypi"
    role = Role.MANIFEST

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "pyproject.toml"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        text = decoded(data, builder)
        if text is None:
            return builder.done()
        try:
            values = tomli.loads(text)
            reader = _Reader(builder, values, key_lines(text))
        except (ValueError, RecursionError) as error:
            match = _LINE.search(str(error))
            builder.problem("this is not TOML", int(match[1]) if match else 1)
            return builder.done()
        reader.read()
        return builder.done()


class _Reader:
    """Walks over the tables that declare dependencies."""

    def __init__(
        self, builder: Builder, values: Mapping[str, Any], lines: Mapping[Path, int]
    ) -> None:
        self._builder = builder
        self._values = values
        self._lines = lines
        name = self._at("project", "name") or self._at("tool", "poetry", "name")
        self._own = name if isinstance(name, str) else ""

    def read(self) -> None:
        development = Scope.DEVELOPMENT
        self._requirements("build-system", "requires", scope=development)
        self._requirements("project", "dependencies")
        for extra in self._table("project", "optional-dependencies"):
            scope = development if for_development(extra) else Scope.PRODUCTION
            self._requirements("project", "optional-dependencies", extra, scope=scope)
        for group in self._table("dependency-groups"):
            self._requirements("dependency-groups", group, scope=development)
        self._requirements("tool", "uv", "dev-dependencies", scope=development)
        for tool, table in (("pdm", "dev-dependencies"), ("hatch", "envs")):
            for name in self._table("tool", tool, table):
                inner = ("dependencies",) if tool == "hatch" else ()
                self._requirements("tool", tool, table, name, *inner, scope=development)
        self._poetry()
        self._sources()
        self._dynamic()

    def _at(self, *path: str) -> Any:
        value: Any = self._values
        for key in path:
            if not isinstance(value, dict):
                return None
            value = cast("dict[str, Any]", value).get(key)
        return value

    def _table(self, *path: str) -> Mapping[str, Any]:
        value = self._at(*path)
        if value is not None and not isinstance(value, dict):
            self._builder.problem(f"`{'.'.join(path)}` is not a table", self._line(*path))
        return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}

    def _line(self, *path: str | int) -> int:
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _requirements(self, *path: str, scope: Scope = Scope.PRODUCTION) -> None:
        value = self._at(*path)
        if value is None:
            return
        if not isinstance(value, list):
            self._builder.problem(f"`{'.'.join(path)}` is not a list", self._line(*path))
            return
        for index, item in enumerate(cast("list[object]", value)):
            line = self._line(*path, index)
            if isinstance(item, str):
                self._builder.python(item, line, self._own, scope=scope)
            elif not isinstance(item, dict):  # {include-group = "…"} names no package.
                self._builder.problem(f"`{'.'.join(path)}` holds what is no requirement", line)

    def _poetry(self) -> None:
        tables: list[tuple[str, ...]] = [
            ("tool", "poetry", "dependencies"),
            ("tool", "poetry", "dev-dependencies"),
        ]
        tables += [
            ("tool", "poetry", "group", group, "dependencies")
            for group in self._table("tool", "poetry", "group")
        ]
        for path in tables:
            scope = (
                Scope.PRODUCTION if path[-2] == "poetry" and path[-1] == "dependencies" else None
            )
            for name, wanted in self._table(*path).items():
                line = self._line(*path, name)
                if canonicalize_name(name) == "python":
                    continue
                if not _NAME.fullmatch(name):
                    self._builder.problem(f"`{name[:80]}` is not the name of a package", line)
                    continue
                for source, kind, version in _sources_of(wanted):
                    self._builder.declare(
                        "pypi",
                        canonicalize_name(name),
                        f"{name} {version or source}".strip(),
                        line,
                        source,
                        version=version.lstrip("= ") if _EXACT.fullmatch(version) else "",
                        scope=scope or Scope.DEVELOPMENT,
                        kind=kind,
                    )

    def _sources(self) -> None:
        for name, given in self._table("tool", "uv", "sources").items():
            line = self._line("tool", "uv", "sources", name)
            for source, kind, _ in _sources_of(given):
                if source and kind is not SourceKind.PATH:
                    text = f"{name} from {source}"
                    self._builder.declare("pypi", canonicalize_name(name), text, line, source)
        for path in (("tool", "uv", "index"), ("tool", "poetry", "source")):
            value = self._at(*path)
            for index, item in enumerate(
                cast("list[Any]", value) if isinstance(value, list) else []
            ):
                address = _text_of(item, "url")
                if address:
                    self._builder.index("pypi", f"url = {address}", self._line(*path, index, "url"))
        for key in ("index-url", "extra-index-url", "find-links"):
            value = self._at("tool", "uv", key)
            if value:
                line = self._line("tool", "uv", key)
                self._builder.index("pypi", f"{key} = {value}", line)

    def _dynamic(self) -> None:
        for path in self._dynamic_tables():
            value = self._at(*path, "file")
            files = [value] if isinstance(value, str) else value
            for file in cast("list[object]", files) if isinstance(files, list) else []:
                if isinstance(file, str):
                    self._builder.include(file, self._line(*path, "file"))

    def _dynamic_tables(self) -> Iterator[tuple[str, ...]]:
        start = ("tool", "setuptools", "dynamic")
        yield (*start, "dependencies")
        for extra in self._table(*start, "optional-dependencies"):
            yield (*start, "optional-dependencies", extra)


def _sources_of(wanted: object) -> list[tuple[str, SourceKind | None, str]]:
    """Where a table's dependency comes from, what that is, and the version that it wants."""
    if isinstance(wanted, list):
        return [one for item in cast("list[object]", wanted) for one in _sources_of(item)]
    if not isinstance(wanted, dict):
        return [("", SourceKind.REGISTRY, wanted if isinstance(wanted, str) else "")]
    item = cast("dict[str, object]", wanted)
    if address := _text_of(item, "git"):
        at = _text_of(item, "rev") or _text_of(item, "tag") or _text_of(item, "branch")
        # The revision is only told where there is one, as the address alone is what is judged.
        return [(f"git+{address}@{at}" if at else address, SourceKind.GIT, "")]
    if address := _text_of(item, "url"):
        return [(address, SourceKind.URL, "")]
    for key in ("path", "workspace", "file"):
        if key in item:
            return [(_text_of(item, key) or ".", SourceKind.PATH, "")]
    return [("", SourceKind.REGISTRY, _text_of(item, "version"))]


def _text_of(item: object, key: str) -> str:
    value = cast("dict[str, object]", item).get(key) if isinstance(item, dict) else None
    return value if isinstance(value, str) else ""
