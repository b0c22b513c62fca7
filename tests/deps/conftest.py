"""Fixtures for the tests of dependencies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from deps_index_server import Index, serving


@pytest.fixture
def index() -> Iterator[Index]:
    """A package index of our own."""
    with serving() as found:
        yield found
