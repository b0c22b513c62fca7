"""The repository of a script: a job for each area, a commit for each token."""

from __future__ import annotations

import subprocess
from pathlib import Path

from service_acts import (
    AREAS,
    Proposed,
)

from headgate.model.config import PROJECT_FILE
from headgate.vcs.git import environment


def git(repository: Path, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["git", "--git-dir", str(repository), *arguments],
        env=environment(),
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def make_project(path: Path, proposed: dict[int, Proposed]) -> None:
    """A repository with a job for each area, and a commit for each token."""
    jobs = "".join(
        f'[jobs.area{n}]\nrun = ["simulated"]\nfiles = ["areas/{n}/**"]\nreads = ["areas/{n}/**"]\n'
        for n in range(AREAS)
    )
    first = {PROJECT_FILE: jobs} | {f"areas/{n}/first": "first\n" for n in range(AREAS)}
    script = _commit("refs/heads/main", 1, first, None)
    for token, what in proposed.items():
        files = {f"areas/{n}/{token}": f"{token}\n" for n in what.areas}
        if what.shared:
            files |= {f"areas/{n}/shared": f"{token}\n" for n in what.areas}
        script += _commit(f"refs/headgate/proposed/{token}", token + 1, files, 1)
    subprocess.run(
        ["git", "init", "-q", "--bare", "-b", "main", str(path)], env=environment(), check=True
    )
    git(path, "fast-import", "--quiet", stdin=script)


def _commit(ref: str, mark: int, files: dict[str, str], base: int | None) -> str:
    parts = [f"commit {ref}\nmark :{mark}\ncommitter Ada <a@b> 1700000000 +0000\ndata 2\nx\n\n"]
    if base is not None:
        parts.append(f"from :{base}\n")
    parts += [f"M 100644 inline {p}\ndata {len(t)}\n{t}\n" for p, t in files.items()]
    return "".join(parts) + "\n"
