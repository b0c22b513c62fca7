"""The reference pages say what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("cli.md", "server-file.md", "api.md", "configuration-rules.md", "rules.md")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tools/reference.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_reference_pages_are_up_to_date() -> None:
    done = run("--check")
    assert done.returncode == 0, done.stderr


def test_a_page_that_the_code_has_left_behind_is_named_and_written_anew(tmp_path: Path) -> None:
    assert run("--pages", str(tmp_path)).returncode == 0
    assert sorted(page.name for page in tmp_path.iterdir()) == sorted(PAGES)
    stale = tmp_path / "api.md"
    fresh = stale.read_text("utf-8")
    stale.write_text("older\n", "utf-8")

    done = run("--pages", str(tmp_path), "--check")
    assert done.returncode == 1
    assert "out of date: api.md." in done.stderr
    assert stale.read_text("utf-8") == "older\n"  # --check writes nothing

    assert run("--pages", str(tmp_path)).returncode == 0
    assert stale.read_text("utf-8") == fresh
