"""zizmor, for GitHub Actions: https://docs.zizmor.sh."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from headgate.scan.analyzers.external import External, sarif

_WORKFLOW = re.compile(
    r"(?:^|/)\.github/workflows/[^/]+\.ya?ml$|(?:^|/)action\.ya?ml$|(?:^|/)\.github/dependabot\.ya?ml$"
)


def zizmor() -> External:
    """Runs the audits that need no network."""
    return External(
        "zizmor",
        lambda path, start: bool(_WORKFLOW.search(path)),
        _command,
        sarif,
        "pip install zizmor",
        codes=(0,),
    )


def _command(binary: str, folder: Path, names: Sequence[str]) -> Sequence[str]:
    quiet = ("--offline", "--no-progress", "--no-config", "--no-exit-codes")
    return (binary, *quiet, "--format", "sarif", "--", *names)
