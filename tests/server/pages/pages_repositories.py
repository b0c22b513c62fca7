"""Bare repositories, and commits made without a work tree."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def git(where: Path, *arguments: str, input: bytes = b"") -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "Bea",
        "GIT_AUTHOR_EMAIL": "bea@example.org",
        "GIT_COMMITTER_NAME": "Bea",
        "GIT_COMMITTER_EMAIL": "bea@example.org",
        "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    }
    done = subprocess.run(
        ["git", "-C", str(where), *arguments], input=input, env=environment, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def make_repository(path: Path, files: Mapping[bytes, bytes]) -> str:
    """A bare repository with one commit on main; returns the commit."""
    path.mkdir(parents=True)
    git(path, "init", "--bare", "-q", "-b", "main", "--template=")
    return commit(path, "main", files, "Begin")


def commit(path: Path, branch: str, files: Mapping[bytes, bytes | None], message: str) -> str:
    """Commit whole files (None removes one) on top of a branch; returns the commit."""
    script = bytearray()
    head = (
        subprocess.run(
            ["git", "-C", str(path), "rev-parse", "-q", "--verify", f"refs/heads/{branch}"],
            capture_output=True,
        )
        .stdout.decode()
        .strip()
    )
    script += (
        f"commit refs/heads/{branch}\ncommitter Bea <bea@example.org> 1767225600 +0000\n".encode()
    )
    text = message.encode()
    script += b"data %d\n%s\n" % (len(text), text)
    if head:
        script += b"from " + head.encode() + b"\n"
    for name, data in files.items():
        quoted = b'"' + b"".join(_c_quote(b) for b in name) + b'"'
        if data is None:
            script += b"D " + quoted + b"\n"
        else:
            script += b"M 100644 inline " + quoted + b"\ndata %d\n%s\n" % (len(data), data)
    git(path, "fast-import", "--quiet", "--force", input=bytes(script))
    return git(path, "rev-parse", f"refs/heads/{branch}")


def _c_quote(byte: int) -> bytes:
    if byte in b'"\\' or byte < 32 or byte > 126:
        return b"\\%03o" % byte
    return bytes([byte])
