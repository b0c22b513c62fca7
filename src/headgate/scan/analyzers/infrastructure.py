"""The analyzers of configuration and infrastructure files."""

from __future__ import annotations

from headgate.model.finding import Severity
from headgate.scan.analyzers.compose import Compose
from headgate.scan.analyzers.dockerfile import Dockerfile
from headgate.scan.analyzers.github_actions import GitHubActions
from headgate.scan.analyzers.gitlab_ci import GitLabCI
from headgate.scan.analyzers.interface import Analyzer
from headgate.scan.analyzers.kubernetes import Kubernetes
from headgate.scan.analyzers.settings import Settings
from headgate.scan.analyzers.shell import Shell
from headgate.scan.analyzers.templates import Templates
from headgate.scan.analyzers.terraform import Terraform
from headgate.scan.infra.telling import LEAST

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


def all_analyzers(least: Severity = LEAST) -> tuple[Analyzer, ...]:
    """One of each kind, reporting at or above a severity."""
    return (
        Shell(least),
        GitHubActions(least),
        Dockerfile(least),
        Compose(least),
        Kubernetes(least),
        Terraform(least),
        GitLabCI(least),
        Settings(least),
        Templates(least),
    )
