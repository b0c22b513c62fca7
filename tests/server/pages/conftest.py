"""A world of its own for every test, and one full of changes for those that only look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pages_full_story import copy_story, full_story
from pages_story import Story
from pages_world import World, open_world
from starlette.testclient import TestClient


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = open_world(tmp_path / "data")
    yield world
    world.db.close()


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The story, to be copied: to tell it takes longer than most tests."""
    world = open_world(tmp_path_factory.mktemp("told") / "data")
    story = full_story(world)
    world.db.close()
    return story


@pytest.fixture
def story(told: Story, tmp_path: Path) -> Iterator[Story]:
    story = copy_story(told, tmp_path / "data")
    yield story
    story.world.db.close()


@pytest.fixture
def ada(story: Story) -> Iterator[TestClient]:
    """A browser without JavaScript, in which Ada is signed in."""
    from pages_serving import make_app

    with TestClient(make_app(story.world, story.ada), follow_redirects=False) as client:
        yield client
