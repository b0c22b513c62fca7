"""Speculative states per CPU-second: Headgate's merger against `git merge` in a work tree.

A repository of 5,000 files; 200 changes of one to three files each, begun at the same commit, are
merged one after another onto the result of those before. All ways must give the same trees. CPU
time is that of this process and of every git process that it started.

    python bench/merge_states.py [--files N] [--states N] [--repeat N] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from headgate.model.change import Signature
from headgate.model.ids import Commit
from headgate.model.queue import MergeMode
from headgate.vcs.git import environment
from headgate.vcs.merge import Merged, MergeMessage, Merger
from headgate.vcs.repository import Repository

AIM = 6.0
WHO = Signature("Bench", "bench@example.org", 1_700_000_000)
ENVIRONMENT = environment(
    {
        "GIT_AUTHOR_NAME": WHO.name,
        "GIT_AUTHOR_EMAIL": WHO.email,
        "GIT_COMMITTER_NAME": WHO.name,
        "GIT_COMMITTER_EMAIL": WHO.email,
        "GIT_AUTHOR_DATE": f"{WHO.time} +0000",
        "GIT_COMMITTER_DATE": f"{WHO.time} +0000",
    }
)


def git(place: Path, *arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=place,
        env=ENVIRONMENT,
        input=stdin,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def build(place: Path, files: int, states: int) -> tuple[Commit, list[Commit]]:
    """Make the repository; returns its base and the heads of the changes."""
    chosen = random.Random(7)
    git(place.parent, "init", "-q", "--bare", "-b", "main", place.name)
    paths = [f"src/part{n % 50:02}/unit{n % 7}/file{n:05}.py" for n in range(files)]
    out: list[str] = []

    def commit(mark: int, ref: str, parent: int | None, content: dict[str, str]) -> None:
        out.append(f"commit {ref}\nmark :{mark}\n")
        out.append(f"committer {WHO.name} <{WHO.email}> {WHO.time + mark} +0000\n")
        out.append(f"data 1\n{mark % 10}\n")
        if parent is not None:
            out.append(f"from :{parent}\n")
        for path, text in content.items():
            out.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n")

    body = {p: "".join(f"{p} line {line}\n" for line in range(40)) for p in paths}
    commit(1, "refs/heads/main", None, body)
    spread = chosen.sample(paths, min(len(paths), states * 3))
    for state in range(states):
        touched = spread[state * 3 : state * 3 + chosen.randint(1, 3)]
        edit = {p: body[p].replace(f"line {state % 40}\n", f"changed {state}\n") for p in touched}
        commit(2 + state, f"refs/changes/{state:04}", 1, edit)
    git(place, "fast-import", "--quiet", stdin="".join(out).encode())
    heads = git(place, "for-each-ref", "--format=%(objectname)", "refs/changes/").split()
    return Commit(git(place, "rev-parse", "main")), [Commit(head) for head in heads]


def cpu() -> float:
    """Seconds that this process and its ended children have spent."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def in_work_tree(bare: Path, base: Commit, heads: list[Commit], scratch: Path) -> list[str]:
    """What Zuul and others do; returns the trees."""
    git(scratch, "clone", "-q", "--no-checkout", str(bare), "tree")
    tree = scratch / "tree"
    git(tree, "fetch", "-q", "origin", "refs/changes/*:refs/changes/*")
    git(tree, "checkout", "-q", "--detach", base)
    start = cpu()
    for head in heads:
        git(tree, "merge", "-q", "--no-ff", "--no-edit", "-m", "Merge", head)
    spent.append(cpu() - start)
    merges = git(tree, "log", "--first-parent", "--reverse", "--format=%T", f"{base}..HEAD")
    return merges.split()


spent: list[float] = []


def by_merger(long_lived: bool) -> Callable[[Path, Commit, list[Commit], Path], list[str]]:
    async def run(bare: Path, base: Commit, heads: list[Commit]) -> list[str]:
        merger = Merger(Repository(bare), long_lived=long_lived)
        trees: list[str] = []
        tip = base
        for head in heads:
            found = await merger.merge(tip, head, MergeMode.MERGE, MergeMessage("Merge", WHO, WHO))
            assert isinstance(found, Merged), found
            tip = found.commit
            trees.append(found.tree)
        assert merger.long_lived is long_lived
        await merger.close()
        return trees

    def method(bare: Path, base: Commit, heads: list[Commit], scratch: Path) -> list[str]:
        copy = scratch / "copy.git"
        git(scratch, "clone", "-q", "--mirror", "--no-local", str(bare), str(copy))
        start = cpu()
        trees = asyncio.run(run(copy, base, heads))
        spent.append(cpu() - start)
        return trees

    return method


METHODS: dict[str, Callable[[Path, Commit, list[Commit], Path], list[str]]] = {
    "git merge in a work tree": in_work_tree,
    "git merge-tree, a process per merge": by_merger(long_lived=False),
    "one long-lived git merge-tree": by_merger(long_lived=True),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--states", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in METHODS}
    with tempfile.TemporaryDirectory(prefix="headgate-bench-") as place:
        bare = Path(place) / "bench.git"
        base, heads = build(bare, given.files, given.states)
        seen: set[tuple[str, ...]] = set()
        for turn in range(given.repeat):
            for name, method in METHODS.items():
                scratch = Path(place) / f"{turn}-{len(spent)}"
                scratch.mkdir()
                seen.add(tuple(method(bare, base, heads, scratch)))
                seconds[name].append(spent[-1])
    rates = {name: given.states / statistics.median(all_) for name, all_ in seconds.items()}
    same = len(seen) == 1
    names = list(METHODS)
    ratio = rates[names[2]] / rates[names[0]]
    if given.json:
        figures = {name: round(rate, 1) for name, rate in rates.items()}
        print(json.dumps({"states_per_cpu_second": figures, "ratio": ratio, "same_trees": same}))
    else:
        print(f"{given.files} files, {given.states} cumulative states, {os.cpu_count()} cores")
        for name, rate in rates.items():
            runs = ", ".join(f"{given.states / each:.0f}" for each in seconds[name])
            print(f"{name:38}{rate:8.1f} states/CPU-s{rate / rates[names[0]]:7.1f}x  ({runs})")
        print(f"identical trees: {'yes' if same else 'NO'}; aim >= {AIM:.0f}x, got {ratio:.1f}x")
    return 0 if same and ratio >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
