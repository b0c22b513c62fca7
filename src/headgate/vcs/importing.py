"""New repositories: empty ones, and copies of others."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from headgate.model.errors import BadInput
from headgate.vcs.git import GitError, decode_path, run_git

_PROTOCOLS = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh"}
_LONG = 3600.0
"""Seconds that copying a repository may take."""


async def initialise(path: Path, default_branch: str) -> None:
    """Make an empty bare repository. Raises BadInput for a name that is no branch."""
    checked = await run_git(
        "check-ref-format", "--branch", default_branch, accept=(0, 1, 128), extra={}
    )
    if checked.code != 0 or default_branch.startswith(("-", "@{")):
        raise BadInput(f"{default_branch!r} is not usable as a branch name.", "Try `main`.")
    path.parent.mkdir(parents=True, exist_ok=True)
    await run_git(
        "init",
        "--bare",
        "--quiet",
        "--template=",
        "--object-format=sha1",
        "--initial-branch",
        default_branch,
        str(path),
    )
    _make_shelves(path / "objects")


def _make_shelves(objects: Path) -> None:
    """Make the directories of loose objects at once rather than one by one while merging."""
    for number in range(256):
        (objects / f"{number:02x}").mkdir(exist_ok=True)


async def import_refs(path: Path, source: str) -> None:
    """Copy the branches and tags of `source` to a new repository at `path`.

    Raises BadInput when it cannot be read, or has no branch with commits; nothing is left then.
    """
    shown = _without_password(source)
    if not source.strip() or source.startswith("-"):
        raise BadInput(f"{shown!r} is no repository.", "Give a URL or a path.")
    address = _address(source)
    heads, head = await _remote_branches(address, shown)
    await initialise(path, _default(heads, head))
    try:
        await run_git(
            "fetch",
            "--quiet",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--no-tags",
            address,
            "+refs/heads/*:refs/heads/*",
            "+refs/tags/*:refs/tags/*",
            repository=path,
            extra=_PROTOCOLS,
            timeout=_LONG,
        )
        # Git leaves out, with success, what a shallow source cannot give whole.
        fetched = await run_git("for-each-ref", "--count=1", "refs/heads/", repository=path)
        if not fetched.out:
            raise GitError("its history is cut off (a shallow clone)")
    except GitError as error:
        shutil.rmtree(path, ignore_errors=True)
        raise BadInput(
            f"{shown} could not be copied: {_reason(error, address, shown)}.",
            "See that it is complete (`git fetch --unshallow`) and can be fetched, then try again.",
        ) from error
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


async def _remote_branches(address: str, shown: str) -> tuple[list[str], str]:
    """The branches of a repository, and the one that its HEAD names (empty: none)."""
    try:
        listed = await run_git(
            "ls-remote", "--symref", "--", address, "HEAD", "refs/heads/*", extra=_PROTOCOLS
        )
    except GitError as error:
        raise BadInput(
            f"{shown} cannot be read as a git repository: {_reason(error, address, shown)}.",
            "Give a URL or a path that `git ls-remote` can read.",
        ) from error
    heads: list[str] = []
    head = ""
    for line in decode_path(listed.out).split("\n"):
        value, _, name = line.partition("\t")
        if value.startswith("ref: ") and name == "HEAD":
            head = value.removeprefix("ref: refs/heads/")
        elif name.startswith("refs/heads/"):
            if len(value) != 40:
                raise BadInput(
                    f"{shown} uses object ids that are not SHA-1.",
                    "Convert it: Headgate works with SHA-1 repositories.",
                )
            heads.append(name.removeprefix("refs/heads/"))
    if not heads:
        raise BadInput(
            f"{shown} has no branch with commits.", "Commit something there first, then try again."
        )
    return heads, head


def _address(source: str) -> str:
    local = Path(source)
    return str(local.resolve()) if local.exists() else source


def _default(heads: list[str], head: str) -> str:
    for name in (head, "main", "master"):
        if name in heads:
            return name
    return sorted(heads)[0]


def _reason(error: GitError, address: str, shown: str) -> str:
    text = error.message.split("failed: ", 1)[-1].rstrip(".")
    return text.replace(address, shown)


def _without_password(source: str) -> str:
    """A URL as it may be shown: user and password left out."""
    try:
        parts = urlsplit(source)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return source
    if not parts.scheme or "@" not in parts.netloc:
        return source
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))
