"""YAML with places: every complaint names the file, the line and the key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar, cast

import yaml

from headgate.model.errors import BadInput
from headgate.scan.packs.expressions import why_endless

T = TypeVar("T")
MAX_BYTES = 1 << 20
"""Of one file of rules."""
MAX_DEPTH = 20
_YAML: Any = yaml
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Mark(Protocol):
    line: int


class Table:
    """A mapping of the file, and where it stands."""

    __slots__ = ("_path", "_where", "file", "line", "lines", "values")

    def __init__(self, file: str, where: str, line: int) -> None:
        self.file = file
        self._where = where
        self._path = where
        self.line = line
        self.values: dict[str, Any] = {}
        self.lines: dict[str, int] = {}

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def error(self, key: str, what: str, remedy: str = "") -> BadInput:
        """The complaint about a key of this table."""
        place = f"{self._where}.{key}" if self._where and key else self._where or key
        line = self.lines.get(key, self.line)
        return BadInput(f"{self.file}:{line}: {place}: {what}.", remedy)

    def known(self, keys: Iterable[str]) -> None:
        """Raises BadInput for a key that is none of these."""
        keys = sorted(keys)
        for key in self.values:
            if key not in keys:
                raise self.error(key, "unknown key", f"Known keys: {', '.join(keys)}.")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if value is None:
            raise self.error("", f"{key} is missing", f"Add `{key}: …`.")
        if not isinstance(value, str):
            raise self.error(key, "has to be a text", "Put it in quotes.")
        return value

    def number(self, key: str, default: int | None = None) -> int:
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(key if key in self else "", f"{key} has to be a whole number")
        return value

    def flag(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.error(key, "has to be true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """One text, or a list of them; numbers are read as texts."""
        value = self.values.get(key, [])
        items = cast("list[Any]", value) if isinstance(value, list) else [value]
        if not all(isinstance(i, (str, int)) and not isinstance(i, bool) for i in items):
            raise self.error(key, "has to be a text or a list of texts")
        return tuple(str(i) for i in items)

    def place(self, key: str) -> int | str | None:
        """The position or the name of an argument."""
        value = self.values.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, str))):
            raise self.error(key, "has to be a position or the name of an argument")
        return value

    def regex(self, key: str) -> str:
        value = self.text(key, "")
        try:
            why = why_endless(value)
        except (re.error, OverflowError, RecursionError) as error:
            raise self.error(key, f"is no regular expression: {error}") from error
        if why:
            raise self.error(key, why, "Have each round end with what it cannot repeat.")
        return value

    def choice(self, key: str, choices: Callable[[str], T], names: str, default: T) -> T:
        if key not in self:
            return default
        try:
            return choices(self.text(key))
        except (KeyError, ValueError) as error:
            raise self.error(key, f"has to be one of {names}") from error

    def table(self, key: str) -> Table:
        value = self.values.get(key)
        if value is None:
            return Table(self.file, f"{self._where}.{key}".lstrip("."), self.line)
        if not isinstance(value, Table):
            raise self.error(key, "has to be a mapping")
        return value

    def tables(self, key: str) -> Iterator[Table]:
        value: Any = self.values.get(key) or []
        if not isinstance(value, list):
            raise self.error(key, "has to be a list")
        for item in cast("list[Any]", value):
            if not isinstance(item, Table):
                raise self.error(key, "every item has to be a mapping")
            yield item


def read(data: bytes, file: str) -> Table:
    """The file as a table. Raises BadInput for what is no YAML mapping, or too large or deep."""
    if len(data) > MAX_BYTES:
        raise BadInput(
            f"{file}: is larger than {MAX_BYTES >> 20} MB.", "Split it into several packs."
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: is not UTF-8.", "Save it as UTF-8.") from error
    try:
        loader = _LOADER(text)
        try:
            _shallow(loader, file)
        finally:
            loader.dispose()
        node = _YAML.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}" if mark else file
        problem = getattr(error, "problem", None) or "cannot be read"
        raise BadInput(f"{place}: is not valid YAML: {problem}.", "Correct it.") from error
    if not isinstance(node, yaml.MappingNode):
        raise BadInput(f"{file}:1: has to be a mapping.", "Begin with `pack: NAME`.")
    return cast("Table", _value(node, file, ""))


def _shallow(loader: Any, file: str) -> None:
    """Refuse what is nested too deep before anything recurses over it, and every alias."""
    depth = 0
    while loader.check_event():
        event = loader.get_event()
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise BadInput(f"{file}:{line}: aliases are not allowed.", "Write it out.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise BadInput(f"{file}:{line}: is nested too deep.", "A pack has few levels.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _value(node: Any, file: str, where: str) -> Any:
    line = cast("_Mark", node.start_mark).line + 1
    if isinstance(node, yaml.MappingNode):
        table = Table(file, where, line)
        for key_node, value_node in cast("list[tuple[Any, Any]]", node.value):
            if not isinstance(key_node, yaml.ScalarNode):
                raise BadInput(f"{file}:{line}: {where}: a key has to be a text.", "")
            key = cast("str", key_node.value)
            if key in table.values:
                table.lines[key] = cast("_Mark", key_node.start_mark).line + 1
                raise table.error(key, "is given twice", "Keep one of them.")
            table.lines[key] = cast("_Mark", key_node.start_mark).line + 1
            table.values[key] = _value(value_node, file, f"{where}.{key}".lstrip("."))
        return table
    if isinstance(node, yaml.SequenceNode):
        items = cast("list[Any]", node.value)
        return [_value(item, file, f"{where}[{i}]") for i, item in enumerate(items)]
    return _scalar(node)


def _scalar(node: Any) -> Any:
    """Of YAML's scalars only those that JSON has too: `on`, `yes` and dates stay texts."""
    text = cast("str", node.value)
    if node.style:
        return text
    if text in ("true", "false"):
        return text == "true"
    if text in ("null", "~", ""):
        return None
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text):
        return int(text)
    if re.fullmatch(r"-?[0-9]{1,17}\.[0-9]{1,17}", text):
        return float(text)
    return text
