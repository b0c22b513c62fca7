"""YAML as Zuul writes it: safe, with line numbers and Zuul's own tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml

from headgate.model.errors import BadInput

LARGEST = 4 << 20
"""Bytes of the largest file that is read."""

_NODES = 500_000
"""Values of one file, every alias counted as often as it is used."""


_Pairs = list[tuple[yaml.Node, yaml.Node]]


class Block(dict[str, Any]):
    """A mapping that knows where it and its keys are written."""

    line: int = 0
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that only Zuul's own key opens."""

    scheme: str


@dataclass(frozen=True, slots=True)
class Told:
    """A value with `!inherit` or `!override`: how it meets what is inherited."""

    override: bool
    value: Any


class _Loader(yaml.SafeLoader):
    """The safe loader, which makes Blocks and knows Zuul's tags."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        """Raises ConstructorError, which knows the line, for whatever PyYAML stumbles over."""
        try:
            return cast("object", super().construct_object(node, deep))  # pyright: ignore[reportUnknownMemberType]
        except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError):
            raise yaml.constructor.ConstructorError(
                None, None, f"a value that is no {_tag(node)}", node.start_mark
            ) from None


def _tag(node: yaml.Node) -> str:
    return str(node.tag).removeprefix("tag:yaml.org,2002:")[:40]


def _block(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Iterator[Block]:
    found = Block()
    found.line = node.start_mark.line + 1
    found.lines = {}
    yield found
    loader.flatten_mapping(node)
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key = str(_plain(loader, key_node))
        found[key] = _value(loader, value_node)
        lines[key] = key_node.start_mark.line + 1
    found.lines = lines


def _value(loader: yaml.SafeLoader, node: yaml.Node) -> object:
    return cast("object", loader.construct_object(node, True))  # pyright: ignore[reportUnknownMemberType]


def _plain(loader: yaml.SafeLoader, node: yaml.Node) -> object:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(
            None, None, "a key that is no text", node.start_mark
        )
    return node.value


def _secret(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Secret:
    return Secret(suffix)


def _told(loader: yaml.SafeLoader, node: yaml.Node, override: bool) -> Told:
    if isinstance(node, yaml.MappingNode):
        block = next(made := _block(loader, node))
        for _ in made:
            pass
        return Told(override, block)
    if isinstance(node, yaml.SequenceNode):
        return Told(override, loader.construct_sequence(node, deep=True))
    return Told(override, loader.construct_scalar(cast("yaml.ScalarNode", node)))


def _inherit(loader: yaml.SafeLoader, node: yaml.Node) -> Told:
    return _told(loader, node, False)


def _override(loader: yaml.SafeLoader, node: yaml.Node) -> Told:
    return _told(loader, node, True)


_Loader.add_constructor("tag:yaml.org,2002:map", _block)
_Loader.add_multi_constructor("!encrypted/", _secret)  # pyright: ignore[reportUnknownMemberType]
_Loader.add_constructor("!inherit", _inherit)
_Loader.add_constructor("!override", _override)


def read_yaml(text: str, file: str) -> list[Block]:
    """The objects of one file of Zuul configuration, each a mapping with one key.

    Raises BadInput naming file and line for what is no YAML, or no such list.
    """
    if len(text) > LARGEST:
        raise BadInput(f"{file}:1: is larger than 4 MB.", "Give the file that Zuul reads.")
    try:
        found = _loaded(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise BadInput(f"{file}:{line}: this is not YAML: {error.problem}.", "Mend it.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        what = str(error).splitlines()[0] if str(error) else "it nests too deeply"
        raise BadInput(f"{file}:1: this is not YAML: {what}.", "Mend it.") from None
    if found is None:
        return []
    if not isinstance(found, list):
        raise BadInput(
            f"{file}:1: is no list of objects, as Zuul has it.", "Begin with `- job:` or the like."
        )
    objects: list[Block] = []
    for one in cast("list[object]", found):
        if not isinstance(one, Block) or len(one) != 1:
            line = one.line if isinstance(one, Block) else 1
            raise BadInput(
                f"{file}:{line}: an entry is no mapping with one key.",
                "Write one of `job`, `project`, `pipeline` and so on in each entry.",
            )
        objects.append(one)
    return objects


def _loaded(text: str) -> object:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node)
        return cast("object", loader.construct_document(node))  # pyright: ignore[reportUnknownMemberType]
    finally:
        loader.dispose()  # pyright: ignore[reportUnknownMemberType]


def _count(root: yaml.Node) -> None:
    """Refuse a file whose aliases multiply, before merge keys are followed. MarkedYAMLError."""
    left = 2 * _NODES  # Each is counted when it is found and when it is looked at.
    for entry in _inner(root) if isinstance(root, yaml.SequenceNode) else [root]:
        look = [entry]
        while look:
            found = _inner(look.pop())
            left -= 1 + len(found)
            if left < 0:
                raise yaml.MarkedYAMLError(
                    None, None, "its aliases multiply beyond measure", entry.start_mark
                )
            look += found


def _inner(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [inner for pair in cast("_Pairs", node.value) for inner in pair]
    return cast("list[yaml.Node]", node.value) if isinstance(node, yaml.SequenceNode) else []
