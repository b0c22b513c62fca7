"""pyproject.toml: PEP 621, dependency groups, the build system, and Poetry's and uv's tables."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, cast

from packaging.utils import canonicalize_name

from headgate.deps.lockfiles.builder import Builder, decoded
from headgate.deps.lockfiles.interface import Parsed
from headgate.model.toml.lines import Path, key_lines

_LINE = re.compile(r"at line (\d+)")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


class Pyproject:
    """A Python project's own description."""

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "pyproject.toml"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        text = decoded(data, builder)
        if text is None:
            return builder.done()
        try:
            values = tomllib.loads(text)
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
        self._requirements("build-system", "requires")
        self._requirements("project", "dependencies")
        for extra in self._table("project", "optional-dependencies"):
            self._requirements("project", "optional-dependencies", extra)
        for group in self._table("dependency-groups"):
            self._requirements("dependency-groups", group)
        self._requirements("tool", "uv", "dev-dependencies")
        for tool, table in (("pdm", "dev-dependencies"), ("hatch", "envs")):
            for name in self._table("tool", tool, table):
                inner = ("dependencies",) if tool == "hatch" else ()
                self._requirements("tool", tool, table, name, *inner)
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

    def _requirements(self, *path: str) -> None:
        value = self._at(*path)
        if value is None:
            return
        if not isinstance(value, list):
            self._builder.problem(f"`{'.'.join(path)}` is not a list", self._line(*path))
            return
        for index, item in enumerate(cast("list[object]", value)):
            line = self._line(*path, index)
            if isinstance(item, str):
                self._builder.python(item, line, self._own)
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
            for name, wanted in self._table(*path).items():
                line = self._line(*path, name)
                if canonicalize_name(name) == "python":
                    continue
                if not _NAME.fullmatch(name):
                    self._builder.problem(f"`{name[:80]}` is not the name of a package", line)
                    continue
                for source in _sources_of(wanted):
                    if source is not None:
                        text = f"{name} {wanted if isinstance(wanted, str) else source}".strip()
                        self._builder.declare("pypi", canonicalize_name(name), text, line, source)

    def _sources(self) -> None:
        for name, given in self._table("tool", "uv", "sources").items():
            line = self._line("tool", "uv", "sources", name)
            for source in _sources_of(given):
                if source:
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


def _sources_of(wanted: object) -> list[str | None]:
    """Where a table's dependency comes from: an address, empty for the index, None for a path."""
    if isinstance(wanted, list):
        return [one for item in cast("list[object]", wanted) for one in _sources_of(item)]
    if not isinstance(wanted, dict):
        return [""]
    for key in ("git", "url"):
        if address := _text_of(cast("object", wanted), key):
            return [address]
    keys = cast("dict[str, object]", wanted)
    return [None] if "path" in keys or "workspace" in keys else [""]


def _text_of(item: object, key: str) -> str:
    value = cast("dict[str, object]", item).get(key) if isinstance(item, dict) else None
    return value if isinstance(value, str) else ""
