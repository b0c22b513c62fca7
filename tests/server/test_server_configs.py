"""What headgate.toml says at a commit is read once, and so is what is wrong with it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from headgate.jobs.sandbox.probe import probe
from headgate.model.errors import BadInput
from headgate.model.ids import Commit
from headgate.server.house import Headgate
from headgate.server.settings import load_settings
from headgate.vcs.git import GitError
from headgate.vcs.repository import Repository

pytestmark = pytest.mark.sandbox

WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def commit(repository: Path, toml: str) -> Commit:
    def git(*arguments: str, text: str = "") -> str:
        command = ["git", "-C", str(repository), *WHO, *arguments]
        return subprocess.run(
            command, input=text, text=True, capture_output=True, check=True
        ).stdout.strip()

    blob = git("hash-object", "-w", "--stdin", text=toml)
    tree = git("mktree", text=f"100644 blob {blob}\theadgate.toml\n")
    return Commit(git("commit-tree", tree, "-m", "Configure"))


async def test_a_broken_file_is_read_once_and_refused_each_time(tmp_path: Path) -> None:
    report = probe(tmp_path)
    assert report.sandbox is not None, report.problems
    house = Headgate(load_settings(tmp_path), report.sandbox)
    path = house.repository_path("app")
    await Repository.create(path)
    broken = commit(path, "[jobs.a]\nneeds = ['b']\nrun = 'x'\n")
    whole = commit(path, "[jobs.a]\nrun = 'x'\n")
    later = commit(path, "[jobs.b]\nrun = 'x'\n")
    said: list[str] = []
    for _ in range(3):
        with pytest.raises(BadInput, match=r"headgate.toml:2: jobs.a.needs: there is no") as caught:
            await house.project_config("app", broken)
        said.append(str(caught.value))
        assert set((await house.project_config("app", whole)).jobs) == {"a"}
        if path.exists():
            path.rename(tmp_path / "away.git")  # From now on nothing can be read.
    assert len(set(said)) == 1
    # What failed for another reason is tried again.
    with pytest.raises(GitError):
        await house.project_config("app", later)
    (tmp_path / "away.git").rename(path)
    assert set((await house.project_config("app", later)).jobs) == {"b"}
    house.db.close()
