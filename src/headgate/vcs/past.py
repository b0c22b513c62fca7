"""Questions about the whole history of a repository, and about who wrote a line of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from headgate.model.change import Signature
from headgate.model.ids import Commit
from headgate.vcs.git import GitResult, decode_path, encode_path, run_git
from headgate.vcs.repository import Repository


async def _git(
    repository: Repository, *arguments: str | bytes, accept: tuple[int, ...] = (0,)
) -> GitResult:
    return await run_git(
        *arguments, repository=repository.path, extra=repository.environment, accept=accept
    )


async def everything(repository: Repository) -> AsyncGenerator[tuple[str, str, str]]:
    """Every commit of every ref, oldest first, with what it has that its parents had not.

    A commit is `("", "", commit)`, and after it come `(path, mode, object)` of its files.
    """
    listed = await _git(repository,
        "log", "--all", "--reverse", "--topo-order", "--raw", "-z", "--no-abbrev", "-m",
        "--root", "--no-renames", "--format=%x01%H", "--no-ext-diff",
    )  # fmt: skip
    fields = iter(listed.out.split(b"\0"))
    for given in fields:
        field = given.strip(b"\n")
        if field.startswith(b"\1"):
            head, _, field = field.partition(b"\n")
            yield "", "", head[1:41].decode("ascii")
            field = field.strip(b"\n")
        if field.startswith(b":"):
            _, mode, _, new, status = field[1:].split(b" ")
            path = next(fields, b"")
            if not status.startswith(b"D"):
                yield decode_path(path), mode.decode("ascii"), new.decode("ascii")


async def messages(repository: Repository) -> list[tuple[Commit, str]]:
    """The message of every commit of every ref, oldest first."""
    shown = await _git(repository, "log", "--all", "--reverse", "-z", "--format=%H%n%B")
    found: list[tuple[Commit, str]] = []
    for entry in shown.out.split(b"\0"):
        commit, _, message = entry.partition(b"\n")
        if commit:
            text = message.decode("utf-8", "surrogateescape")
            found.append((Commit(commit.decode("ascii")), text))
    return found


async def author_of_line(
    repository: Repository, commit: Commit, path: str, line: int
) -> Signature | None:
    """Who wrote a line, as `git blame` tells; None when there is no such line."""
    wanted = f"-L{line},{line}"
    asked = await _git(
        repository, "blame", "--porcelain", wanted, commit, "--", encode_path(path), accept=(0, 128)
    )
    if asked.code != 0:
        return None
    fields = dict(row.split(b" ", 1) for row in asked.out.split(b"\n") if row.startswith(b"author"))
    name = fields.get(b"author", b"").decode("utf-8", "surrogateescape")
    email = fields.get(b"author-mail", b"").strip(b"<>").decode("utf-8", "surrogateescape")
    return Signature(name, email, int(fields.get(b"author-time", b"0")))
