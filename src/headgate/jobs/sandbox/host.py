"""What of the host a sandbox shows: system directories, a small /etc, and interpreters."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from headgate.jobs.sandbox.interface import Mount, Owner

SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")

INSIDE_UID = 1000
"""What every job sees itself as, whoever it is to the host."""

_ELSEWHERE = Path("/var/lib/headgate-jobs")

_ORIGIN = "belongs-to"
"""A link to the data directory, in the directory that holds its work areas elsewhere."""

_TOP = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")

_ETC = (
    "alternatives",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "lsb-release",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "pki/ca-trust",
    "pki/tls/certs",
    "protocols",
    "python3",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "timezone",
)

_WRITTEN = {
    "passwd": (
        "root:x:0:0:root:/root:/usr/sbin/nologin\n"
        f"job:x:{INSIDE_UID}:{INSIDE_UID}:job:/work/home:/bin/sh\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    ),
    "group": f"root:x:0:\njob:x:{INSIDE_UID}:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
    "hostname": "headgate\n",
    # Places to mount the host's files over, for the sandboxes that get them.
    "resolv.conf": "",
    "pip.conf": "",
    "uv/uv.toml": "",
}


def system_arguments() -> list[str]:
    """Arguments of bubblewrap for /usr and the directories that are, or point to, parts of it."""
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in _TOP:
        path = Path(name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            arguments += ["--ro-bind", name, name]
    return arguments


def _etc_files() -> Iterator[Path]:
    for name in _ETC:
        top = Path("/etc") / name
        if top.is_dir() and not top.is_symlink():
            for parent, directories, files in os.walk(top):
                directories.sort()
                yield from (Path(parent) / file for file in sorted(files))
        elif top.exists():
            yield top


def build_etc(root: Path) -> Path:
    """A copy below `root` of the harmless part of /etc; made once for each state of the host.

    One mount of a copy costs a start a fraction of what twenty mounts of single files do.
    """
    files = list(_etc_files())
    digest = hashlib.sha256(repr(sorted(_WRITTEN.items())).encode())
    for path in files:
        info = path.lstat()
        digest.update(f"{path}\0{info.st_size}\0{info.st_mtime_ns}\0".encode(errors="replace"))
    target = root / f"etc-{digest.hexdigest()[:16]}"
    if target.is_dir():
        return target
    building = Path(tempfile.mkdtemp(prefix=".etc-", dir=root))
    building.chmod(0o755)
    for path in files:
        # A file that the server cannot read, no job gets.
        if not path.is_symlink() and not os.access(path, os.R_OK):
            continue
        copy = building / path.relative_to("/etc")
        copy.parent.mkdir(parents=True, exist_ok=True)
        # Files that point outside of what is copied (localtime, os-release) point into /usr.
        shutil.copy2(path, copy, follow_symlinks=False)
        if not copy.is_symlink():
            copy.chmod(0o644)
    for name, text in _WRITTEN.items():
        copy = building / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)
    try:
        building.rename(target)
    except OSError:
        shutil.rmtree(building)
        if not target.is_dir():
            raise
    return target


def network_mounts() -> tuple[Mount, ...]:
    """What names are resolved by, for sandboxes with network."""
    return tuple(
        Mount(source, name)
        for name in ("/etc/resolv.conf", "/etc/hosts")
        if (source := Path(name).resolve()).is_file()
    )


def may_enter(path: Path, owner: Owner) -> bool:
    """Whether this owner may pass through every directory on the way to `path`, and into it."""
    if owner.uid == os.geteuid():
        return os.access(path, os.X_OK)
    for directory in (path.resolve(), *path.resolve().parents):
        try:
            info = directory.stat()
        except OSError:
            return False
        if info.st_uid == owner.uid:
            allowed = info.st_mode & stat.S_IXUSR
        elif info.st_gid == owner.gid:
            allowed = info.st_mode & stat.S_IXGRP
        else:
            allowed = info.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def interpreter_mounts(
    owner: Owner, prefixes: Sequence[str] = (sys.base_prefix,)
) -> tuple[Mount, ...]:
    """Python installations outside of /usr that this owner can read, mounted where they are."""
    mounts: list[Mount] = []
    for prefix in dict.fromkeys(prefixes):
        path = Path(prefix).resolve()
        if path.is_relative_to("/usr") or not path.is_dir() or path == Path("/"):
            continue
        if may_enter(path, owner):
            mounts.append(Mount(path, str(path)))
    return tuple(mounts)


def jobs_root(data: Path, owner: Owner) -> Path:
    """Where work areas, environments and caches are kept: below `data` when `owner` gets there.

    A data directory below a home that nobody else may enter (/root) is out of reach of the
    unprivileged account that jobs run as; then it is a directory of /var/lib, named by a digest
    of the data directory. Raises OSError when neither can be made.
    """
    root = data / "jobs"
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o711)
    if may_enter(root, owner):
        return root
    digest = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]
    _ELSEWHERE.mkdir(parents=True, exist_ok=True)
    _ELSEWHERE.chmod(0o711)
    _forget_removed(_ELSEWHERE)
    root = _ELSEWHERE / digest
    root.mkdir(exist_ok=True)
    root.chmod(0o711)
    origin = root / _ORIGIN
    with contextlib.suppress(FileExistsError):
        origin.symlink_to(data.resolve())
    return root


def _forget_removed(base: Path) -> None:
    """Remove what belongs to data directories that are no more."""
    for root in base.iterdir():
        origin = root / _ORIGIN
        if origin.is_symlink() and not origin.exists():
            # Two servers that start at once may both be at it.
            shutil.rmtree(root, ignore_errors=True)


def base_digest() -> str:
    """What the system part of an environment is: another one calls for another set-up."""
    digest = hashlib.sha256(platform.machine().encode())
    for name in ("/etc/os-release", "/etc/debian_version"):
        path = Path(name)
        if path.is_file():
            digest.update(path.read_bytes())
    for directory in SYSTEM_PATH:
        python = Path(directory) / "python3"
        if python.exists():
            info = python.stat()
            digest.update(f"{python.resolve()}\0{info.st_size}\0{info.st_mtime_ns}".encode())
    digest.update(sys.base_prefix.encode())
    return digest.hexdigest()
