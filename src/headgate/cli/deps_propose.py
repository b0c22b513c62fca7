"""Pushes files as a change to the gate, beside the work tree and as the user would."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from headgate.cli.output import printable
from headgate.model.errors import BadInput, CouldNotRun


def propose_files(
    top: Path, files: Mapping[str, bytes], remote: str, branch: str, message: str
) -> str:
    """Commit the files over HEAD and push that to `refs/for/BRANCH`; the commit.

    The work tree, the index and the branches stay as they are. Raises BadInput and CouldNotRun.
    """
    with tempfile.TemporaryDirectory(prefix="headgate-fix-") as place:
        index = {"GIT_INDEX_FILE": str(Path(place) / "index")}
        _git(top, "read-tree", "HEAD", extra=index)
        for name, data in files.items():
            mode = _git(top, "ls-files", "-s", "--", f":(literal){name}", extra=index)[:6]
            blob = _git(top, "hash-object", "-w", "--stdin", stdin=data)
            entry = f"{mode or '100644'},{blob},{name}"
            _git(top, "update-index", "--add", "--cacheinfo", entry, extra=index)
        tree = _git(top, "write-tree", extra=index)
    commit = _git(top, "commit-tree", tree, "-p", "HEAD", "-m", message)
    into = branch or _default_branch(top, remote)
    _git(top, "push", "-o", "topic=dependency-fixes", remote, f"{commit}:refs/for/{into}")
    return commit


def _default_branch(top: Path, remote: str) -> str:
    for line in _git(top, "ls-remote", "--symref", remote, "HEAD").splitlines():
        if line.startswith("ref: refs/heads/"):
            return line.split()[1].removeprefix("refs/heads/")
    raise BadInput(f"{printable(remote)} does not say its branch.", "Name it with --branch.")


def _git(
    top: Path, *arguments: str, stdin: bytes = b"", extra: Mapping[str, str] | None = None
) -> str:
    """What the user's own git says, with the user's name, credentials and keys."""
    try:
        ended = subprocess.run(
            ["git", "-C", str(top), *arguments],
            input=stdin,
            capture_output=True,
            env={**os.environ, **(extra or {})},
            check=False,
        )
    except OSError as error:
        raise CouldNotRun(f"git could not be started: {error.strerror}.") from error
    if ended.returncode != 0:
        told = ended.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason"]
        why = next((line for line in told if line.startswith(("fatal:", "remote:"))), told[-1])
        raise CouldNotRun(
            f"The fix could not be proposed: git {arguments[0]}: {printable(why)}.",
            "Push by hand what `headgate deps fix` prints, or name another remote.",
        )
    return ended.stdout.decode("utf-8", "surrogateescape").strip()
