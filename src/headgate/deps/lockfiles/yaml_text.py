"""YAML files as tables that know their lines; numbers and dates stay as they are written.

The events of the parser are put together here, because PyYAML's own composer overflows the stack
of the process when a file nests deeply.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import yaml

from headgate.deps.lockfiles.builder import Builder, decoded
from headgate.deps.lockfiles.plain_yaml import Block, plain_block

_DEEPEST = 100
_MOST_MERGED = 10_000
_MOST_VALUES = 2_000_000
"""Values of a document, those that aliases repeat counted each time."""
_NULL = {"", "~", "null", "Null", "NULL"}


class _Refused(Exception):
    """The file is YAML, and not read nevertheless; says why."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


def yaml_block(data: bytes, builder: Builder, *, plain: bool = False) -> Block | None:
    """The table that the file is; None, with a problem noted, when it is none.

    `plain` tries first the faster reader of the YAML that lockfiles are written in.
    """
    text = decoded(data, builder)
    if text is None:
        return None
    if plain and (block := plain_block(text)) is not None:
        return block
    try:
        document = compose(text)
    except _Refused as error:
        builder.problem(f"this YAML is not read: {error}", error.line)
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        builder.problem(
            f"this is not YAML ({error.problem})", mark.line + 1 if mark is not None else 1
        )
        return None
    except (yaml.YAMLError, ValueError):
        builder.problem("this is not YAML", 1)
        return None
    if not isinstance(document, Block):
        builder.problem("this is not a YAML table", 1)
        return None
    return document


def compose(text: str) -> object:
    """The first document of a text. Raises YAMLError, and others for what is not read."""
    return _Composer(text).document()


@dataclass(slots=True)
class _Open:
    """A collection that has begun and not ended."""

    value: Block | list[object]
    anchor: str
    size: int = 1
    key: tuple[str, int] | None = None
    """Of a table, the key that waits for its value, and its line."""


class _Composer:
    """Puts the events of one document together."""

    def __init__(self, text: str) -> None:
        library: Any = yaml
        loader = getattr(library, "CSafeLoader", library.SafeLoader)
        self._events: Iterator[Any] = library.parse(text, loader)
        self._anchors: dict[str, tuple[object, int]] = {}
        """Values that were named, and how many values each stands for."""
        self._merged = 0

    def document(self) -> object:
        stack: list[_Open] = []
        root: list[object] = []
        for event in self._events:
            line: int = event.start_mark.line + 1 if event.start_mark else 1
            size = 1
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                if len(stack) >= _DEEPEST:
                    raise _Refused("it nests too deeply", line)
                table = isinstance(event, yaml.MappingStartEvent)
                stack.append(_Open(Block() if table else [], cast("str", event.anchor) or ""))
                continue
            if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                closed = stack.pop()
                value, size = closed.value, closed.size
                if closed.anchor:
                    self._anchors[closed.anchor] = (value, size)
            elif isinstance(event, yaml.ScalarEvent):
                value = self._scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                name = cast("str", event.anchor)
                if any(name == one.anchor for one in stack):
                    raise _Refused("a value contains itself", line)
                value, size = self._anchors.get(name, (None, 1))
            elif isinstance(event, yaml.DocumentStartEvent) and root:
                break  # Only the first document counts, as for the programs that read these files.
            else:
                continue
            if not stack:
                root.append(value)
                continue
            stack[-1].size += size
            if stack[-1].size > _MOST_VALUES:
                raise _Refused("it has, or its aliases stand for, too many values", line)
            self._put(stack[-1], value, line)
        return root[0] if root else None

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        value = event.value
        plain = not event.style and value in _NULL
        if event.anchor:
            self._anchors[event.anchor] = (None if plain else value, 1)
        return None if plain else value

    def _put(self, into: _Open, value: object, line: int) -> None:
        parent = into.value
        if isinstance(parent, list):
            parent.append(value)
            return
        if into.key is None:
            if value is not None and not isinstance(value, str):
                raise _Refused("a key is not text", line)
            into.key = (value or "", line)
            return
        name, at = into.key
        into.key = None
        if name == "<<":
            self._merge(parent, value, line)
        else:
            parent[name] = value
            parent.lines[name] = at

    def _merge(self, into: Block, value: object, line: int) -> None:
        for one in cast("list[object]", value) if isinstance(value, list) else [value]:
            if not isinstance(one, Block):
                raise _Refused("`<<` merges what is no table", line)
            self._merged += len(one)
            if self._merged > _MOST_MERGED:
                raise _Refused("it merges too much", line)
            for name, inner in one.items():
                if name not in into:
                    into[name] = inner
                    into.lines[name] = one.lines.get(name, line)
