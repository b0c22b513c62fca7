"""checkov, for Terraform, Kubernetes, Dockerfiles and the like: https://www.checkov.io."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from headgate.scan.analyzers.external import Answer, External, Nonsense, sarif
from headgate.scan.hub.sarif_in import ForeignRun

_ENDINGS = (".tf", ".tfvars", ".yml", ".yaml", ".json", ".bicep", ".hcl")
_NAMES = ("dockerfile", "containerfile")


def checkov() -> External:
    """Runs the checks that need no network."""
    return External("checkov", _wanted, _command, _read, "pip install checkov")


def _wanted(path: str, start: bytes) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.endswith(_ENDINGS) or name.partition(".")[0] in _NAMES


def _command(binary: str, folder: Path, names: Sequence[str]) -> Sequence[str]:
    quiet = ("--quiet", "--compact", "--skip-download", "--soft-fail")
    return (binary, "-d", ".", *quiet, "-o", "sarif", "--output-file-path", str(folder.parent))


def _read(answer: Answer) -> ForeignRun:
    file = answer.folder.parent / "results_sarif.sarif"
    try:
        out = file.read_bytes()
        json.loads(out)
    except (OSError, ValueError):
        raise Nonsense("wrote no results") from None
    return sarif(Answer(out, answer.folder))
