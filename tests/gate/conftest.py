"""A place for data that the accounts of sandboxes can pass through, and gates that end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
from harness import Begin, Gate, begin

from headgate.jobs.dispatch.interface import Dispatcher
from headgate.model.config import Policy


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="headgate-gate-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def gates(place: Path) -> AsyncIterator[Begin]:
    """Begins gates, and ends them with the test."""
    begun: list[Gate] = []

    async def make(
        projects: Mapping[str, Mapping[str, str]],
        policy: Policy | None = None,
        dispatcher: Dispatcher | None = None,
    ) -> Gate:
        begun.append(await begin(place / f"data-{len(begun)}", projects, policy, dispatcher))
        return begun[-1]

    yield make
    for gate in begun:
        await gate.end()
