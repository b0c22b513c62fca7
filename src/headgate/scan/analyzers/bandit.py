"""bandit, for Python: https://bandit.readthedocs.io."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from headgate.model.finding import Confidence, Finding, Outcome, Severity, Span
from headgate.scan.analyzers.external import Answer, External, Nonsense
from headgate.scan.hub.sarif_in import ForeignRun
from headgate.scan.text import is_python, is_test

_SEVERITIES = {"LOW": Severity.LOW, "MEDIUM": Severity.MEDIUM, "HIGH": Severity.HIGH}
_NO_TESTS = "B101"
"""`assert` is what tests are made of."""


def bandit() -> External:
    """Runs every test of bandit; `# nosec` is not heard."""
    return External(
        "bandit",
        lambda path, start: is_python(path, start) and not is_test(path),
        _command,
        _read,
        "pip install bandit",
    )


def _command(binary: str, folder: Path, names: Sequence[str]) -> Sequence[str]:
    skipped = ("--skip", _NO_TESTS, "--exit-zero")
    return (binary, "-q", "-f", "json", "--ignore-nosec", *skipped, "--", *names)


def _read(answer: Answer) -> ForeignRun:
    # It has SARIF only with a further package.
    try:
        told: Any = json.loads(answer.out)
        results = cast("list[dict[str, Any]]", told["results"])
        errors = cast("list[dict[str, Any]]", told["errors"])
        findings = tuple(_finding(one) for one in results)
        skipped = tuple(f"{_path(one['filename'])}: {one['reason']}" for one in errors)
    except (ValueError, KeyError, TypeError) as error:
        raise Nonsense(f"answered with something unknown ({type(error).__name__})") from None
    return ForeignRun("bandit", findings, Outcome.PASSED, skipped=skipped)


def _path(name: str) -> str:
    return name.removeprefix("./")


def _finding(one: dict[str, Any]) -> Finding:
    lines = [int(number) for number in one["line_range"]] or [int(one["line_number"])]
    column = max(0, int(one.get("col_offset", 0))) + 1
    url = str(one.get("more_info", ""))
    return Finding(
        rule=f"bandit/{one['test_id']}",
        title=str(one["test_name"]).replace("_", " ").capitalize(),
        message=str(one["issue_text"])[:1000],
        remedy="",
        severity=_SEVERITIES.get(one["issue_severity"], Severity.LOW),
        confidence=Confidence.LOW if one["issue_confidence"] == "LOW" else Confidence.MEDIUM,
        span=Span(_path(one["filename"]), int(one["line_number"]), column, max(lines)),
        cwe=int(one["issue_cwe"]["id"]) if one.get("issue_cwe") else None,
        check="source",
        url=url if url.startswith("https://") else "",
    )
