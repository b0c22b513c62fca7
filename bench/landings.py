"""Real landings of a queue, audited from outside, beside bare git.

Pushes changes to a real server, waits for their verdicts, and then asks the repository, not the
gate: every tree that main has ever been at must have been tested, job by job, on exactly the files
that the job is shown, and must be green when its jobs are run again. Prints landings per minute,
builds per change, how many results were used again, and the time per landing as a ratio to a bare
`git merge` in a work tree with `git update-ref`, which tests nothing. Exits with 1 when a landed
tree was not tested.

    python -m bench.landings --changes 60 --mode lanes --seed 1
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.storm import Server, git, wait_until_ended
from headgate.cli.client import Client

CHECK = """\
#!/bin/sh
# Green: no file of this part says "bad".
set -eu
if grep -rq bad "$1"; then echo "$1 is bad"; exit 1; fi
"""
SETTINGS = {"lanes": 'mode = "lanes"\nslots = 2\nfuse = {fuse}\n', "chain": "window = 8\n"}


@dataclass(frozen=True)
class Wish:
    """A change that somebody wants to make."""

    number: int
    part: str
    bad: bool

    @property
    def path(self) -> str:
        return f"{self.part}/v{self.number}"


def wishes(count: int, parts: Sequence[str], rng: random.Random) -> list[Wish]:
    """One in twenty is bad."""
    return [Wish(n, rng.choice(parts), rng.random() < 0.05) for n in range(count)]


def set_up(server: Server, root: Path, parts: Sequence[str], mode: str, fuse: int) -> str:
    """A project with a job for each part, and a human; the token of the human."""
    operator = server.operator()
    settings = SETTINGS[mode].format(fuse=fuse)
    policy = f'[queues.bench]\nprojects = ["app"]\nbranches = ["main"]\n{settings}'
    operator.post("/api/policy/import", {"files": {"policy.toml": policy}, "reason": "a bench"})
    first = root / "first"
    first.mkdir()
    (first / "check.sh").write_text(CHECK, "utf-8")
    jobs = ""
    for part in parts:
        (first / part).mkdir()
        (first / part / "first").write_text("fine\n", "utf-8")
        shown = f'files = ["{part}/**"]\nreads = ["{part}/**", "check.sh"]\n'
        jobs += f'[jobs.{part}]\nrun = ["sh", "check.sh", "{part}"]\n{shown}\n'
    (first / "headgate.toml").write_text(jobs, "utf-8")
    git(first, "init", "-q", "-b", "main")
    git(first, "add", "-A")
    git(first, "commit", "-q", "-m", "Begin")
    operator.post("/api/projects", {"name": "app", "source": str(first)})
    operator.post("/api/humans", {"name": "ada", "email": "ada@example.org"})
    return str(operator.post("/api/principals/ada/tokens", {})["token"])


def write(place: Path, wish: Wish, base: str) -> str:
    """A commit of one change on the first commit; its id."""
    git(place, "checkout", "-q", "--detach", base)
    (place / wish.path).write_text("bad\n" if wish.bad else f"fine {wish.number}\n", "utf-8")
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", f"Change {wish.number}")
    return git(place, "rev-parse", "HEAD").strip()


def push(server: Server, place: Path, token: str, found: Sequence[tuple[Wish, str]]) -> None:
    """Propose all changes, a few at once."""

    def one(wish: Wish, commit: str) -> None:
        ref = f"{commit}:refs/for/main/t{wish.number}"
        url = server.url
        git(place, "push", "-q", f"{url}/git/app.git", ref, token=token, url=url, user="ada")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(one, wish, commit) for wish, commit in found]:
            done.result()


def bare(place: Path, commits: Sequence[str], base: str) -> float:
    """Seconds that git takes to merge all of them one after the other, and to move a ref."""
    git(place, "checkout", "-q", "--detach", base)
    begun = time.monotonic()
    for commit in commits:
        git(place, "merge", "-q", "--no-ff", "-m", "Merge", commit)
        git(place, "update-ref", "refs/heads/bare", "HEAD")
    return time.monotonic() - begun


@dataclass
class Audit:
    """What the repository says about what landed."""

    heads: int = 0
    untested: int = 0
    red: int = 0
    reused: int = 0
    builds: int = 0


def audit(operator: Client, repository: Path, numbers: Sequence[int], root: Path) -> Audit:
    """Look at every landing with git, and run its jobs once more."""
    found = Audit(len(git(repository, "rev-list", "--first-parent", "main").split()) - 1)
    seen: dict[int, tuple[str, str, str]] = {}
    builds: set[int] = set()

    def shown(commit: str, part: str) -> str:
        return git(repository, "ls-tree", commit, part, "check.sh")

    def run(id: int) -> tuple[str, str, str]:
        """State, job, and what a run found."""
        if id not in seen:
            page = operator.get(f"/jobs/{id}.json")
            name = page["job"]["job"]
            seen[id] = (page["job"]["state"], name, shown(page["node"]["commit"], name))
        return seen[id]

    for number in numbers:
        page: dict[str, Any] = operator.get(f"/changes/{number}.json")
        builds |= {n["build"]["id"] for n in page["builds"]["nodes"] if n["build"]}
        landing = page["landing"]
        if landing is None:
            continue
        commit = landing["commit"]
        tree = git(repository, "rev-parse", f"{commit}^{{tree}}").strip()
        node = next(n for n in page["builds"]["nodes"] if n["commit"] == commit)
        trial = node["trial"]
        reused = trial["reused"] if trial else []
        found.reused += bool(reused)
        runs = [run(id) for id in (*(job["id"] for job in node["jobs"]), *reused)]
        passed = {(name, what) for state, name, what in runs if state == "passed"}
        touched = git(repository, "diff", "--name-only", f"{commit}^1", commit).split()
        # Of those that landed by one move of the branch, only the last commit was ever its head.
        head = commit if trial is None else last_of(operator, trial["members"], commit)
        missing = {p.split("/")[0] for p in touched} - {
            name for name, what in passed if what == shown(head, name)
        }
        found.untested += bool(missing) or tree not in (landing["landed_tree"],)
        found.red += green(repository, head, {p.split("/")[0] for p in touched}, root)
    found.builds = len(builds)
    return found


def last_of(operator: Client, members: Sequence[int], commit: str) -> str:
    """The commit of the last of those that landed together."""
    landing = operator.get(f"/changes/{members[-1]}.json")["landing"]
    return commit if landing is None else str(landing["commit"])


def green(repository: Path, commit: str, parts: set[str], root: Path) -> int:
    """How many of the parts are red, by running their jobs on this commit."""
    place = root / "green"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    archive = subprocess.run(
        ["git", "-C", str(repository), "archive", commit], capture_output=True, check=True
    )
    subprocess.run(["tar", "-x", "-C", str(place)], input=archive.stdout, check=True)
    runs = [
        subprocess.run(["sh", "check.sh", part], cwd=place, capture_output=True) for part in parts
    ]
    return sum(done.returncode != 0 for done in runs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--changes", type=int, default=60)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--mode", choices=sorted(SETTINGS), default="lanes")
    parser.add_argument("--fuse", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    parts = [f"p{n}" for n in range(given.parts)]
    root = Path(tempfile.mkdtemp(prefix="headgate-landings-"))
    root.chmod(0o711)
    server = Server(root)
    try:
        token = set_up(server, root, parts, given.mode, given.fuse)
        operator = server.operator()
        place = root / "first"
        base = git(place, "rev-parse", "HEAD").strip()
        made = [(w, write(place, w, base)) for w in wishes(given.changes, parts, rng)]
        begun = time.monotonic()
        push(server, place, token, made)
        pushed = time.monotonic() - begun
        changes = wait_until_ended(server, 60 + 10 * given.changes)
        seconds = time.monotonic() - begun
        landed = [c for c in changes if c["state"] == "landed"]
        alone = bare(place, [commit for wish, commit in made if not wish.bad], base)
        numbers = [int(str(c["number"])) for c in changes]
        repository = server.data / "repositories" / "app.git"
        found = audit(operator, repository, numbers, root)
        wrong = sum(w.bad for w, _ in made) + len(landed) - len(made)
        per = seconds / max(len(landed), 1)
        result = {
            "mode": given.mode,
            "changes": len(changes),
            "outcomes": dict(Counter(str(c["state"]) for c in changes)),
            "seconds": round(seconds, 1),
            "seconds_pushing": round(pushed, 1),
            "landings_per_minute": round(60 * len(landed) / seconds, 1),
            "builds_per_change": round(found.builds / len(changes), 2),
            "landings_on_kept_results": found.reused,
            "bare_git_seconds_per_merge": round(alone / max(len(landed), 1), 4),
            "times_bare_git": round(per / (alone / max(len(landed), 1)), 1),
            "untested_landings": found.untested,
            "red_landings": found.red,
            "wrong_verdicts": wrong,
        }
        print(json.dumps(result, indent=2))
        return 1 if found.untested or found.red or wrong else 0
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
