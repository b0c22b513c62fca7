"""The seam between a job run and the kernel features that contain it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from pathlib import Path
from typing import Protocol


class Strength(IntEnum):
    """How much a sandbox holds; a policy names the least that it accepts."""

    DEGRADED = 1
    """File access and system calls are limited; processes and network of the host are visible."""
    STANDARD = 2
    """Own namespaces, no capabilities, a system-call filter, never uid 0."""
    STRICT = 3
    """The host's kernel is not reached directly."""

    @property
    def word(self) -> str:
        return self.name.lower()


class Access(Enum):
    READ = "read"
    WRITE = "write"


class Network(Enum):
    NONE = "none"
    HOST = "host"
    """The host's network, its loopback included."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or directory of the host that appears in the sandbox."""

    source: Path
    target: str
    """Absolute path inside."""
    access: Access = Access.READ


@dataclass(frozen=True, slots=True)
class Limits:
    """What one sandbox may use. Sizes are bytes."""

    memory: int = 2 << 30
    """For the writable memory of each process; whoever runs the sandbox watches the sum."""
    processes: int = 1024
    """Processes and threads together."""
    file_size: int = 8 << 30
    open_files: int = 4096


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a sandbox's processes are to the host; work areas must belong to it."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run inside."""

    argv: tuple[str, ...]
    directory: str
    """Absolute path inside, the working directory."""
    variables: Mapping[str, str]
    """The whole environment: nothing of the host's is added."""
    mounts: tuple[Mount, ...]
    network: Network = Network.NONE
    limits: Limits = field(default_factory=Limits)
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """More of the environment, which nobody on the host may see: never on a command line."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a sandbox ended, told when none of its processes is left."""

    code: int | None
    """Exit code of the program, 128 + n for signal n; None when it never ran."""
    trouble: str = ""
    """Why the program never ran; empty when it did."""


class SandboxProcess(Protocol):
    """A running sandbox."""

    async def wait(self) -> Ended:
        """Wait until every process inside is gone and the output is delivered."""
        ...

    def memory(self, interesting: int) -> int:
        """Bytes of memory held by all processes inside; exact only from `interesting` on."""
        ...

    def kill(self) -> None:
        """Kill everything inside; returns at once, `wait` tells when it is done."""
        ...


class Sandbox(Protocol):
    """A way to run a program that nobody trusts."""

    @property
    def name(self) -> str: ...

    @property
    def strength(self) -> Strength: ...

    def owner(self, slot: int) -> Owner:
        """Who the processes of this slot are; slots that run at once are told apart by it."""
        ...

    def reachable(self, path: Path, slot: int) -> bool:
        """Whether a directory of the host can be mounted for this slot."""
        ...

    def toolbox(self) -> tuple[str, ...]:
        """Directories, as seen inside, where programs are found: the system part of PATH."""
        ...

    def start(self, command: Command, slot: int, output: Callable[[bytes], None]) -> SandboxProcess:
        """Start a program; its standard output and error reach `output` as they come.

        Must be called in a running event loop. Raises OSError when no process can be made.
        """
        ...
