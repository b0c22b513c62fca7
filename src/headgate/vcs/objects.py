"""Raw git objects: reading commits, and writing loose objects without starting a process."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from pathlib import Path

from headgate.model.change import CommitInfo, Signature
from headgate.model.ids import Commit, Tree
from headgate.model.record import record
from headgate.vcs.git import GitError

EMPTY_TREE = Tree("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
"""Git knows this tree without its being stored."""

SUBMODULE_MODE = 0o160000
SYMLINK_MODE = 0o120000


@record
class RawCommit:
    """A commit as its bytes say it; author and message are kept as they are."""

    tree: Tree
    parents: tuple[Commit, ...]
    author: bytes
    committer: bytes
    encoding: bytes
    message: bytes


def parse_commit(data: bytes) -> RawCommit:
    """Read the bytes of a commit object."""
    header, _, message = data.partition(b"\n\n")
    tree = Tree("")
    parents: list[Commit] = []
    author = committer = encoding = b""
    for line in header.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"tree":
            tree = Tree(value.decode("ascii"))
        elif key == b"parent":
            parents.append(Commit(value.decode("ascii")))
        elif key == b"author":
            author = value
        elif key == b"committer":
            committer = value
        elif key == b"encoding":
            encoding = value
    return RawCommit(tree, tuple(parents), author, committer, encoding, message)


def commit_info(commit: Commit, raw: RawCommit) -> CommitInfo:
    """A raw commit as text; what cannot be decoded is replaced, so that it can be stored."""
    encoding = raw.encoding.decode("ascii", "replace") or "utf-8"
    try:
        message = raw.message.decode(encoding, "replace")
    except LookupError:
        message = raw.message.decode("utf-8", "replace")
    return CommitInfo(
        commit,
        raw.parents,
        parse_signature(raw.author),
        parse_signature(raw.committer),
        message.replace("\0", "\N{REPLACEMENT CHARACTER}"),
    )


def parse_signature(data: bytes) -> Signature:
    """Read `Name <email> seconds zone`."""
    text = data.decode("utf-8", "replace")
    name, _, rest = text.partition("<")
    email, _, when = rest.rpartition(">")
    words = when.split()
    time = int(words[0]) if words and words[0].lstrip("-").isdigit() else 0
    return Signature(name.strip(), email.strip(), time)


def format_signature(signature: Signature) -> bytes:
    """`Name <email> seconds +0000`, without what git forbids in a name."""

    def clean(text: str) -> str:
        kept = "".join(c for c in text if c not in "<>\n\0")
        return kept.strip(" .,:;\"'\\") or "unknown"

    line = f"{clean(signature.name)} <{clean(signature.email)}> {max(0, signature.time)} +0000"
    return line.encode("utf-8", "replace")


def format_commit(raw: RawCommit) -> bytes:
    """The bytes of a commit object."""
    lines = [b"tree " + raw.tree.encode("ascii")]
    lines += [b"parent " + parent.encode("ascii") for parent in raw.parents]
    lines += [b"author " + raw.author, b"committer " + raw.committer]
    if raw.encoding:
        lines.append(b"encoding " + raw.encoding)
    return b"\n".join(lines) + b"\n\n" + raw.message


def write_object(repository: Path, kind: str, data: bytes) -> str:
    """Store a loose object and return its id; one that is there already is left alone.

    Raises GitError when it cannot be written, a full disk included.
    """
    header = f"{kind} {len(data)}\0".encode("ascii")
    name = hashlib.sha1(header + data, usedforsecurity=False).hexdigest()
    directory = repository / "objects" / name[:2]
    target = directory / name[2:]
    if target.exists():
        return name
    temporary = directory / f"tmp_obj_headgate_{os.getpid()}_{name[2:]}"
    try:
        try:
            made = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        except FileNotFoundError:
            directory.mkdir(exist_ok=True)
            made = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        with open(made, "wb") as file:
            file.write(zlib.compress(header + data, 1))
        temporary.rename(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise GitError(
            f"An object could not be written to {repository.name}: {error.strerror}.",
            "Make room on the disk, or mend its permissions, then try again.",
        ) from error
    return name
