"""Reading a git command's output as far as one wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from headgate.vcs.git import DEFAULT_TIMEOUT, GitError, complaint, reap, start_git


async def read_upto(
    limit: int,
    *arguments: str,
    repository: Path,
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """The first `limit` bytes that a git command writes; it is ended when it writes more.

    Raises GitError when it fails before that, or takes too long.
    """
    process = await start_git(*arguments, repository=repository, extra=extra)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.close()
    complaints = asyncio.ensure_future(process.stderr.read())
    parts: list[bytes] = []
    left = limit
    try:
        async with asyncio.timeout(DEFAULT_TIMEOUT):
            while left > 0:
                part = await process.stdout.read(min(left, 1 << 16))
                if not part:
                    break
                parts.append(part)
                left -= len(part)
            if left > 0 and await process.wait() != 0:
                raise GitError(f"git diff-tree failed: {complaint(await complaints)}.")
    except TimeoutError:
        raise GitError("git diff-tree took too long.", "Try again.") from None
    finally:
        await reap(process)
        complaints.cancel()
    return b"".join(parts)
