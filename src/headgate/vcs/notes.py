"""Notes on commits, as `git notes` shows them."""

from __future__ import annotations

from headgate.model.ids import Commit
from headgate.vcs.git import run_git
from headgate.vcs.repository import Repository

_AUTHOR = ("-c", "user.name=Headgate", "-c", "user.email=headgate@localhost")


async def read_note(repository: Repository, ref: str, commit: Commit) -> str:
    """The note on a commit; empty when it has none. Raises GitError."""
    done = await run_git(
        "notes", f"--ref={ref}", "show", commit, repository=repository.path, accept=(0, 1)
    )
    return done.out.decode("utf-8", "replace") if done.code == 0 else ""


async def write_note(repository: Repository, ref: str, commit: Commit, text: str) -> None:
    """Replace the note on a commit; one writer at a time. Raises GitError."""
    await run_git(
        *_AUTHOR,
        "notes",
        f"--ref={ref}",
        "add",
        "--force",
        "--file=-",
        commit,
        repository=repository.path,
        stdin=text.encode("utf-8", "replace"),
    )
