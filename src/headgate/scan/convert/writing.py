"""Writes packs of rules that were carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

_WIDTH = 100
_YAML: Any = yaml


class _Dumper(yaml.SafeDumper):
    """YAML without aliases, which packs may not have, and with code in blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    style = "|" if "\n" in data else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)  # pyright: ignore[reportUnknownMemberType]


_Dumper.add_representer(str, _text)


def pack_text(
    name: str, language: str, rules: Sequence[Mapping[str, Any]], origin: Sequence[str]
) -> str:
    """A pack. `origin`: the files that the rules come from."""
    head = f"# Carried over from {', '.join(origin)} by `headgate rules convert`.\n"
    body = {"pack": name, "language": language, "version": 1, "rules": [dict(r) for r in rules]}
    return head + _YAML.dump(
        body, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH
    )
