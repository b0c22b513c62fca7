"""The headgate.toml of a commit, and what to say when it cannot be used."""

from __future__ import annotations

from headgate.model.config import PROJECT_FILE, ProjectConfig
from headgate.model.errors import BadInput
from headgate.model.finding import Confidence, Finding, Severity, Span
from headgate.model.ids import Commit
from headgate.model.toml.project_file import parse_project
from headgate.vcs.repository import Repository


async def project_config(repository: Repository, commit: Commit) -> ProjectConfig:
    """The headgate.toml of a commit; a project without one gets the defaults.

    Raises BadInput naming line and key when it is broken.
    """
    data = await repository.file(commit, PROJECT_FILE)
    if data is None:
        return ProjectConfig()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{PROJECT_FILE} is not UTF-8 (byte {error.start}).", "Save it as UTF-8."
        ) from None
    return parse_project(text)


def broken(file: str, error: BadInput) -> Finding:
    """A finding that says that a configuration file cannot be used, at the line it names."""
    parts = error.message.split(":", 2)
    placed = len(parts) == 3 and parts[0].strip() == file and parts[1].strip().isdigit()
    line, message = (int(parts[1]), parts[2].strip()) if placed else (1, error.message)
    return Finding(
        rule="configuration/broken",
        title=f"{file} cannot be used",
        message=message,
        remedy=error.remedy or "Mend the file and push again.",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        span=Span(file, line),
        check="configuration",
    )
