"""Short words for running jobs on real repositories."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headgate.jobs.dispatch.interface import RunRequest, RunResult
from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.model.ids import Commit, JobRunId
from headgate.model.job import Checkout, EnvironmentDefinition, JobDefinition

GIT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


@dataclass
class Git:
    """Makes bare repositories with one commit."""

    root: Path

    def project(
        self, name: str, files: Mapping[str, str], links: Mapping[str, str] | None = None
    ) -> Checkout:
        tree = self.root / f"{name}-tree"
        tree.mkdir(parents=True, exist_ok=True)
        self._run(tree, "init", "-q", "-b", "main")
        for path, text in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
        for path, target in (links or {}).items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).symlink_to(target)
        self._run(tree, "add", "-A")
        self._run(tree, "commit", "-q", "-m", "state", "--allow-empty")
        bare = self.root / f"{name}.git"
        if bare.exists():
            self._run(tree, "push", "-q", str(bare), "HEAD:refs/heads/main")
        else:
            self._run(tree, "clone", "-q", "--bare", str(tree), str(bare))
        commit = self._run(tree, "rev-parse", "HEAD").strip()
        return Checkout(name, str(bare), Commit(commit))

    def _run(self, directory: Path, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=directory, env=GIT, check=True, capture_output=True, text=True
        ).stdout


@dataclass
class Bench:
    """A dispatcher and what a test wants to say about it."""

    dispatcher: LocalDispatcher
    place: Path
    git: Git
    approved: set[str] = field(default_factory=set)
    runs: int = 0

    def request(
        self,
        job: JobDefinition,
        *,
        checkouts: tuple[Checkout, ...] | None = None,
        environment: EnvironmentDefinition | None = None,
        environment_changed: bool = False,
        network: bool = False,
        priority: int = 0,
        variables: Mapping[str, str] | None = None,
    ) -> RunRequest:
        self.runs += 1
        if checkouts is None:
            checkouts = (self.git.project("tool", {"README": "hello\n"}),)
        return RunRequest(
            JobRunId(self.runs),
            job,
            checkouts[0].project if checkouts else "tool",
            checkouts,
            environment,
            network,
            variables or {},
            self.place / "logs" / f"{self.runs}.log",
            self.place / "artifacts" / str(self.runs),
            environment_changed,
            priority,
        )

    async def run(self, request: RunRequest) -> tuple[RunResult, str]:
        """The result, and the whole log."""
        result = await self.dispatcher.run(request, lambda _: None)
        return result, request.log.read_text(errors="replace")

    async def sh(self, script: str, **changes: object) -> tuple[RunResult, str]:
        """Run a script as a job."""
        job = JobDefinition("job", script=script, **changes)  # type: ignore[arg-type]
        return await self.run(self.request(job))

    def areas(self) -> list[Path]:
        return [path for path in self.place.glob("data/jobs/work/*") if path.exists()]

    async def idle(self) -> None:
        """Wait until nothing is left to clean."""
        deadline = time.monotonic() + 10
        while self.areas() or self.dispatcher.busy:
            assert time.monotonic() < deadline, self.areas()
            await asyncio.sleep(0.01)


MakeBench = Callable[..., Bench]
