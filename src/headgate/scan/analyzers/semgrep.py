"""semgrep with the user's own rules: https://semgrep.dev. No rules are shipped or fetched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from headgate.model.finding import Finding
from headgate.scan.analyzers.external import Answer, External, sarif
from headgate.scan.hub.sarif_in import ForeignRun

_RULES = "rules.yml"
_NO_CODE = (".md", ".rst", ".txt", ".lock", ".svg", ".csv", ".po", ".pdf")


def semgrep(rules: bytes) -> External:
    """`rules`: the content of a file of rules; `# nosem` is not heard."""
    return External(
        "semgrep",
        lambda path, start: b"\0" not in start and not path.endswith(_NO_CODE),
        _command,
        _read,
        "pip install semgrep",
        extra={_RULES: rules},
    )


def _command(binary: str, folder: Path, names: Sequence[str]) -> Sequence[str]:
    still = ("--metrics=off", "--disable-version-check", "--no-git-ignore", "--disable-nosem")
    rules = ("--config", str(folder.parent / _RULES))
    return (binary, "scan", *still, "--quiet", "--sarif", *rules, ".")


def _read(answer: Answer) -> ForeignRun:
    # It puts the folders of the rules, of which ours are new every time, before their names.
    place = answer.folder.parent.name
    run = sarif(answer)
    findings = tuple(_plain(one, place) for one in run.findings)
    return replace(run, findings=findings)


def _plain(finding: Finding, place: str) -> Finding:
    rule = finding.rule.rpartition(f"{place}.")[2].rpartition("/")[2]
    title = re.sub(rf"\S*{re.escape(place)}\.", "", finding.title)
    return replace(finding, rule=f"semgrep/{rule}", title=title)
