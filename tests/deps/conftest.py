"""Fixtures for the tests of dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from deps_desk import Desk
from deps_index_server import Index, serving


@pytest.fixture
def index() -> Iterator[Index]:
    """A package index of our own."""
    with serving() as found:
        yield found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
