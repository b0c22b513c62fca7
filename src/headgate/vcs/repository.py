"""One bare repository, and what is asked of it."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from headgate.model.change import CommitInfo, Signature
from headgate.model.errors import Conflict, NotFound
from headgate.model.ids import NO_COMMIT, Commit, Tree
from headgate.model.patterns import matches
from headgate.vcs.diff import (
    LARGE_FILE,
    ChangedFile,
    Counts,
    Diff,
    DiffLine,
    FileDiff,
    Hunk,
    assemble,
    diff_arguments,
    parse_patches,
    parse_raw,
)
from headgate.vcs.git import GitError, GitResult, decode_path, encode_path, run_git
from headgate.vcs.importing import import_refs, initialise
from headgate.vcs.objects import (
    RawCommit,
    commit_info,
    format_commit,
    format_signature,
    parse_commit,
    write_object,
)
from headgate.vcs.streams import read_upto
from headgate.vcs.trees import TreeEntry, tree_entries

__all__ = [
    "ChangedFile",
    "Diff",
    "DiffLine",
    "FileDiff",
    "GitError",
    "Hunk",
    "Repository",
    "TreeEntry",
]

LARGE_DIFF = 16 << 20
"""Bytes of patch text that a diff reads; what lies behind is marked as truncated."""

_MEMO = 4096


class Repository:
    """A bare repository on this machine.

    `environment` is added to that of git; hooks use it to see objects in quarantine. Methods
    raise GitError when git cannot answer, for instance because an object does not exist.
    """

    def __init__(self, path: Path, environment: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.environment: Mapping[str, str] = dict(environment or {})
        self._commits: dict[Commit, RawCommit] = {}

    def __repr__(self) -> str:
        return f"Repository({str(self.path)!r})"

    @classmethod
    async def create(cls, path: Path, default_branch: str = "main") -> Repository:
        """Make an empty repository. Raises BadInput for a branch name that git refuses."""
        await initialise(path, default_branch)
        return cls(path)

    @classmethod
    async def clone(cls, path: Path, source: str) -> Repository:
        """Copy the branches and tags of a repository, given by URL or path.

        Raises BadInput when it cannot be read, or has no branch with commits.
        """
        await import_refs(path, source)
        return cls(path)

    async def _git(
        self, *arguments: str | bytes, stdin: bytes = b"", accept: tuple[int, ...] = (0,)
    ) -> GitResult:
        return await run_git(
            *arguments, repository=self.path, stdin=stdin, extra=self.environment, accept=accept
        )

    # -- refs --------------------------------------------------------------------------------

    async def resolve(self, rev: str) -> Commit | None:
        """The commit that a ref, an abbreviation or an expression names; None when none."""
        if not rev or rev.startswith("-") or "\0" in rev:
            return None
        spec = encode_path(rev + "^{commit}")
        result = await self._git("rev-parse", "--verify", "--quiet", spec, accept=(0, 1, 128))
        return Commit(result.out.strip().decode("ascii")) if result.code == 0 else None

    async def refs(self, prefix: str = "refs/") -> dict[str, Commit]:
        """Full names of the refs that begin with `prefix` (up to a slash), and their objects."""
        result = await self._git(
            "for-each-ref", "--format=%(objectname) %(refname)", encode_path(prefix)
        )
        pairs = (line.split(b" ", 1) for line in result.out.split(b"\n") if line)
        return {decode_path(name): Commit(value.decode("ascii")) for value, name in pairs}

    async def branches(self) -> dict[str, Commit]:
        """Short names of the branches, and their heads."""
        found = await self.refs("refs/heads/")
        return {name.removeprefix("refs/heads/"): commit for name, commit in found.items()}

    async def default_branch(self) -> str:
        """The branch that HEAD names, whether it exists or not."""
        result = await self._git("symbolic-ref", "HEAD")
        return decode_path(result.out.rstrip(b"\n")).removeprefix("refs/heads/")

    async def update_ref(self, ref: str, new: Commit | None, old: Commit | None) -> bool:
        """Compare and swap: point `ref` at `new` if it is at `old`; True when it was.

        `NO_COMMIT` or None as `old` demands that the ref does not exist, as `new` it deletes it.
        Raises GitError when it could not be tried: a bad name, a missing object, a full disk.
        """
        before, after = old or NO_COMMIT, new or NO_COMMIT
        arguments = ("-d", ref, before) if after == NO_COMMIT else (ref, after, before)
        if after == before == NO_COMMIT:
            return await self._value(ref) == NO_COMMIT
        try:
            await self._git(
                "-c", "core.filesRefLockTimeout=10000", "update-ref", "--no-deref", *arguments
            )
        except GitError:
            if await self._value(ref) != before:
                return False
            raise
        return True

    async def _value(self, ref: str) -> Commit:
        result = await self._git("show-ref", "--verify", "--hash", ref, accept=(0, 1, 128))
        text = result.out.strip().decode("ascii")
        return Commit(text) if result.code == 0 and text else NO_COMMIT

    # -- history -----------------------------------------------------------------------------

    async def merge_base(self, a: Commit, b: Commit) -> Commit | None:
        """A best common ancestor; None when there is no history in common."""
        result = await self._git("merge-base", a, b, accept=(0, 1))
        lines = result.out.split()
        return Commit(lines[0].decode("ascii")) if lines else None

    async def is_ancestor(self, a: Commit, b: Commit) -> bool:
        """Whether `b` contains `a`; a commit contains itself."""
        result = await self._git("merge-base", "--is-ancestor", a, b, accept=(0, 1))
        return result.code == 0

    async def commits(self, base: Commit | None, head: Commit) -> list[CommitInfo]:
        """The commits of `head` that `base` lacks, oldest first."""
        without = (f"^{base}",) if base is not None else ()
        listed = await self._git("rev-list", "--reverse", "--topo-order", head, *without, "--")
        ids = [Commit(line.decode("ascii")) for line in listed.out.split()]
        raw = await self.raw_commits(ids)
        return [commit_info(commit, raw[commit]) for commit in ids]

    async def info(self, commit: Commit) -> CommitInfo:
        """What git tells of one commit. Raises NotFound when there is none."""
        return commit_info(commit, (await self.raw_commits([commit]))[commit])

    async def tree_of(self, commit: Commit) -> Tree:
        """The tree of a commit. Raises NotFound when there is no such commit."""
        return (await self.raw_commits([commit]))[commit].tree

    async def raw_commits(self, ids: Iterable[Commit]) -> dict[Commit, RawCommit]:
        """Commits as their bytes say them. Raises NotFound when one is missing."""
        wanted = list(ids)
        if len(self._commits) > _MEMO:
            self._commits.clear()
        missing = [commit for commit in wanted if commit not in self._commits]
        if missing:
            found = await self._objects(missing, "commit")
            for commit in missing:
                if commit not in found:
                    raise NotFound(f"There is no commit {commit[:10]} in {self.path.stem}.")
                self._commits[commit] = parse_commit(found[commit])
        return {commit: self._commits[commit] for commit in wanted}

    # -- files -------------------------------------------------------------------------------

    async def file(self, commit: Commit, path: str) -> bytes | None:
        """The content of a file; None when there is none, or it is no regular file."""
        if {"", ".", ".."} & set(path.split("/")):
            return None
        name = b":(literal)" + encode_path(path)
        result = await self._git("ls-tree", "-z", "--full-tree", commit, "--", name)
        for entry in tree_entries(result.out, self.path):
            if entry.is_file and entry.path == path:
                return (await self.blobs([entry.object])).get(entry.object)
        return None

    async def files(self, commit: Commit) -> list[TreeEntry]:
        """Every file, symlink and submodule of a commit, in git's order."""
        result = await self._git("ls-tree", "-r", "-z", "-l", "--full-tree", commit)
        return tree_entries(result.out, self.path)

    async def blobs(self, ids: Iterable[str]) -> dict[str, bytes]:
        """Contents by object id; ids that are no blobs of this repository are left out."""
        return await self._objects(ids, "blob")

    async def trees(self, ids: Iterable[str]) -> dict[str, bytes]:
        """Raw trees by object id; ids that are no trees of this repository are left out."""
        return await self._objects(ids, "tree")

    async def sizes(self, ids: Iterable[str]) -> dict[str, int]:
        """Sizes in bytes by object id; objects that are missing are left out."""
        wanted = "\n".join(dict.fromkeys(ids))
        if not wanted:
            return {}
        result = await self._git(
            "cat-file",
            "--batch-check=%(objectname) %(objectsize)",
            stdin=wanted.encode("ascii") + b"\n",
        )
        rows = (line.split(b" ") for line in result.out.split(b"\n"))
        return {row[0].decode(): int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}

    async def _objects(self, ids: Iterable[str], kind: str) -> dict[str, bytes]:
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        stdin = "\n".join(wanted).encode("ascii") + b"\n"
        out = (await self._git("cat-file", "--batch", stdin=stdin)).out
        found: dict[str, bytes] = {}
        at = 0
        while at < len(out):
            end = out.index(b"\n", at)
            header = out[at:end].split(b" ")
            at = end + 1
            if len(header) != 3:  # "ID missing"
                continue
            size = int(header[2])
            if header[1].decode("ascii") == kind:
                found[header[0].decode("ascii")] = out[at : at + size]
            at += size + 1
        return found

    # -- differences -------------------------------------------------------------------------

    async def changed(self, base: Commit | Tree | None, head: Commit | Tree) -> list[ChangedFile]:
        """The paths that differ, renames found. Without `base`, everything is added."""
        return parse_raw(await self._diff_tree(base, head, "-z", "--raw"))[0]

    async def numstat(
        self, base: Commit | Tree | None, head: Commit | Tree
    ) -> dict[str, tuple[int, int]]:
        """Lines added and deleted for each touched path; the old path of a rename counts too."""
        files, counts = await self._counted(base, head)
        found: dict[str, tuple[int, int]] = {}
        for file, count in zip(files, counts, strict=True):
            found[file.path] = (count.added or 0, count.deleted or 0)
            found.setdefault(file.old_path, (0, 0))
        return found

    async def diff(self, base: Commit | Tree | None, head: Commit | Tree, context: int = 3) -> Diff:
        """How two commits differ, line by line, up to sizes that a page can bear."""
        files, counts = await self._counted(base, head)
        text = await read_upto(
            LARGE_DIFF,
            *diff_arguments(base, head, "-p", f"-U{context}"),
            repository=self.path,
            extra=self.environment,
        )
        patches = parse_patches(text, files)
        return assemble(files, counts, patches, await self._too_large(files, counts))

    async def added_lines(
        self, base: Commit | Tree | None, head: Commit | Tree
    ) -> dict[str, set[int]]:
        """Numbers of the lines of `head` that `base` lacks, for each path that has any.

        Binary files and files above LARGE_FILE have none.
        """
        files, _ = await self._counted(base, head)
        text = await self._diff_tree(base, head, "-p", "-U0")
        found: dict[str, set[int]] = {}
        for file, patch in zip(files, parse_patches(text, files), strict=True):
            lines = {line.new for hunk in patch.hunks for line in hunk.lines if line.kind == "+"}
            numbers = {line for line in lines if line is not None}
            if numbers and file.status != "D":
                found[file.path] = numbers
        return found

    async def _counted(
        self, base: Commit | Tree | None, head: Commit | Tree
    ) -> tuple[list[ChangedFile], list[Counts]]:
        return parse_raw(await self._diff_tree(base, head, "-z", "--raw", "--numstat"))

    async def _too_large(self, files: list[ChangedFile], counts: list[Counts]) -> frozenset[str]:
        unread = [f for f, c in zip(files, counts, strict=True) if c.added is None]
        objects = {o for f in unread for o in (f.old_object, f.new_object)} - {NO_COMMIT}
        sizes = await self.sizes(objects)
        return frozenset(name for name, size in sizes.items() if size > LARGE_FILE)

    async def _diff_tree(
        self, base: Commit | Tree | None, head: Commit | Tree, *options: str
    ) -> bytes:
        return (await self._git(*diff_arguments(base, head, *options))).out

    # -- work trees and new commits ----------------------------------------------------------

    async def export(self, commit: Commit, directory: Path, patterns: tuple[str, ...] = ()) -> None:
        """Write the files of a commit to a directory that is empty or does not exist.

        With `patterns`, only the paths that match, as they would be in the whole checkout. Modes
        and symlinks are kept, submodules become empty directories, there is no `.git`. Nothing is
        ever written through a symlink. Raises GitError, for instance on a full disk.
        """
        target = _empty_directory(directory)
        place = ("--work-tree", str(target))
        settings = ("-c", "core.symlinks=true", "-c", "core.fileMode=true")
        async with self._index() as extra:
            if not patterns:
                await run_git(
                    *place, *settings, "read-tree", "-m", "-u", commit,
                    repository=self.path, extra=extra,
                )  # fmt: skip
                return
            # The whole index, so that attributes count that are not shown themselves.
            await run_git("read-tree", commit, repository=self.path, extra=extra)
            listed = await run_git("ls-files", "-z", repository=self.path, extra=extra)
            names = [name for name in listed.out.split(b"\0") if name]
            shown = await asyncio.to_thread(_matching, names, patterns)
            await run_git(
                *place, *settings, "checkout-index", "-z", "--stdin",
                repository=self.path, extra=extra, stdin=b"".join(name + b"\0" for name in shown),
            )  # fmt: skip

    async def commit_files(
        self,
        branch: str,
        files: Mapping[str, bytes],
        message: str,
        author: Signature,
        parent: Commit | None,
    ) -> Commit:
        """Commit `files` over those of `parent` and move `branch` from `parent` to the result.

        Raises Conflict when the branch is elsewhere, GitError when git refuses a path.
        """
        lines = [
            f"100644 blob {write_object(self.path, 'blob', data)}\t".encode() + encode_path(path)
            for path, data in files.items()
        ]
        async with self._index() as extra:
            if parent is not None:
                await run_git("read-tree", parent, repository=self.path, extra=extra)
            stdin = b"".join(line + b"\0" for line in lines)
            await run_git(
                "update-index",
                "-z",
                "--index-info",
                repository=self.path,
                extra=extra,
                stdin=stdin,
            )
            written = await run_git("write-tree", repository=self.path, extra=extra)
        signature = format_signature(author)
        text = message if message.endswith("\n") else message + "\n"
        raw = RawCommit(
            Tree(written.out.strip().decode("ascii")),
            (parent,) if parent is not None else (),
            signature,
            signature,
            b"",
            text.encode("utf-8", "replace"),
        )
        commit = Commit(write_object(self.path, "commit", format_commit(raw)))
        if not await self.update_ref(f"refs/heads/{branch}", commit, parent or NO_COMMIT):
            raise Conflict(f"The branch {branch} has moved meanwhile.", "Try again.")
        return commit

    @asynccontextmanager
    async def _index(self) -> AsyncGenerator[dict[str, str]]:
        """An index of one's own, so that simultaneous exports do not meet."""
        with tempfile.TemporaryDirectory(prefix="headgate-index-") as place:
            yield {**self.environment, "GIT_INDEX_FILE": os.path.join(place, "index")}  # noqa: PTH118


def _matching(names: Iterable[bytes], patterns: tuple[str, ...]) -> list[bytes]:
    return [name for name in names if matches(decode_path(name), patterns)]


def _empty_directory(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise GitError(f"{directory} is not empty.", "Export to an empty directory.")
    return directory.resolve()
