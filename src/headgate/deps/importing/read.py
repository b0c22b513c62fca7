"""TOML and YAML of other tools, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import tomli
import yaml

from headgate.model.errors import BadInput

LARGEST = 4 << 20
"""Characters of the largest file that is read."""

Table = Mapping[str, Any]


def toml_table(text: str, file: str) -> Table:
    """The root table. Raises BadInput."""
    _small(text, file)
    try:
        return tomli.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file} is not TOML: {error}.", "Mend it first.") from None


def yaml_table(text: str, file: str) -> Table:
    """The mapping at the root. Raises BadInput, for aliases too: they can grow without end."""
    _small(text, file)
    try:
        if any(isinstance(one, yaml.AliasEvent) for one in yaml.parse(text, yaml.CSafeLoader)):
            raise BadInput(f"{file} uses aliases of YAML.", "Write the values out.")
        value: object = yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise BadInput(f"{file} is not YAML: {told}.", "Mend it first.") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadInput(f"{file} is no mapping.", "Is it the right file?")
    return cast("Table", value)


def _small(text: str, file: str) -> None:
    if len(text) > LARGEST:
        raise BadInput(f"{file} is larger than {LARGEST >> 20} MB.", "Is it the right file?")


def fail(file: str, what: str) -> BadInput:
    """A sentence about one entry."""
    return BadInput(f"{file}: {what}.", "Mend the entry, or take it out.")
