"""The analyzers of configuration and infrastructure files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib import import_module

from headgate.model.finding import Outcome, Severity
from headgate.scan.analyzers.interface import Analysis, Analyzer, Separate, SourceFile

TABLES = (
    "shell",
    "github_actions",
    "dockerfile",
    "compose",
    "kubernetes",
    "terraform",
    "gitlab_ci",
    "settings",
    "templates",
)
"""Names of their tables of rules."""


_CLASSES = {
    "shell": "Shell",
    "github_actions": "GitHubActions",
    "dockerfile": "Dockerfile",
    "compose": "Compose",
    "kubernetes": "Kubernetes",
    "terraform": "Terraform",
    "gitlab_ci": "GitLabCI",
    "settings": "Settings",
    "templates": "Templates",
}
"""Module → class."""

_CODE = (".py", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
_OTHER = ("settings", "config", "dockerfile", "containerfile", ".env")
"""Parts of the names of code that one of them may want."""


def all_analyzers(least: Severity | None = None) -> tuple[Separate, ...]:
    """One of each kind, reporting at or above a severity; None: what is reported unless asked
    otherwise."""
    return tuple(_Later(name, least) for name in _CLASSES)


class _Later:
    """An analyzer that is imported when there is a file for it: most projects need few of them,
    and one file of plain code none."""

    check = "source"

    def __init__(self, module: str, least: Severity | None) -> None:
        self._module = module
        self._least = least

    @property
    def name(self) -> str:
        return self._module.replace("_", "-")

    def wants(self, path: str, start: bytes) -> bool:
        return not _is_plain_code(path, start) and self._real.wants(path, start)

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        return self._real.scan(files) if files else Analysis(Outcome.PASSED)

    def version(self) -> str:
        return "" if self._least is None else self._least.word

    def each(self, files: Sequence[SourceFile]) -> list[Analysis] | Analysis:
        return [self._real.scan([file]) for file in files]

    def mark(self, file: SourceFile, place: tuple[int, int, int]) -> str:
        return ""

    @cached_property
    def _real(self) -> Analyzer:
        module = import_module(f"headgate.scan.analyzers.{self._module}")
        made = getattr(module, _CLASSES[self._module])
        return made() if self._least is None else made(self._least)


def _is_plain_code(path: str, start: bytes) -> bool:
    """Whether a file is Python or JavaScript that none of them wants, judged by little."""
    if not path.endswith(_CODE) or b"#!" in start[:5]:
        return False
    lower = path.lower()
    return not any(word in lower for word in _OTHER)
