"""The page about what is found in configuration: every rule with its examples, from the tables."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.scan.analyzers.infrastructure import TABLES
from headgate.scan.infra.telling import LEAST
from headgate.scan.rules.table import Rule, load

HEAD = """\
# Rules for configuration and infrastructure

What `headgate scan` and `headgate check` find in files that are no programs: how each rule is told,
an example that has the defect, and the same without it. Severity says how bad it is, confidence how
sure the rule is. Rules below {least} severity are suggestions to harden and are not reported. In
test code only what is high or critical is.

"""
TITLES = {
    "shell": "Shell, in scripts, images, pipelines and manifests",
    "github_actions": "GitHub Actions",
    "dockerfile": "Dockerfile",
    "compose": "docker compose",
    "kubernetes": "Kubernetes",
    "terraform": "Terraform and OpenTofu",
    "gitlab_ci": "GitLab CI",
    "settings": "Settings of Django and Flask, environment files",
    "templates": "Templates of HTML",
}
_LANGUAGES = {
    "yml": "yaml", "yaml": "yaml", "tf": "hcl", "py": "python", "html": "html", "sh": "bash",
    "production": "ini",
}  # fmt: skip


def configuration_rules() -> str:
    """The page, as Markdown."""
    return HEAD.format(least=LEAST.word) + "\n".join(_lines())


def _lines() -> Iterator[str]:
    for table in TABLES:
        yield f"## {TITLES[table]}\n"
        for rule in load(table).values():
            yield from _rule(rule)


def _rule(rule: Rule) -> Iterator[str]:
    language = _LANGUAGES.get(rule.file.rpartition(".")[2], "")
    if rule.file.endswith("Dockerfile"):
        language = "dockerfile"
    yield f"### {rule.title}\n"
    yield (
        f"`{rule.rule}`, CWE-{rule.cwe}, severity {rule.severity.word}, confidence "
        f"{rule.confidence.word}. {rule.message} {rule.remedy}\n"
    )
    for name, example in (("Bad", rule.bad), ("Good", rule.good)):
        yield f'``` {{.{language or "text"} title="{name}: {rule.file}"}}\n{example.strip()}\n```\n'
