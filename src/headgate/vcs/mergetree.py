"""Talking to `git merge-tree --stdin`, which keeps a merge apart from any work tree."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from headgate.model.ids import Commit, Tree
from headgate.vcs.git import GitError, GitResult, decode_path, reap, run_git, start_git

PATIENCE = 300.0
"""Seconds that one merge may take."""

_CHECK = 5.0
"""Seconds within which a new process must answer the question put to it as a check."""

_SETTINGS = {
    "merge.renames": "true",
    "merge.directoryRenames": "conflict",
    # Fewer calls to the kernel for each object that a merge writes.
    "core.createObject": "rename",
    "core.looseCompression": "1",
}
_COMMAND = tuple(word for item in _SETTINGS.items() for word in ("-c", "=".join(item)))

# The process allocates and frees megabytes for each merge; it may keep them in between.
_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(64 << 20), "MALLOC_TOP_PAD_": str(4 << 20)}


@dataclass(frozen=True, slots=True)
class TreeMerge:
    """What git says of one merge. `paths` and `messages` are empty when it is clean."""

    clean: bool
    tree: Tree
    paths: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


class NoCommonHistory(Exception):
    """The two commits have no ancestor in common, and git refuses to merge them."""


class Unresponsive(Exception):
    """The long-lived process ended, or keeps its answers back."""


async def read_answer(fields: AsyncIterator[bytes]) -> TreeMerge:
    """Read one answer of `merge-tree --stdin` from its NUL-terminated fields."""
    status = await anext(fields)
    tree = Tree((await anext(fields)).decode("ascii"))
    paths: dict[str, None] = {}
    messages: list[str] = []
    if status == b"1":
        await anext(fields)
        return TreeMerge(True, tree)
    while entry := await anext(fields):
        _, _, path = entry.partition(b"\t")
        paths[decode_path(path)] = None
    while count := await anext(fields):
        if not count.isdigit():
            break  # Advice on submodules, for people; git ends it as it ends the answer.
        for _ in range(int(count)):
            await anext(fields)
        kind = await anext(fields)
        text = (await anext(fields)).decode("utf-8", "replace").strip()
        if kind.startswith(b"CONFLICT") or b"submodule" in kind:
            messages.append(text)
    return TreeMerge(False, tree, tuple(paths), tuple(messages))


async def merge_once(repository: Path, ours: Commit, theirs: Commit, at: Path | None) -> TreeMerge:
    """Merge in a process of its own. Raises NoCommonHistory, or GitError with what git says."""
    where, cwd = _place(at)
    result = await run_git(
        *where,
        *_COMMAND,
        "merge-tree",
        "--stdin",
        "--write-tree",
        repository=repository,
        stdin=f"{ours} {theirs}\n".encode("ascii"),
        accept=range(256),
        timeout=PATIENCE,
        cwd=cwd,
    )
    if result.code == 0 and result.out:
        return await read_answer(_split(result.out))
    raise _failure(result)


def _failure(result: GitResult) -> Exception:
    if "unrelated histories" in result.complaint:
        return NoCommonHistory()
    return GitError(f"git merge-tree failed: {result.complaint or result.code}.")


async def _split(out: bytes) -> AsyncIterator[bytes]:
    for field in out.split(b"\0"):
        yield field


class MergeProcess:
    """One long-lived `git merge-tree`. Not for two questions at once."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.answered = 0

    @classmethod
    async def start(cls, repository: Path, known: Commit, at: Path | None) -> MergeProcess:
        """Start one and see that it answers at once. Raises Unresponsive when it does not.

        git 2.39 does not flush its answers, so they are made to come unbuffered; `known` is any
        commit. `at` is a directory with the attributes to obey.
        """
        where, cwd = _place(at)
        stdbuf = shutil.which("stdbuf")
        process = await start_git(
            *where,
            *_COMMAND,
            "merge-tree",
            "--stdin",
            "--write-tree",
            repository=repository,
            prefix=(stdbuf, "-o0") if stdbuf else (),
            extra=_MEMORY,
            cwd=cwd,
            stderr=asyncio.subprocess.DEVNULL,
        )
        made = cls(process)
        await made.merge(known, known, _CHECK)
        return made

    async def merge(self, ours: Commit, theirs: Commit, patience: float = PATIENCE) -> TreeMerge:
        """Merge two commits. Raises Unresponsive, and is of no use afterwards."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{ours} {theirs}\n".encode("ascii"))
            async with asyncio.timeout(patience):
                await self._process.stdin.drain()
                answer = await read_answer(self._fields())
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError) as error:
            await self.close()
            raise Unresponsive from error
        except BaseException:
            # An answer that nobody read would be taken for the next one.
            await self.close()
            raise
        self.answered += 1
        return answer

    async def _fields(self) -> AsyncIterator[bytes]:
        assert self._process.stdout is not None
        while True:
            yield (await self._process.stdout.readuntil(b"\0"))[:-1]

    async def close(self) -> None:
        await reap(self._process)


def _place(at: Path | None) -> tuple[tuple[str, ...], Path | None]:
    # Only a repository with a work tree reads attributes; only one that git stands in is read.
    return (("--work-tree", str(at)), at) if at is not None else ((), None)
