"""Workflows and actions of GitHub: what they use."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.dockerfile import declare_image
from headgate.deps.lockfiles.interface import Parsed, Role, Scope
from headgate.deps.lockfiles.plain_yaml import Block
from headgate.deps.lockfiles.yaml_text import yaml_block

_ACTION = re.compile(r"([\w.-]+/[\w.-]+(?:/[\w./-]+)?)@(\S+)")


class GithubActions:
    """The actions, workflows and images that jobs on GitHub run.

    An action of a tag or a branch is a package whose content may change; only a commit pins it.
    """

    ecosystem = "githubactions"
    role = Role.MANIFEST

    def wants(self, path: str) -> bool:
        directory, name = posixpath.split(path)
        if name in ("action.yml", "action.yaml"):
            return True
        return directory.endswith(".github/workflows") and name.endswith((".yml", ".yaml"))

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        block = yaml_block(data, builder)
        if block is not None:
            for table, key in _places(builder, block):
                _used(builder, table, key)
        return builder.done()


def _places(builder: Builder, block: Block) -> Iterator[tuple[Block, str]]:
    """The tables and keys that name something to run."""
    jobs = builder.mapping(block.get("jobs"), "jobs", block.line("jobs"))
    for name, job in jobs.items():
        if not isinstance(job, Block):
            builder.problem(f"the job `{name[:80]}` is not a table", block.line("jobs"))
            continue
        if "uses" in job:
            yield job, "uses"
        container = job.get("container")
        if isinstance(container, Block):
            yield container, "image"
        elif container is not None:
            yield job, "container"
        line = job.line("services")
        for service in builder.mapping(job.get("services"), "services", line).values():
            if isinstance(service, Block):
                yield service, "image"
        yield from _steps(builder, job)
    runs = block.get("runs")
    if isinstance(runs, Block):
        yield from _steps(builder, runs)
        if str(runs.get("image") or "").startswith("docker://"):
            yield runs, "image"


def _steps(builder: Builder, table: Block) -> Iterator[tuple[Block, str]]:
    for step in builder.sequence(table.get("steps"), "steps", table.line("steps")):
        if isinstance(step, Block) and "uses" in step:
            yield step, "uses"


def _used(builder: Builder, table: Block, key: str) -> None:
    line = table.line(key)
    value = builder.text(table.get(key), key, line).strip()
    if not value or value.startswith("./"):
        return
    if key != "uses" or value.startswith("docker://"):
        if "${{" in value:
            builder.problem(f"the image `{value[:80]}` is known only when the job runs", line)
        else:
            declare_image(builder, value.removeprefix("docker://"), line, Scope.DEVELOPMENT)
        return
    match = _ACTION.fullmatch(value)
    if match is None:
        builder.problem(f"`{value[:80]}` is no action and version", line)
        return
    builder.declare(
        "githubactions",
        match[1].lower(),
        value,
        line,
        version=match[2],
        scope=Scope.DEVELOPMENT,
    )
