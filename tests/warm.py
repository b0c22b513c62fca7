"""What a first start makes and every later one finds: tables, compiled rules, a sandbox.

The program itself makes them, once for a run of the tests: a test that is about something else
begins where a second start would.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headgate.jobs.sandbox.interface import Sandbox


def lay_database(place: Path) -> Path:
    """Put a database with nothing but its tables at a place; gives the place."""
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(_empty_database())
    return place


@functools.cache
def _empty_database() -> bytes:
    from headgate.ledger.chain import seal
    from headgate.store.database import Database

    with tempfile.TemporaryDirectory(prefix="headgate-tables-") as folder:
        place = Path(folder) / "headgate.db"
        Database.open(place, seal=seal).close()
        return place.read_bytes()


def warm_cache(shared: Path) -> Path:
    """A user's cache after one scan, made below a directory that several processes share."""
    place = shared / "warm-cache"
    with (shared / "warm-cache.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            part = Path(tempfile.mkdtemp(prefix="warm-cache-", dir=shared))
            (part / "scanned.py").write_text("import os\n", "utf-8")
            (part / "cache").mkdir(mode=0o700)
            subprocess.run(
                [sys.executable, "-m", "headgate", "scan", "scanned.py"],
                cwd=part,
                env={**os.environ, "XDG_CACHE_HOME": str(part / "cache"), "HOME": str(part)},
                check=True,
                capture_output=True,
            )
            (part / "cache").rename(place)
            shutil.rmtree(part)
    return place


def compiled_rules(cache: Path) -> Path:
    """The directory of compiled rules in a user's cache."""
    return cache / "headgate" / "rules"


def lay_rules(cache: Path, place: Path) -> None:
    """Copy the compiled rules of a cache to where a server keeps its own."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copytree(compiled_rules(cache), place, dirs_exist_ok=True)


@functools.cache
def tried_sandbox() -> Sandbox:
    """The sandbox of this machine, tried once by each process of the tests."""
    from headgate.jobs.sandbox.probe import probe

    place = Path(tempfile.mkdtemp(prefix="headgate-sandbox-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    place.chmod(0o711)
    report = probe(place)
    assert report.sandbox is not None, report.problems
    return report.sandbox
