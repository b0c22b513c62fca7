"""A server of its own, the people and agents of the story, and their pushes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from headgate.cli.client import Client, Target, local_server
from headgate.demo.script import Edit
from headgate.model.errors import CouldNotRun

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Person:
    """A principal of the story."""

    name: str
    kind: str
    display: str
    email: str
    sponsor: str = ""
    tool: str = ""


CAST = (
    Person("bea", "human", "Bea Maintainer", "bea@example.org"),
    Person("carl", "human", "Carl Developer", "carl@example.org"),
    Person("dora", "human", "Dora Security", "dora@example.org"),
    Person("scribe", "agent", "Scribe", "scribe@agents.example.org", "carl", "claude-code"),
    Person("coder", "agent", "Coder", "coder@agents.example.org", "carl", "codex"),
)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push said, and the change it made."""

    change: int | None
    accepted: bool
    said: str


class World:
    """Context manager: starts a server with an empty data directory, and cleans everything up."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="headgate-demo-"))
        # The sandbox's unprivileged account passes through here to its work areas.
        self.root.chmod(0o711)
        self.data = self.root / "data"
        self.tokens: dict[str, str] = {}
        self.url = ""
        self._server: subprocess.Popen[bytes] | None = None
        self._log = self.root / "server.log"

    def __enter__(self) -> World:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> None:
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "headgate", "up", "--data", str(self.data), "--port", "0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={k: v for k, v in os.environ.items() if not k.startswith("HEADGATE_")},
                start_new_session=True,  # Ctrl-C is ours: we stop it in order.
            )
        deadline = time.monotonic() + START_SECONDS
        while (target := local_server(self.data)) is None:
            if self._server.poll() is not None:
                raise CouldNotRun("The server did not start: " + self._last_words(), "")
            if time.monotonic() > deadline:
                raise CouldNotRun("The server did not start in a minute: " + self._last_words())
            time.sleep(0.05)
        self.url = target.url
        self.operator = Client(target)

    @property
    def server_pid(self) -> int:
        """The server's process."""
        assert self._server is not None
        return self._server.pid

    def _last_words(self) -> str:
        lines = self._log.read_text("utf-8", "replace").strip().splitlines()
        return " ".join(line.removeprefix("headgate: ") for line in lines[-3:])

    def close(self) -> None:
        """Stop the server, and remove everything."""
        server, self._server = self._server, None
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    # -- people ------------------------------------------------------------------------------

    def introduce(self) -> None:
        """Record the cast, and give everyone a token."""
        for person in CAST:
            if person.kind == "human":
                body = {"name": person.name, "display": person.display, "email": person.email}
                self.operator.post("/api/humans", body)
            else:
                body = {"name": person.name, "display": person.display, "sponsor": person.sponsor}
                self.operator.post("/api/agents", body)
            answer = self.operator.post(f"/api/principals/{person.name}/tokens", {"label": "demo"})
            self.tokens[person.name] = str(answer["token"])

    def as_(self, name: str) -> Client:
        """The API as one of the cast."""
        return Client(Target(self.url, token=self.tokens[name]))

    # -- git ---------------------------------------------------------------------------------

    def clone(self, who: str, project: str) -> Path:
        """A fresh clone of a project's branch, as one of the cast."""
        place = self.root / "clones" / f"{who}-{project}-{time.monotonic_ns()}"
        place.parent.mkdir(exist_ok=True)
        done = self._git(who, None, "clone", "--quiet", self._address(project), str(place))
        if done.returncode:
            raise CouldNotRun(f"git clone of {project} failed: {done.stderr.strip()}")
        return place

    def commit(self, who: str, place: Path, edit: Edit, message: str) -> None:
        """Edit a clone and commit everything."""
        edit(place)
        for arguments in (("add", "--all"), ("commit", "--quiet", "-m", message)):
            done = self._git(who, place, *arguments)
            if done.returncode:
                raise CouldNotRun(f"git {arguments[0]} failed: {done.stderr.strip()}")

    def push(self, who: str, place: Path, ref: str, *options: str) -> Pushed:
        """Push HEAD to a ref."""
        extra = [part for option in options for part in ("-o", option)]
        done = self._git(who, place, "push", *extra, "origin", f"HEAD:{ref}")
        said = "\n".join(
            line.removeprefix("remote:").strip()
            for line in done.stderr.splitlines()
            if line.startswith("remote:")
        )
        number = next(
            (
                int(word.rsplit("/", 1)[1])
                for word in said.split()
                if "/changes/" in word and word.rsplit("/", 1)[1].isdigit()
            ),
            None,
        )
        return Pushed(number, done.returncode == 0, said)

    def _address(self, project: str) -> str:
        return f"{self.url}/git/{project}.git"

    def _git(
        self, who: str, place: Path | None, *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        person = next(p for p in CAST if p.name == who)
        return subprocess.run(
            ["git", *(("-C", str(place)) if place else ()), *arguments],
            env=git_environment(person, self.url, self.tokens[who]),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )


def git_environment(person: Person, url: str, token: str) -> Mapping[str, str]:
    """git as this person: own name and token, and nothing of the machine's configuration."""
    import base64

    basic = base64.b64encode(f"{person.name}:{token}".encode()).decode()
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR", "LANG")}
    return {
        **kept,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": person.display,
        "GIT_AUTHOR_EMAIL": person.email,
        "GIT_COMMITTER_NAME": person.display,
        "GIT_COMMITTER_EMAIL": person.email,
        # By the environment, so that no token is ever on a command line or in a file.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{url}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }


def change_of(client: Client, number: int) -> dict[str, Any]:
    """A change as its page tells it."""
    return client.get(f"/changes/{number}.json")
