"""A work tree to scan, and secrets put together when the tests run."""

from __future__ import annotations

import os
import random
import string
import subprocess
from collections.abc import Mapping
from pathlib import Path

from headgate.model.ids import Commit
from headgate.vcs.repository import Repository

ALPHABET = string.ascii_letters + string.digits


def made_up(length: int, seed: int = 1, alphabet: str = ALPHABET) -> str:
    """Characters that look like a generated secret and never stand in a file of this project."""
    return "".join(random.Random(seed).choices(alphabet, k=length))


def github_token(seed: int = 1) -> str:
    return "ghp" + "_" + made_up(36, seed)


def password(seed: int = 1) -> str:
    return "Zx" + made_up(8, seed) + "!9"


class Work:
    """A work tree and its repository: write files, commit, ask."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    @property
    def repository(self) -> Repository:
        return Repository(self.path / ".git")

    def git(self, *arguments: str | bytes) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
        }
        command = ["git", *arguments]
        done = subprocess.run(
            command, cwd=self.path, env=environment, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, files: Mapping[str, str | bytes], *, remove: tuple[str, ...] = ()) -> Commit:
        self.write(files)
        for name in remove:
            (self.path / name).unlink()
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "Work")
        return Commit(self.git("rev-parse", "HEAD"))
