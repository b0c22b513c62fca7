"""hadolint, for Dockerfiles: https://github.com/hadolint/hadolint (GPL: a process of its own)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headgate.scan.analyzers.external import External, sarif


def hadolint() -> External:
    """Runs every rule; `# hadolint ignore` is not heard."""
    return External(
        "hadolint", _is_dockerfile, _command, sarif, "see https://github.com/hadolint/hadolint"
    )


def _is_dockerfile(path: str, start: bytes) -> bool:
    name = path.rpartition("/")[2].lower()
    base = name.partition(".")[0]
    return base in ("dockerfile", "containerfile") or name.endswith(
        (".dockerfile", ".containerfile")
    )


def _command(binary: str, folder: Path, names: Sequence[str]) -> Sequence[str]:
    return (binary, "--no-fail", "--no-color", "--disable-ignore-pragma", "-f", "sarif", *names)
