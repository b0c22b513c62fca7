"""One long-lived `git cat-file --batch`, for reading many small objects one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.model.errors import NotFound
from headgate.vcs.git import GitError, reap, start_git

_AT_ONCE = 64
"""Ids written before reading: so few that neither side can block on a full pipe."""


@dataclass(frozen=True, slots=True)
class GitObject:
    """An object as git stores it; `type` is blob, tree, commit or tag."""

    type: str
    data: bytes


class ObjectReader:
    """Reads objects of one repository; starts its process on first use. Not for two at once."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._process: asyncio.subprocess.Process | None = None

    async def read(self, ids: Sequence[str]) -> list[GitObject]:
        """The objects, in the order asked for. Raises NotFound when one is missing."""
        found: list[GitObject] = []
        for start in range(0, len(ids), _AT_ONCE):
            try:
                found += await self._ask(ids[start : start + _AT_ONCE])
            except BaseException:
                await self.close()  # Answers that nobody read would be taken for the next ones.
                raise
        return found

    async def _ask(self, ids: Sequence[str]) -> list[GitObject]:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await start_git(
                "cat-file",
                "--batch",
                repository=self._repository,
                stderr=asyncio.subprocess.DEVNULL,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        found: list[GitObject] = []
        try:
            process.stdin.write("".join(f"{name}\n" for name in ids).encode("ascii"))
            await process.stdin.drain()
            for name in ids:
                header = (await process.stdout.readuntil(b"\n")).split()
                if len(header) != 3:
                    raise NotFound(f"There is no object {name[:10]} in {self._repository.stem}.")
                data = await process.stdout.readexactly(int(header[2]) + 1)
                found.append(GitObject(header[1].decode("ascii"), data[:-1]))
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise GitError(f"git cat-file in {self._repository.stem} ended early.") from error
        return found

    async def close(self) -> None:
        """End the process; the next read starts another."""
        process, self._process = self._process, None
        if process is not None:
            await reap(process)
