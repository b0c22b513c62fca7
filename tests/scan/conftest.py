"""Fixtures of the scan tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from scan_work import Work

from headgate.scan.analyzers.interface import Analyzer
from headgate.scan.analyzers.secrets import Secrets
from headgate.scan.runner import ScanRunner
from warm import lay_rules


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "work")


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Path:
    """Compiled rules, shared by the tests of one run."""
    path = tmp_path_factory.mktemp("rules")
    path.chmod(0o700)
    lay_rules(compiled, path)
    return path


@pytest.fixture
async def runner(rules: Path) -> AsyncIterator[ScanRunner]:
    one = ScanRunner(cache=rules)
    yield one
    await one.close()


@pytest.fixture(scope="module")
def tools(rules: Path) -> tuple[Analyzer, ...]:
    """What looks for secrets before anything is shown to a reviewer."""
    return (Secrets(b"k" * 32, rules),)
