"""Speculative states per CPU-second: Headgate's merger against `git merge` in a work tree.

A repository of 5,000 files; 200 changes of one to three files each, begun at the same commit, are
merged one after another onto the result of those before. All ways and modes must give the same
trees, as they do for changes to different files. CPU time is that of this process and of every git
process that it started. A state must not cost more because many were made before it: the last
quarter is set against the first.

    python bench/merge_states.py [--files N] [--states N] [--repeat N] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headgate.model.change import Signature
from headgate.model.ids import Commit
from headgate.model.queue import MergeMode
from headgate.vcs.git import environment
from headgate.vcs.merge import Merged, MergeMessage, Merger, Ways
from headgate.vcs.repository import Repository

AIM = 12.0
FLAT = 1.5
"""What a state of the last quarter may cost, in states of the first."""

STRIDE = 10
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
    """Seconds that this process and its children, ended or not, have spent."""
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    spent = sum(part.ru_utime + part.ru_stime for part in parts)
    with contextlib.suppress(OSError):  # Not every kernel tells; then only those that ended count.
        for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            spent += int(Path(f"/proc/{child}/schedstat").read_text().split()[0]) / 1e9
    return spent


@dataclass(frozen=True)
class Run:
    """One way gone once: the trees of the states, and the CPU seconds at which each tenth of them
    was there."""

    trees: tuple[str, ...]
    marks: tuple[float, ...]

    @property
    def seconds(self) -> float:
        return self.marks[-1]

    def rise(self) -> float:
        """CPU seconds of the last quarter of the states over those of the first.

        The first ten are left out: they pay for what is read and started once.
        """
        size = (len(self.marks) - 1) // 4
        first = self.marks[size] - self.marks[0]
        return (self.marks[-1] - self.marks[-1 - size]) / first if first else float("nan")


def in_work_tree(bare: Path, base: Commit, heads: list[Commit], scratch: Path) -> Run:
    """What Zuul and others do."""
    git(scratch, "clone", "-q", "--no-checkout", str(bare), "tree")
    tree = scratch / "tree"
    git(tree, "fetch", "-q", "origin", "refs/changes/*:refs/changes/*")
    git(tree, "checkout", "-q", "--detach", base)
    start = cpu()
    marks: list[float] = []
    for number, head in enumerate(heads, 1):
        git(tree, "merge", "-q", "--no-ff", "--no-edit", "-m", "Merge", head)
        if number % STRIDE == 0:
            marks.append(cpu() - start)
    merges = git(tree, "log", "--first-parent", "--reverse", "--format=%T", f"{base}..HEAD")
    return Run(tuple(merges.split()), tuple(marks))


def by_merger(
    ways: Ways, mode: MergeMode = MergeMode.MERGE
) -> Callable[[Path, Commit, list[Commit], Path], Run]:
    async def run(bare: Path, base: Commit, heads: list[Commit]) -> Run:
        start = cpu()
        merger = Merger(Repository(bare), ways=ways)
        trees: list[str] = []
        marks: list[float] = []
        tip = base
        for number, head in enumerate(heads, 1):
            found = await merger.merge(tip, head, mode, MergeMessage("Merge", WHO, WHO))
            assert isinstance(found, Merged), found
            tip = found.commit
            trees.append(found.tree)
            if number % STRIDE == 0:
                marks.append(cpu() - start)
        assert merger.long_lived is (ways is not Ways.PROCESSES)
        unused = merger.counts.asked if ways is Ways.SPLICE else merger.counts.spliced
        assert unused == 0
        await merger.close()
        marks[-1] = cpu() - start  # What git frees as it ends belongs to it, too.
        return Run(tuple(trees), tuple(marks))

    def method(bare: Path, base: Commit, heads: list[Commit], scratch: Path) -> Run:
        copy = scratch / "copy.git"
        git(scratch, "clone", "-q", "--mirror", "--no-local", str(bare), str(copy))
        return asyncio.run(run(copy, base, heads))

    return method


RIVAL, OURS = "git merge in a work tree", "the same, and splicing in process"
METHODS: dict[str, Callable[[Path, Commit, list[Commit], Path], Run]] = {
    RIVAL: in_work_tree,
    "git merge-tree, a process per merge": by_merger(Ways.PROCESSES),
    "one long-lived git merge-tree": by_merger(Ways.LONG_LIVED),
    OURS: by_merger(Ways.SPLICE),
    **{f"  {mode}": by_merger(Ways.SPLICE, mode) for mode in list(MergeMode)[1:]},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--states", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.states < 5 * STRIDE or given.states % STRIDE:
        parser.error(f"--states must be a multiple of {STRIDE}, and at least {5 * STRIDE}")
    runs: dict[str, list[Run]] = {name: [] for name in METHODS}
    with tempfile.TemporaryDirectory(prefix="headgate-bench-") as place:
        bare = Path(place) / "bench.git"
        base, heads = build(bare, given.files, given.states)
        for turn in range(given.repeat):
            for number, (name, method) in enumerate(METHODS.items()):
                scratch = Path(place) / f"{turn}-{number}"
                scratch.mkdir()
                runs[name].append(method(bare, base, heads, scratch))
                shutil.rmtree(scratch)
    rates = {
        name: given.states / statistics.median(run.seconds for run in all_)
        for name, all_ in runs.items()
    }
    rises = {name: statistics.median(run.rise() for run in all_) for name, all_ in runs.items()}
    same = len({run.trees for all_ in runs.values() for run in all_}) == 1
    ratio, rise = rates[OURS] / rates[RIVAL], rises[OURS]
    if given.json:
        figures = {
            "states_per_cpu_second": {name: round(rate, 1) for name, rate in rates.items()},
            "last_quarter_over_first": {name: round(each, 2) for name, each in rises.items()},
            "ratio": ratio,
            "same_trees": same,
        }
        print(json.dumps(figures))
    else:
        print(f"{given.files} files, {given.states} cumulative states, {os.cpu_count()} cores")
        for name, rate in rates.items():
            each = ", ".join(f"{given.states / run.seconds:.0f}" for run in runs[name])
            print(
                f"{name:38}{rate:8.1f} states/CPU-s{rate / rates[RIVAL]:7.1f}x  ({each})"
                f"  last quarter/first {rises[name]:.2f}"
            )
        print(
            f"identical trees: {'yes' if same else 'NO'}; aim >= {AIM:.0f}x, got {ratio:.1f}x; "
            f"last quarter over first: aim <= {FLAT}, got {rise:.2f}"
        )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
