"""A real `headgate up`, and commands that speak to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_support import HEADGATE, Said, Say

from headgate.cli.main import run
from warm import lay_database, lay_rules


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Say:
    """Run one command line, in a home that holds nothing."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("HEADGATE_URL", "HEADGATE_TOKEN", "HEADGATE_DATA", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def said(*args: object, code: int | None = 0) -> Said:
        capsys.readouterr()
        found = run([str(arg) for arg in args])
        out, err = capsys.readouterr()
        assert code is None or found == code, f"{found}: {out}{err}"
        return Said(found, out, err)

    return said


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Path:
    """Where work trees keep compiled rules between calls: compiling takes seconds."""
    return Path(shutil.copytree(compiled, tmp_path_factory.mktemp("cache") / "cache"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[Path]:
    """A server of this module's tests; the path is its data directory."""
    data = tmp_path_factory.mktemp("gate") / "data"
    lay_rules(compiled, data / "cache" / "rules")
    data.chmod(0o700)
    lay_database(data / "headgate.db")
    process = subprocess.Popen(
        [*HEADGATE, "up", "--data", str(data), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("HEADGATE_")},
    )
    try:
        until = time.monotonic() + 60
        while not (data / "run" / "server.json").exists():
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                pytest.fail(f"the server did not start: {process.communicate()}")
            time.sleep(0.05)
        yield data
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Traceback" not in err


@pytest.fixture
def operator(say: Say, server: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Commands of whoever owns the data directory."""
    monkeypatch.setenv("HEADGATE_DATA", str(server))
    return say
