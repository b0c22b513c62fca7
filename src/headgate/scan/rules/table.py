"""The table of rules that a tool's findings are told by."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from headgate.model.finding import Confidence, Severity
from headgate.model.record import record
from headgate.scan.rules.shipped import rule_cache, table

__all__ = ["Rule", "load", "rule_cache"]


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
        for code, entry in table(Path(__file__).with_name(f"{name}.toml")).items()
    }
