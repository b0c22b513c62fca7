"""A world of its own for every test, and one full of changes for those that only look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pages_world import Story, World, full_story, open_world
from starlette.testclient import TestClient


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = open_world(tmp_path / "data")
    yield world
    world.db.close()


@pytest.fixture
def story(world: World) -> Story:
    return full_story(world)


@pytest.fixture
def ada(story: Story) -> Iterator[TestClient]:
    """A browser without JavaScript, in which Ada is signed in."""
    from pages_world import make_app

    with TestClient(make_app(story.world, story.ada), follow_redirects=False) as client:
        yield client
