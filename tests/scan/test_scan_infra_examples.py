"""Every rule of the configuration analyzers finds its bad example and leaves its good one alone."""

from __future__ import annotations

import pytest

from headgate.model.finding import Severity
from headgate.scan.analyzers.infrastructure import TABLES, all_analyzers
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.rules.table import Rule, load

RULES = [(table, code, rule) for table in TABLES for code, rule in load(table).items()]


def found(path: str, text: str) -> set[str]:
    """`rule severity` of everything that all analyzers find."""
    file = SourceFile(path, text.lstrip("\n").encode())
    rules: set[str] = set()
    for tool in all_analyzers(Severity.INFO):
        if tool.wants(path, file.data[:200]):
            analysis = tool.scan([file])
            assert analysis.skipped == ()
            rules |= {f"{hit.finding.rule} {hit.finding.severity.word}" for hit in analysis.hits}
    return rules


@pytest.mark.parametrize(
    ("code", "rule"), [(c, r) for _, c, r in RULES], ids=[f"{t}-{c}" for t, c, _ in RULES]
)
def test_the_examples_of_a_rule(code: str, rule: Rule) -> None:
    told = f"{rule.rule} {rule.severity.word}"
    assert told in found(rule.file, rule.bad), code
    assert not any(one.startswith(f"{rule.rule} ") for one in found(rule.file, rule.good)), code
