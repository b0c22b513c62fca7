"""Whether there is a rule of a name, so that a comment or a command cannot name none."""

from __future__ import annotations

import functools
from pathlib import Path

from headgate.scan.late import late
from headgate.scan.rules.table import load

_TABLES = ("python_ruff", "injection")
_OWN = ("secret/hard-coded-password", "python/does-not-parse", "configuration/unusable")
_FAMILY = late(r"(?P<family>[a-z0-9_.-]+)/[A-Za-z0-9][\w.:/@-]*")
_OPEN = frozenset(
    {"secret", "dependency", "bandit", "semgrep", "zizmor", "checkov", "hadolint", "eslint"}
    | {"reviewer", "own"}
)
"""Families whose rules are a tool's own, or a user's: their names are not listed anywhere."""


@functools.cache
def known_rules() -> frozenset[str]:
    """The rules that Headgate's own analyzers have, without the open families."""
    names = {rule.rule for table in _TABLES for rule in load(table).values()}
    return frozenset(names | set(_OWN) | _of_packs())


def _of_packs() -> set[str]:
    """`LANGUAGE/KIND` for every language and kind that the packs know."""
    data = Path(__file__).parent.parent / "packs" / "data"
    kinds = data / "kinds.yaml"
    if not kinds.is_file():
        return set()
    import yaml

    named: dict[str, object] = yaml.safe_load(kinds.read_text("utf-8")) or {}
    languages = [one.name for one in data.iterdir() if one.is_dir()]
    return {f"{language}/{kind}" for language in languages for kind in named}


def is_known_rule(rule: str) -> bool:
    """Whether findings of this rule can exist."""
    match = _FAMILY.fullmatch(rule)
    if match is None:
        return False
    return match["family"] in _OPEN or rule in known_rules()
