"""A real house on a real uvicorn."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from server_support import Served


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rules for secrets as one server has compiled them, which takes longer than most tests."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture
def served(tmp_path: Path, compiled: Path) -> Iterator[Served]:
    """A server with nobody but the operator, and no project but the policy."""
    from server_support import Clock, serve  # only who asks for a server loads one

    data = tmp_path / "data"
    data.mkdir(mode=0o711)
    rules = data / "cache" / "rules"
    rules.mkdir(parents=True, mode=0o700)
    for file in compiled.iterdir():
        shutil.copy(file, rules)
    found: list[Served] = []
    failed: list[BaseException] = []
    up, stop = threading.Event(), threading.Event()

    def ready(served: Served) -> None:
        found.append(served)
        up.set()

    def run() -> None:
        try:
            asyncio.run(serve(data, ready, stop, Clock()))
        except BaseException as error:
            failed.append(error)
        finally:
            up.set()

    thread = threading.Thread(target=run)
    thread.start()
    up.wait(60)
    try:
        if failed:
            raise failed[0]
        yield found[0]
        found[0].close()
    finally:
        stop.set()
        thread.join(30)
        for file in rules.glob("*.vscdb"):
            shutil.copy(file, compiled)
    assert not failed, failed
