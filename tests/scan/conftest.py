"""Fixtures of the scan tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from scan_work import Work

from headgate.scan.runner import ScanRunner


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "work")


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled rules, shared by the tests of one run."""
    path = tmp_path_factory.mktemp("rules")
    path.chmod(0o700)
    return path


@pytest.fixture
async def runner(rules: Path) -> AsyncIterator[ScanRunner]:
    one = ScanRunner(cache=rules)
    yield one
    await one.close()
