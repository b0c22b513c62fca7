"""The standard sandbox: bubblewrap, a system-call filter and resource limits."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from headgate.jobs.sandbox import host
from headgate.jobs.sandbox.interface import (
    Access,
    Command,
    Limits,
    Network,
    Owner,
    Strength,
)
from headgate.jobs.sandbox.process import NamespaceProcess
from headgate.jobs.sandbox.seccomp import build_filter
from headgate.model.errors import CouldNotRun

FIRST_UID = 64000
"""Accounts FIRST_UID + slot are used when the server is root; they need no entry in passwd."""

_SHARED_MEMORY = 256 << 20


class Bubblewrap:
    """Runs commands in namespaces of their own, as an account without any rights."""

    name = "bubblewrap"
    strength = Strength.STANDARD

    def __init__(
        self,
        state: Path,
        *,
        first_uid: int = FIRST_UID,
        interpreters: Sequence[str] = (sys.base_prefix,),
    ) -> None:
        """Keep what sandboxes share (a filter, a small /etc) below `state`.

        Raises CouldNotRun when a program that it needs is missing, or there is no filter for this
        machine.
        """
        self._first_uid = first_uid
        self._programs = {name: _find(name) for name in ("bwrap", "prlimit", "setpriv")}
        try:
            program = build_filter()
        except ValueError as error:
            raise CouldNotRun(f"Jobs cannot be contained here: {error}.") from None
        state.mkdir(parents=True, exist_ok=True)
        self._filter = state / "filter.bpf"
        if not self._filter.exists() or self._filter.read_bytes() != program:
            fresh = state / f".filter-{os.getpid()}"
            fresh.write_bytes(program)
            fresh.replace(self._filter)
        self._etc = host.build_etc(state)
        self._system = host.system_arguments()
        self._interpreters = host.interpreter_mounts(self.owner(0), interpreters)

    def owner(self, slot: int) -> Owner:
        if os.geteuid() != 0:
            return Owner(os.geteuid(), os.getegid())
        return Owner(self._first_uid + slot, self._first_uid + slot)

    def reachable(self, path: Path, slot: int) -> bool:
        return host.may_enter(path, self.owner(slot))

    def toolbox(self) -> tuple[str, ...]:
        # The system's own interpreter comes first: environments outlive the server's.
        return (*host.SYSTEM_PATH, *(f"{mount.target}/bin" for mount in self._interpreters))

    def start(
        self, command: Command, slot: int, output: Callable[[bytes], None]
    ) -> NamespaceProcess:
        filter_fd = os.open(self._filter, os.O_RDONLY | os.O_CLOEXEC)
        fds = (filter_fd,)
        if command.secrets:
            try:
                fds = (filter_fd, _secret_arguments(command.secrets))
            except BaseException:
                os.close(filter_fd)
                raise
        return NamespaceProcess(lambda status: self._argv(command, slot, fds, status), fds, output)

    def _argv(self, command: Command, slot: int, fds: Sequence[int], status_fd: int) -> list[str]:
        filter_fd, *more = fds
        inside = str(host.INSIDE_UID)
        argv = [*self._drop_root(slot), self._programs["bwrap"]]
        argv += ["--unshare-all", "--unshare-user", "--uid", inside, "--gid", inside]
        argv += ["--hostname", "headgate", "--die-with-parent", "--new-session", "--clearenv"]
        argv += ["--json-status-fd", str(status_fd), "--seccomp", str(filter_fd)]
        mounts = (*self._interpreters, *command.mounts)
        if command.network is Network.HOST:
            argv.append("--share-net")
            mounts = (*host.network_mounts(), *mounts)
        argv += self._system
        argv += ["--ro-bind", str(self._etc), "/etc", "--proc", "/proc", "--dev", "/dev"]
        argv += ["--size", str(min(_SHARED_MEMORY, command.limits.memory)), "--tmpfs", "/dev/shm"]
        for mount in mounts:
            argv += [_BIND[mount.access], str(mount.source), mount.target]
        # What is left writable is on disk or has a size: memory files count for nobody.
        argv += ["--remount-ro", "/dev", "--remount-ro", "/"]
        for name, value in command.variables.items():
            argv += ["--setenv", name, value]
        for fd in more:
            argv += ["--args", str(fd)]
        argv += ["--chdir", command.directory, "--"]
        argv += [self._programs["prlimit"], *_limits(command.limits), "--", *command.argv]
        return argv

    def _drop_root(self, slot: int) -> list[str]:
        if os.geteuid() != 0:
            return []
        owner = self.owner(slot)
        return [
            self._programs["setpriv"],
            f"--reuid={owner.uid}",
            f"--regid={owner.gid}",
            "--clear-groups",
            "--",
        ]


def _secret_arguments(secrets: Mapping[str, str]) -> int:
    """A descriptor that bubblewrap reads arguments from: every command line is public."""
    fd = os.memfd_create("headgate-arguments", os.MFD_CLOEXEC)
    try:
        for name, value in secrets.items():
            if "\0" in name or "\0" in value:
                raise ValueError(f"the variable {name!r} holds a NUL character")
            os.write(fd, b"\0".join((b"--setenv", os.fsencode(name), os.fsencode(value), b"")))
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return fd


_BIND = {Access.READ: "--ro-bind", Access.WRITE: "--bind"}


def _limits(limits: Limits) -> list[str]:
    return [
        f"--data={limits.memory}",
        f"--nproc={limits.processes}",
        f"--fsize={limits.file_size}",
        f"--nofile={limits.open_files}",
        "--core=0",
    ]


def _find(name: str) -> str:
    path = shutil.which(name, path=os.pathsep.join(host.SYSTEM_PATH))
    if path is None:
        package = "bubblewrap" if name == "bwrap" else "util-linux"
        raise CouldNotRun(
            f"Jobs cannot be contained: there is no {name} on this machine.",
            f"Install the package {package}.",
        )
    return path
