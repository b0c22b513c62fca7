"""Tangled histories: commits with any earlier commits as parents, and clocks that go wrong."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st
from vcs_worktree import ENVIRONMENT

from headgate.model.ids import Commit

FILES = tuple(f"{folder}/{name}" for folder in ("a", "b", "c/d") for name in "12345678")


@dataclass(frozen=True)
class Node:
    """One commit: numbers of its parents, seconds since the first, the files it edits."""

    parents: tuple[int, ...]
    time: int
    edits: tuple[str, ...]


@st.composite
def tangles(draw: st.DrawFn) -> list[Node]:
    nodes = [Node((), 0, FILES)]
    steady = draw(st.booleans())
    for number in range(1, draw(st.integers(3, 14))):
        near = st.integers(max(0, number - 4), number - 1)
        count = draw(st.sampled_from((1, 1, 1, 2)))
        parents = tuple(dict.fromkeys(draw(near) for _ in range(count)))
        time = number * 10 if steady else draw(st.integers(0, 100))
        edits = draw(st.lists(st.sampled_from(FILES), max_size=2, unique=True))
        nodes.append(Node(parents, time, tuple(edits)))
    return nodes


def weave(nodes: list[Node], repository: Path) -> list[Commit]:
    """Make the commits in an existing repository. Merges take the files of their first parent."""
    out: list[str] = []
    for number, node in enumerate(nodes):
        out.append(f"commit refs/heads/n{number}\nmark :{number + 1}\n")
        out.append(f"committer C <c@d> {1_700_000_000 + node.time} +0000\n")
        out.append(f"data {len(str(number))}\n{number}\n")
        for verb, parent in zip(("from", *("merge",) * 9), node.parents, strict=False):
            out.append(f"{verb} :{parent + 1}\n")
        for path in node.edits:
            text = f"{path} as of {number}\n"
            out.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n")
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"],
        cwd=repository,
        env=ENVIRONMENT,
        input="".join(out).encode(),
        check=True,
        capture_output=True,
    )
    names = [f"refs/heads/n{number}" for number in range(len(nodes))]
    told = subprocess.run(
        ["git", "rev-parse", *names],
        cwd=repository,
        env=ENVIRONMENT,
        check=True,
        capture_output=True,
    )
    return [Commit(line) for line in told.stdout.decode().split()]
