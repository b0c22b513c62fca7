"""`headgate policy check`: what the policy silences has to exist, and an end is told."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from headgate.cli.policy import policy
from headgate.model.errors import BadInput

TEXT = """\
[[suppress]]
rule = "python/sql-injection"
until = 2025-01-31
owner = "security"
because = "read-only"
"""


def test_a_suppression_that_has_ended_is_told_with_its_owner(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(TEXT)
    result = CliRunner().invoke(policy, ["check", str(tmp_path)])
    assert result.exit_code == 0, result.output
    first, _ = result.output.splitlines()
    assert first == (
        "policy.toml:1: this suppression has ended: renew it or take it out; security owns it."
    )
    result = CliRunner().invoke(policy, ["check", str(tmp_path), "--json"])
    told = json.loads(result.stdout)
    assert told["ended_suppressions"] == [{"line": 1, "owner": "security"}]


def test_a_rule_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(TEXT.replace("sql-injection", "sql"))
    result = CliRunner().invoke(policy, ["check", str(tmp_path)])
    assert isinstance(result.exception, BadInput)
    assert "policy.toml:1: suppress.rule: there is no rule" in result.exception.message
