"""A storm: many changes from many principals, random failures and conflicts, and `kill -9`.

Every change must end landed or reported, and every commit of every main must be green. Prints
how long it took, landings per minute, and the share of time lost to restarts. Exits with 1 when a
promise is broken.

    python -m bench.storm --changes 300 --projects 5 --principals 20 --kills 10 --seed 1
"""

from __future__ import annotations

import argparse
import base64
import concurrent.futures
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from headgate.cli.client import Client, Target
from headgate.model.errors import HeadgateError

CHECK = """\
#!/bin/sh
# Green means: no file says "bad", and no two flags of one kind stand together.
set -eu
for file in values/*; do
  [ -e "$file" ] || continue
  if grep -q bad "$file"; then echo "$file is bad"; exit 1; fi
done
for flag in flags/*-1; do
  [ -e "$flag" ] || continue
  other="${flag%-1}-2"
  if [ -e "$other" ]; then echo "$flag and $other exclude each other"; exit 1; fi
done
"""
CONFIG = """\
[jobs.check]
run = ["sh", "check.sh"]
timeout = "1m"
"""
ENDED = {"landed", "ejected", "denied", "abandoned"}


@dataclass(frozen=True)
class Wish:
    """A change that somebody wants to make."""

    number: int
    project: str
    who: str
    path: str
    text: str


class Server:
    """A Headgate server that can be killed and comes back on the same data and port."""

    def __init__(self, root: Path) -> None:
        self.data = root / "data"
        self.log = (root / "server.log").open("ab")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.down = 0.0
        self.start()

    def start(self) -> None:
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "headgate", "up", *self.options()],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        while True:
            try:
                Client(Target(self.url)).get("/healthz")
                break
            except HeadgateError:
                if self.process.poll() is not None:
                    said = Path(self.log.name).read_text("utf-8", "replace").splitlines()[-5:]
                    raise SystemExit("\n".join(["the server did not start:", *said])) from None
                time.sleep(0.02)
        self.down += time.monotonic() - begun

    def options(self) -> tuple[str, ...]:
        return ("--data", str(self.data), "--port", str(self.port))

    def kill(self) -> None:
        """`kill -9`, and start again."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.start()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)

    def operator(self) -> Client:
        state = json.loads((self.data / "run" / "server.json").read_text("utf-8"))
        return Client(Target(self.url, Path(state["operator_socket"])))


def git(
    place: Path | None, *arguments: str, token: str = "", url: str = "", user: str = "git"
) -> str:
    env = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR")}
    env |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    for role in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{role}_NAME": "Storm", f"GIT_{role}_EMAIL": "storm@example.org"}
    if token:
        basic = base64.b64encode(f"{user}:{token}".encode()).decode()
        env |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{url}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        }
    where = ["-C", str(place)] if place else []
    done = subprocess.run(["git", *where, *arguments], env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout + done.stderr


def wishes(count: int, projects: list[str], people: list[str], rng: random.Random) -> list[Wish]:
    made: list[Wish] = []
    for number in range(count):
        project, who, dice = rng.choice(projects), rng.choice(people), rng.random()
        if dice < 0.12:
            path, text = f"values/v{number}", "bad\n"
        elif dice < 0.30:
            path, text = f"flags/k{rng.randrange(8)}-{rng.randrange(1, 3)}", f"flag {number}\n"
        elif dice < 0.45:
            path, text = f"shared/{rng.randrange(6)}", f"line of {number}\n"
        else:
            path, text = f"values/v{number}", f"fine {number}\n"
        made.append(Wish(number, project, who, path, text))
    return made


def propose(server: Server, wish: Wish, clones: Path, tokens: dict[str, str]) -> None:
    """Push one change; again and again while the server is down."""
    place = clones / f"w{wish.number}"
    url = server.url
    deadline = time.monotonic() + 300
    while True:
        try:
            if not (place / ".git").exists():
                shutil.rmtree(place, ignore_errors=True)
                address = f"{url}/git/{wish.project}.git"
                git(
                    None,
                    "clone",
                    "-q",
                    address,
                    str(place),
                    token=tokens[wish.who],
                    url=url,
                    user=wish.who,
                )
                file = place / wish.path
                file.parent.mkdir(exist_ok=True)
                file.write_text(wish.text, "utf-8")
                git(place, "add", "-A")
                git(place, "commit", "-q", "-m", f"Storm {wish.number}")
            ref = f"HEAD:refs/for/main/t{wish.number}"
            git(place, "push", "-q", "origin", ref, token=tokens[wish.who], url=url, user=wish.who)
            break
        except RuntimeError as error:
            if "is already revision" in str(error) or "no commits that" in str(error):
                break
            if "would change nothing" in str(error) or "change no file" in str(error):
                break
            # A server that is down breaks connections, or its hook says that it is not there.
            away = ("Headgate is not running", "Headgate stopped")
            if "[remote rejected]" in str(error) and not any(w in str(error) for w in away):
                raise
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    shutil.rmtree(place, ignore_errors=True)


def set_up(server: Server, root: Path, projects: list[str], people: list[str]) -> dict[str, str]:
    operator = server.operator()
    names = ", ".join(f'"{p}"' for p in projects)
    policy = f'[queues.storm]\nprojects = [{names}]\nbranches = ["main"]\nwindow = 6\n'
    operator.post("/api/policy/import", {"files": {"policy.toml": policy}, "reason": "a storm"})
    first = root / "first"
    (first / "values").mkdir(parents=True)
    (first / "flags").mkdir()
    (first / "shared").mkdir()
    (first / "check.sh").write_text(CHECK, "utf-8")
    (first / "headgate.toml").write_text(CONFIG, "utf-8")
    for number in range(6):
        (first / "shared" / str(number)).write_text("first\n", "utf-8")
    git(first, "init", "-q", "-b", "main")
    git(first, "add", "-A")
    git(first, "commit", "-q", "-m", "Begin")
    for project in projects:
        operator.post("/api/projects", {"name": project, "source": str(first)})
    tokens: dict[str, str] = {}
    for index, who in enumerate(people):
        if index % 4 == 0:
            operator.post("/api/humans", {"name": who, "email": f"{who}@example.org"})
        else:
            operator.post("/api/agents", {"name": who, "sponsor": people[index - index % 4]})
        tokens[who] = operator.post(f"/api/principals/{who}/tokens", {})["token"]
    return tokens


def all_changes(client: Client) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    before: object = None
    while True:
        page = client.get("/changes.json", {"before": before})
        found += page["changes"]
        before = page["next"]
        if before is None:
            return found


def wait_until_ended(server: Server, seconds: float) -> list[dict[str, object]]:
    deadline = time.monotonic() + seconds
    while True:
        try:
            changes = all_changes(server.operator())
        except (HeadgateError, OSError, ValueError):
            changes = []
        if changes and all(c["state"] in ENDED for c in changes):
            return changes
        if time.monotonic() > deadline:
            open_ = [
                (c["number"], c["state"], c["reason"]) for c in changes if c["state"] not in ENDED
            ]
            raise SystemExit(f"not every change ended: {open_[:5]}")
        time.sleep(0.3)


def green(server: Server, root: Path, projects: list[str]) -> tuple[int, list[str]]:
    """Run the job on every commit of every main; how many there are, and which are red."""
    red: list[str] = []
    count = 0
    for project in projects:
        repository = server.data / "repositories" / f"{project}.git"
        for commit in git(repository, "rev-list", "--first-parent", "main").split():
            count += 1
            place = root / "green"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            archive = subprocess.run(
                ["git", "-C", str(repository), "archive", commit], capture_output=True, check=True
            )
            subprocess.run(["tar", "-x", "-C", str(place)], input=archive.stdout, check=True)
            done = subprocess.run(["sh", "check.sh"], cwd=place, capture_output=True)
            if done.returncode:
                red.append(f"{project} {commit[:10]}: {done.stdout.decode().strip()}")
    return count, red


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("changes", 300), ("projects", 5), ("principals", 20), ("kills", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    root = Path(tempfile.mkdtemp(prefix="headgate-storm-"))
    root.chmod(0o711)
    projects = [f"p{n}" for n in range(given.projects)]
    people = [f"who{n}" for n in range(given.principals)]
    server = Server(root)
    try:
        tokens = set_up(server, root, projects, people)
        server.down = 0.0
        (root / "clones").mkdir()
        begun = time.monotonic()
        finished = threading.Event()
        kills = threading.Thread(target=_kill_at_random, args=(server, given, rng, finished))
        kills.start()
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for done in [
                pool.submit(propose, server, wish, root / "clones", tokens)
                for wish in wishes(given.changes, projects, people, rng)
            ]:
                done.result()
        kills.join()
        changes = wait_until_ended(server, 600)
        finished.set()
        seconds = time.monotonic() - begun
        operator = server.operator()
        ledger = operator.post("/api/audit/verify")
        commits, red = green(server, root, projects)
        landed = [c for c in changes if c["state"] == "landed"]
        unreported = [c["number"] for c in changes if c["state"] != "landed" and not c["reason"]]
        trees = [operator.get(f"/changes/{c['number']}.json")["landing"] for c in landed]
        untested = [t for t in trees if t["tested_tree"] != t["landed_tree"]]
        result = {
            "changes": len(changes),
            "outcomes": dict(Counter(str(c["state"]) for c in changes)),
            "seconds": round(seconds, 1),
            "landings_per_minute": round(60 * len(landed) / seconds, 1),
            "kills": given.kills,
            "seconds_down": round(server.down, 1),
            "commits_checked": commits,
            "red": red,
            "unreported": unreported,
            "untested": len(untested),
            "ledger": ledger,
            "twice": commits - len(projects) - len(landed),
        }
        print(json.dumps(result, indent=2))
        bad = red or unreported or untested or not ledger["verified"] or result["twice"]
        return 1 if bad else 0
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


def _kill_at_random(
    server: Server, given: argparse.Namespace, rng: random.Random, finished: threading.Event
) -> None:
    """Kill the server at random moments, spread over the time that the pushes take."""
    for _ in range(given.kills):
        if finished.wait(rng.uniform(0.5, max(1.0, given.changes / 12 / max(1, given.kills)) * 2)):
            return
        server.kill()


if __name__ == "__main__":
    sys.exit(main())
