"""The table of rules that a tool's findings are told by."""

from __future__ import annotations

import functools
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from headgate.model.finding import Confidence, Severity
from headgate.model.record import record


@record
class Rule:
    """How a finding of one rule is told."""

    rule: str
    """Ours, e.g. `python/unsafe-yaml`."""
    title: str
    severity: Severity
    confidence: Confidence
    cwe: int
    message: str
    remedy: str
    file: str = ""
    """Path that the examples are files of."""
    bad: str = ""
    """A whole file that has the defect, for the documentation and the tests."""
    good: str = ""
    """The same without it."""


@functools.cache
def load(name: str) -> Mapping[str, Rule]:
    """The table `NAME.toml` of this package, by the tool's own codes."""
    text = (Path(__file__).parent / f"{name}.toml").read_text("utf-8")
    return {
        code: Rule(
            rule=entry["rule"],
            title=entry["title"],
            severity=Severity[entry["severity"].upper()],
            confidence=Confidence[entry["confidence"].upper()],
            cwe=entry["cwe"],
            message=entry["message"],
            remedy=entry["remedy"],
            file=entry.get("file", ""),
            bad=entry.get("bad", ""),
            good=entry.get("good", ""),
        )
        for code, entry in tomllib.loads(text).items()
    }


def rule_cache() -> Path:
    """Where compiled rules are kept between runs: `headgate/rules` in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return root / "headgate" / "rules"
