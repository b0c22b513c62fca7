"""eslint with the user's own configuration: https://eslint.org.

The configuration is code of the project: it runs on the command line only, never at the gate.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from headgate.model.finding import Confidence, Finding, Outcome, Severity, Span
from headgate.scan.analyzers.external import Answer, External, Nonsense, find_tool
from headgate.scan.hub.sarif_in import ForeignRun

_ENDINGS = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte")


def eslint(config: Path) -> External:
    """`config`: absolute path of the configuration; comments that disable rules are not heard."""

    def command(binary: str, folder: Path, names: Sequence[str]) -> Sequence[str]:
        quiet = ("--no-inline-config", "--no-error-on-unmatched-pattern", "--no-warn-ignored")
        return (binary, *quiet, "-f", "json", "-c", str(config), "--", *names)

    own = config.parent / "node_modules" / ".bin" / "eslint"
    return External(
        "eslint",
        lambda path, start: path.endswith(_ENDINGS),
        command,
        _read,
        "npm install --save-dev eslint",
        binary=str(own) if own.is_file() else find_tool("eslint"),
    )


def _read(answer: Answer) -> ForeignRun:
    findings: list[Finding] = []
    skipped: list[str] = []
    try:
        for file in cast("list[dict[str, Any]]", json.loads(answer.out)):
            path = Path(file["filePath"]).relative_to(answer.folder).as_posix()
            for one in cast("list[dict[str, Any]]", file["messages"]):
                if one.get("fatal"):
                    skipped.append(f"{path}: {one['message']}")
                elif one.get("ruleId"):
                    findings.append(_finding(path, one))
    except (ValueError, KeyError, TypeError) as error:
        raise Nonsense(f"answered with something unknown ({type(error).__name__})") from None
    return ForeignRun("eslint", tuple(findings), Outcome.PASSED, skipped=tuple(skipped))


def _finding(path: str, one: dict[str, Any]) -> Finding:
    line, column = int(one.get("line") or 1), int(one.get("column") or 1)
    end = (int(one.get("endLine") or 0), int(one.get("endColumn") or 0))
    return Finding(
        rule=f"eslint/{one['ruleId']}",
        title=str(one["ruleId"]),
        message=str(one["message"])[:1000],
        remedy="",
        severity=Severity.MEDIUM if one.get("severity") == 2 else Severity.LOW,
        confidence=Confidence.MEDIUM,
        span=Span(path, line, column, *end),
        check="source",
    )
