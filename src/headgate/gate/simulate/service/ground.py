"""The repository of a simulated project, made in one go: its branch, and the commits of changes.

A change puts a file with its number into every area that it touches. The jobs are shown one area
each, so what a job finds tells which changes are there.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.gate.simulate.service.areas import directory, job
from headgate.model.config import PROJECT_FILE
from headgate.model.errors import CouldNotRun
from headgate.model.ids import Commit
from headgate.vcs.git import environment

WARM = 0
"""Number of the change that touches every area, and lands before the first of the world arrives:
the branch has been tested then, as a branch that is gated for long has been."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A repository, and the commits in it."""

    path: Path
    start: Commit
    heads: Mapping[int, Commit]
    """Change → the commit that is proposed."""


def make_ground(path: Path, count: int, changes: Mapping[int, Sequence[int]]) -> Ground:
    """Make a bare repository with so many areas, and a commit for each change (number → the areas
    that it touches). Raises CouldNotRun without git, or when it refuses."""
    _git(path.parent, "init", "-q", "--bare", "-b", "main", str(path))
    marks = path / "marks"
    script = [_commit("refs/heads/main", 1, "Begin", _begin(count), 0)]
    for at, (number, touched) in enumerate(changes.items()):
        files = {f"{directory(area)}/{number}": f"{number}\n" for area in touched}
        ref = f"refs/headgate/simulated/{number}"
        script.append(_commit(ref, at + 2, f"Change {number}", files, 1))
    _git(path, "fast-import", "--quiet", f"--export-marks={marks}", stdin=b"".join(script))
    rows = (line.split() for line in marks.read_text("ascii").splitlines())
    made = {int(mark[1:]): Commit(id) for mark, id in rows}
    marks.unlink()
    return Ground(path, made[1], {number: made[at + 2] for at, number in enumerate(changes)})


def _begin(count: int) -> dict[str, str]:
    lines: list[str] = []
    files: dict[str, str] = {}
    for area in range(count):
        where = directory(area)
        files[f"{where}/first"] = f"{area}\n"
        lines += [
            f"[jobs.{job(area)}]",
            'run = ["simulated"]',
            f'files = ["{where}/**"]',
            f'reads = ["{where}/**"]',
            "",
        ]
    files[PROJECT_FILE] = "\n".join(lines)
    return files


def _commit(ref: str, mark: int, message: str, files: Mapping[str, str], base: int) -> bytes:
    parts = [
        f"commit {ref}\nmark :{mark}\n"
        f"committer Simulated <simulated@localhost> {1_700_000_000 + mark} +0000\n"
        f"data {len(message)}\n{message}\n"
    ]
    if base:
        parts.append(f"from :{base}\n")
    for path, text in files.items():
        parts.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n")
    return ("".join(parts) + "\n").encode("ascii")


def _git(place: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=place,
            env=environment(),
            input=stdin,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise CouldNotRun(
            "The program git is not installed.", "Install git 2.38 or later."
        ) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise CouldNotRun(f"git {arguments[0]} failed: {said}.", "Make room for temporary files.")
    return done.stdout


class Looker:
    """Reads trees of a repository by a git of its own, apart from what the service uses."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            ["git", "--git-dir", str(path), "cat-file", "--batch"],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def read(self, name: str) -> tuple[str, bytes]:
        """Id and bytes of an object by any name that git knows it by. KeyError without one."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(name.encode("utf-8") + b"\n")
        stdin.flush()
        header = stdout.readline().split()
        if len(header) != 3:
            raise KeyError(name)
        data = stdout.read(int(header[2]) + 1)
        return header[0].decode("ascii"), data[:-1]

    def names(self, name: str) -> tuple[str, frozenset[str]]:
        """Id of a tree, and the names of what is in it."""
        id, data = self.read(name)
        return id, frozenset(_names(data))

    def close(self) -> None:
        """End the git."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _names(tree: bytes) -> Iterable[str]:
    at = 0
    while at < len(tree):
        space = tree.index(b" ", at)
        end = tree.index(b"\0", space)
        yield tree[space + 1 : end].decode("utf-8", "surrogateescape")
        at = end + 21
