"""The headgate.toml of a commit, and what to say when it cannot be used."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from headgate.model.config import PROJECT_FILE, ProjectConfig
from headgate.model.errors import BadInput
from headgate.model.finding import Confidence, Finding, Severity, Span
from headgate.model.ids import Commit
from headgate.model.pipeline import GATE_PIPELINE
from headgate.model.toml.dependency_policy import DEPENDENCIES_FILE
from headgate.model.toml.project_file import parse_project
from headgate.scan.analyzers.adapters import NOT_AT_THE_GATE
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.packs.reading import MAX_BYTES
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


def policy_file(error: BadInput) -> str:
    """Which of the policy's files an error is about."""
    name = error.message.partition(":")[0]
    return name if name == DEPENDENCIES_FILE or name.startswith("vex/") else "policy.toml"


def nowhere(config: ProjectConfig, pipelines: Collection[str]) -> list[Finding]:
    """A finding for each pipeline that jobs name and the policy does not have."""
    known = {GATE_PIPELINE, *pipelines}
    named = {
        (one, job.origin or name) for name, job in config.jobs.items() for one in job.pipelines
    }
    found: list[Finding] = []
    for pipeline, job in sorted(named):
        if pipeline in known:
            continue
        near = get_close_matches(pipeline, sorted(known), n=1)
        hint = f"Did you mean `{near[0]}`?" if near else f"Known: {', '.join(sorted(known))}."
        table = config.job_tables.get(job)
        setting = table.settings.get("pipelines") if table else None
        found.append(
            Finding(
                rule="configuration/unknown-pipeline",
                title="A job is for a pipeline that the policy does not have",
                message=f"The policy has no pipeline {pipeline}, so job {job} does not run in it.",
                remedy=hint,
                severity=Severity.MEDIUM,
                confidence=Confidence.HIGH,
                span=Span(PROJECT_FILE, setting.line if setting else 1),
                check="configuration",
            )
        )
    return found


async def rules_of(
    repository: Repository, commit: Commit, config: ProjectConfig
) -> tuple[SourceFile, ...]:
    """The rule packs of a project's own, of files and of folders.

    A place with none in it gives an empty pack, which is no pack, so that the source check does not
    run: never is less looked at than the project asks for.
    """
    found: list[SourceFile] = []
    entries = await repository.files(commit) if config.rules else []
    for path in config.rules:
        there = [
            entry
            for entry in entries
            if entry.is_file
            and (
                entry.path == path
                or (entry.path.endswith(".yaml") and entry.path.rpartition("/")[0] == path)
            )
        ]
        small = {entry.object for entry in there if entry.size <= MAX_BYTES}
        data = await repository.blobs(small)
        found += [SourceFile(one.path, data.get(one.object, b"")) for one in there]
        if not there:
            found.append(SourceFile(path, b""))
    return tuple(found)


async def tools_of(repository: Repository, commit: Commit, config: ProjectConfig) -> dict[str, str]:
    """The tools of others that the gate runs for a project, with the rules that they need.

    Rules that are not there are empty, and the tool then does not run: never is less looked at
    than the project asks for.
    """
    found: dict[str, str] = {}
    for name in config.tools:
        if name in NOT_AT_THE_GATE:
            continue
        path = config.tool_files.get(name, "")
        data = await repository.file(commit, path) if path else None
        found[name] = (data or b"").decode("utf-8", "surrogateescape")
    return found
