"""A real house on a real uvicorn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from warm import lay_database, lay_rules

if TYPE_CHECKING:
    from server_support import Served


@pytest.fixture
def served(tmp_path: Path, compiled: Path) -> Iterator[Served]:
    """A server with nobody but the operator, and no project but the policy."""
    from server_support import Clock, serve  # only who asks for a server loads one

    data = tmp_path / "data"
    data.mkdir(mode=0o711)
    lay_database(data / "headgate.db")
    lay_rules(compiled, data / "cache" / "rules")
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
    assert not failed, failed
