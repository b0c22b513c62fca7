"""The tools of others that a project may ask for in headgate.toml, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

from headgate.scan.analyzers.interface import Analyzer

PLAIN = ("bandit", "checkov", "hadolint", "zizmor")
"""Those that need nothing but their name."""
NAMES = (*PLAIN, "eslint", "semgrep")
NOT_AT_THE_GATE = frozenset({"eslint"})
"""Those whose configuration is code of the project."""


def adapters(tools: Mapping[str, str]) -> Iterator[Analyzer]:
    """An analyzer per tool: name → the rules of semgrep as text, the absolute path of eslint's
    configuration, empty for the others. Raises KeyError for a name that is not in `NAMES`."""
    for name in sorted(tools):
        if name not in NAMES:
            raise KeyError(name)
        make: Callable[..., Analyzer]
        make = getattr(import_module(f"headgate.scan.analyzers.{name}"), name)
        if name == "semgrep":
            yield make(tools[name].encode("utf-8", "surrogateescape"))
        elif name == "eslint":
            yield make(Path(tools[name]))
        else:
            yield make()
