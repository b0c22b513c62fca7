"""Looks at what landed from outside the gate: with git, and in the server's log of events.

Nothing that the gate says of its own landings is taken for granted. A tree counts as tested when
every job's part of it either was there before the first landing, or is what a passed run of the
job had found, by the commit that the run was given.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.storm import git

Seen = tuple[str, str]
"""What a job found: the trees of its part and its script."""


@dataclass
class Audit:
    """What the repository and the log say about what landed."""

    heads: int = 0
    """How often the branch was moved."""
    commits: int = 0
    """Commits that it has come to, of which several may have landed by one move."""
    untested: int = 0
    """Heads of which a part had never been tested."""
    red: int = 0
    """Parts of heads that are red when their jobs are run again."""
    twice: int = 0
    """Changes that landed more than once."""
    unreported: int = 0
    """Changes whose verdict is missing, has no reason, or is not what the branch says."""
    builds: int = 0
    """Builds that were run."""
    runs: int = 0
    """Job runs that were begun."""
    reused: int = 0
    """Changes for which a result was used again."""


class Trees:
    """What commits hold of each part, asked of one git that lives long."""

    def __init__(self, repository: Path) -> None:
        self._git = subprocess.Popen(
            ["git", "-C", str(repository), "cat-file", "--batch-check"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._known: dict[str, str] = {}

    def _object(self, name: str) -> str:
        assert self._git.stdin is not None
        assert self._git.stdout is not None
        if name not in self._known:
            self._git.stdin.write(f"{name}\n")
            self._git.stdin.flush()
            self._known[name] = self._git.stdout.readline().split()[0]
        return self._known[name]

    def seen(self, commit: str, part: str) -> Seen:
        """What the job of a part finds in a commit."""
        return self._object(f"{commit}:{part}"), self._object(f"{commit}:check.sh")

    def close(self) -> None:
        self._git.stdin.close()  # type: ignore[union-attr]
        self._git.wait(10)


def audit(
    repository: Path,
    database: Path,
    parts: Sequence[str],
    changes: Iterable[Mapping[str, object]],
    root: Path,
) -> Audit:
    """Look at every place that the branch has ever been at."""
    events = read_events(database)
    lines = git(repository, "rev-list", "--first-parent", "--reverse", "main").split()
    heads = moves(lines, events)
    found = Audit(len(heads), len(lines) - 1)
    trees = Trees(repository)
    try:
        tested = {part: {trees.seen(lines[0], part)} for part in parts}
        commits = {
            event["build"]: event["commits"]["app"]
            for kind, event in events
            if kind == "build.started" and "app" in event["commits"]
        }
        for kind, event in events:
            passed = kind == "job.finished" and event["state"] == "passed"
            if passed and event["build"] in commits:
                commit = commits[event["build"]]
                tested[event["job"]].add(trees.seen(commit, event["job"]))
        judged: dict[tuple[str, Seen], bool] = {}
        for head in heads:
            missing = False
            for part in parts:
                seen = trees.seen(head, part)
                missing |= seen not in tested[part]
                if (part, seen) not in judged:
                    judged[part, seen] = green(repository, head, part, root)
                found.red += not judged[part, seen]
            found.untested += missing
    finally:
        trees.close()
    numbers = landed_numbers(repository)
    found.twice = sum(count - 1 for count in Counter(numbers).values())
    found.unreported = unreported(changes, set(numbers), events)
    found.builds = len({event["build"] for kind, event in events if kind == "build.started"})
    found.runs = sum(kind == "job.started" for kind, _ in events)
    found.reused = len(
        {e["change"] for kind, e in events if kind == "build.passed" and e.get("reused")}
    )
    return found


def read_events(database: Path) -> list[tuple[str, dict[str, Any]]]:
    """The log, oldest first: kind and data."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT kind, data FROM events ORDER BY id").fetchall()
    connection.close()
    return [(kind, json.loads(data)) for kind, data in rows]


def moves(commits: Sequence[str], events: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    """The commits that the branch was ever at, without the first one.

    Of those that landed by one move only the last one was: the intentions of one move are recorded
    together, before it, each beginning where the one before it ends.
    """
    inside: set[object] = set()
    groups: list[list[dict[str, Any]]] = []
    last = ""
    for kind, event in events:
        if kind == "landing.intended":
            if last == "landing.intended" and groups[-1][-1]["commit"] == event["before"]:
                groups[-1].append(event)
            else:
                groups.append([event])
        last = kind
    for group in groups:
        inside |= {event["commit"] for event in group[:-1]}
    return [commit for commit in commits[1:] if commit not in inside]


def landed_numbers(repository: Path) -> list[int]:
    """The change of every commit that the branch has come to."""
    text = "--format=%(trailers:key=Headgate-Change,valueonly)"
    out = git(repository, "log", "--first-parent", text, "main")
    return [int(line) for line in out.split()]


def unreported(
    changes: Iterable[Mapping[str, object]],
    landed: set[int],
    events: Sequence[tuple[str, dict[str, Any]]],
) -> int:
    """How many changes were told nothing, or something else than what became of them."""
    told: Counter[object] = Counter()
    for kind, event in events:
        if kind in ("branch.landed", "item.ejected", "item.withdrawn"):
            told[event["change"]] += 1
    wrong = 0
    for change in changes:
        number, state = int(str(change["number"])), change["state"]
        fits = (state == "landed") == (number in landed)
        wrong += not (fits and change["reason"] and told[number] == 1)
    return wrong


def green(repository: Path, commit: str, part: str, root: Path) -> bool:
    """Run the job of a part on a commit, outside of Headgate."""
    place = root / "green"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    archive = subprocess.run(
        ["git", "-C", str(repository), "archive", commit, part, "check.sh"],
        capture_output=True,
        check=True,
    )
    subprocess.run(["tar", "-x", "-C", str(place)], input=archive.stdout, check=True)
    done = subprocess.run(["sh", "check.sh", part], cwd=place, capture_output=True)
    return done.returncode == 0
