"""A person's clone, worked on with git itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from headgate.model.ids import Commit

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "LC_ALL": "C.UTF-8",
}


class WorkTree:
    """A person's clone: write files, commit, push."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = 1_700_000_000

    def git(self, *arguments: str | bytes, check: bool = True, text: str = "") -> str:
        """Run git here; its output, both streams when it may fail."""
        self.clock += 1
        when = f"{self.clock} +0100"
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env=ENVIRONMENT | {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
            input=text.encode(),
            capture_output=True,
        )
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        if check:
            assert done.returncode == 0, err
            return out.rstrip("\n")
        return out + err

    def write(self, path: str | bytes, content: bytes | str, mode: int = 0o644) -> None:
        place = self.path / os.fsdecode(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        place.chmod(mode)

    def link(self, path: str, target: str) -> None:
        place = self.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def commit(
        self, message: str, files: Mapping[str, bytes | str] | None = None, *, remove: str = ""
    ) -> Commit:
        for path, content in (files or {}).items():
            self.write(path, content)
        if remove:
            self.git("rm", "-q", "-r", remove)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head()

    def head(self) -> Commit:
        return Commit(self.git("rev-parse", "HEAD"))


def new_tree(path: Path) -> WorkTree:
    """An empty work tree on the branch main."""
    path.mkdir()
    made = WorkTree(path)
    made.git("init", "-q", "-b", "main")
    return made
