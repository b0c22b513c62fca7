"""What holds for every test."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

# Started in the background of a shell, we would hand "ignore Ctrl-C" on to every program we start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Many tests start the program; told to keep no bytecode, each start would compile it all anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's cache with the compiled rules of this program, as one scan leaves it: to be copied.

    The processes of one run of the tests make it once between them.
    """
    from warm import warm_cache

    place = tmp_path_factory.getbasetemp()
    return warm_cache(place.parent if "PYTEST_XDIST_WORKER" in os.environ else place)
