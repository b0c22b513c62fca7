"""Real repositories and a real sandbox."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jobs_bench import Bench, Git, MakeBench

from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.jobs.packages import PackageSettings
from headgate.jobs.sandbox.interface import Sandbox
from headgate.jobs.sandbox.probe import probe


@contextmanager
def _passable() -> Iterator[Path]:
    """A directory that the unprivileged accounts of sandboxes can pass through."""
    path = Path(tempfile.mkdtemp(prefix="headgate-test-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@pytest.fixture
def place() -> Iterator[Path]:
    with _passable() as path:
        yield path


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with _passable() as path:
        report = probe(path / "data")
        assert report.sandbox is not None, report
        yield report.sandbox


@pytest.fixture
def git(place: Path) -> Git:
    return Git(place / "git")


@pytest.fixture
async def make_bench(place: Path, sandbox: Sandbox, git: Git) -> AsyncIterator[MakeBench]:
    made: list[Bench] = []

    def make(slots: int = 2, packages: PackageSettings | None = None) -> Bench:
        approved: set[str] = set()
        dispatcher = LocalDispatcher(
            place / "data", slots, sandbox, approved.__contains__, time.time, packages=packages
        )
        made.append(Bench(dispatcher, place, git, approved))
        return made[-1]

    yield make
    for bench in made:
        await bench.dispatcher.close()


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()
