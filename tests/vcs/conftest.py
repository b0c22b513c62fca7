"""Real repositories, made by git itself in a few words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from vcs_worktree import WorkTree, new_tree


@pytest.fixture
def tree(tmp_path: Path) -> WorkTree:
    """An empty work tree on the branch main."""
    return new_tree(tmp_path / "tree")


@pytest.fixture
def another(tmp_path: Path) -> Callable[[str], WorkTree]:
    """More work trees, by name."""
    return lambda name: new_tree(tmp_path / name)
