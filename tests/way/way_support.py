"""A real server, a project with a shell script as its job, and people who push to it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headgate.demo.world import World, change_of
from warm import lay_database, lay_rules

CHECK = (
    "set -e\ntest ! -e broken\nif test -e one && test -e two; then echo 'one and two'; exit 1; fi\n"
)
CONFIG = """\
[classes]
critical.auth = ["auth/**"]

[jobs.check]
run = ["sh", "check.sh"]
timeout = "30s"
"""
POLICY = """\
[groups]
security = ["dora"]
maintainers = ["bea"]

[queues.main]
projects = ["app", "lib"]
branches = ["main"]

[[approvals]]
name = "critical-by-agent"
count = 1
groups = ["security"]
classes = ["critical.*"]
origins = ["ai", "mixed", "unknown"]

[dependencies]
agents = "deny"
humans = "warn"
"""
ENDED = frozenset({"landed", "ejected", "denied", "abandoned"})


@dataclass(frozen=True)
class Told:
    """What a push said, and the change it made."""

    change: int
    said: str


class Stage(World):
    """A world in which stories are short."""

    def __init__(self, compiled: Path) -> None:
        """`compiled`: a user's cache with compiled rules; the server begins as if started again."""
        super().__init__()
        lay_rules(compiled, self.data / "cache" / "rules")
        self.data.chmod(0o711)
        lay_database(self.data / "headgate.db")

    def files(self, **contents: str | bytes | None) -> Callable[[Path], None]:
        """An edit that writes files; `__` in a name is a slash, None removes."""

        def edit(root: Path) -> None:
            for name, content in contents.items():
                file = root / name.replace("__", "/")
                file.parent.mkdir(parents=True, exist_ok=True)
                if content is None:
                    file.unlink()
                elif isinstance(content, bytes):
                    file.write_bytes(content)
                else:
                    file.write_text(content, "utf-8")

        return edit

    def propose(
        self,
        who: str,
        edit: Callable[[Path], None],
        message: str = "Change something",
        *options: str,
        project: str = "app",
        ref: str = "refs/for/main",
    ) -> Told:
        """Clone, edit, commit, push; the push must make a change."""
        place = self.clone(who, project)
        self.commit(who, place, edit, message)
        pushed = self.push(who, place, ref, *options)
        assert pushed.change is not None, pushed.said
        return Told(pushed.change, pushed.said)

    def push_refs(self, who: str, place: Path, *refs: str) -> str:
        """Push several refs at once, which must be accepted; gives what was said."""
        done = self._git(who, place, "push", "origin", *refs)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def refused(
        self, who: str, edit: Callable[[Path], None], message: str = "Change", project: str = "app"
    ) -> str:
        """Clone, edit, commit, push; the push must be refused. Gives what was said."""
        place = self.clone(who, project)
        self.commit(who, place, edit, message)
        pushed = self.push(who, place, "refs/for/main")
        assert not pushed.accepted
        return pushed.said

    def ended(
        self, number: int, until: frozenset[str] = ENDED, seconds: float = 60
    ) -> dict[str, Any]:
        """The change once it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            change = change_of(self.operator, number)["change"]
            if change["state"] in until:
                return change
            assert time.monotonic() < deadline, change
            time.sleep(0.05)

    def head(self, project: str = "app") -> str:
        """The commit of main."""
        where = self.data / "repositories" / f"{project}.git"
        done = subprocess.run(
            ["git", "-C", str(where), "rev-parse", "main"],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def add_project(self, name: str, files: dict[str, str]) -> None:
        first = self.root / "first" / name
        first.mkdir(parents=True)
        for path, text in files.items():
            (first / path).parent.mkdir(parents=True, exist_ok=True)
            (first / path).write_text(text, "utf-8")
        run = ["git", "-C", str(first), "-c", "user.name=Bea", "-c", "user.email=bea@example.org"]
        subprocess.run([*run, "init", "-q", "-b", "main"], check=True)
        subprocess.run([*run, "add", "-A"], check=True)
        subprocess.run([*run, "commit", "-q", "-m", "Begin"], check=True)
        self.operator.post("/api/projects", {"name": name, "source": str(first)})


@pytest.fixture(scope="module")
def stage(compiled: Path) -> Generator[Stage]:
    with Stage(compiled) as stage:
        stage.operator.post(
            "/api/policy/import", {"files": {"policy.toml": POLICY}, "reason": "tests"}
        )
        stage.introduce()
        stage.add_project("app", {"check.sh": CHECK, "headgate.toml": CONFIG, "shared": "first\n"})
        lib_config = CONFIG.replace("[jobs.check]", '[jobs.check]\nrequired-projects = ["app"]')
        stage.add_project(
            "lib", {"check.sh": "test ! -e ../app/hostile\n", "headgate.toml": lib_config}
        )
        yield stage
