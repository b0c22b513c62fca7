"""The system-call filter of every sandbox, as the program that the kernel runs (classic BPF).

The filter takes away what jobs have no use for and what has often led into kernels; all else
stays, so that ordinary tools work. Namespaces and dropped capabilities are the wall, this is the
ditch in front of it.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass

from headgate.jobs.sandbox.syscalls import AUDIT_ARCH, X86_64, absent, denied, judged

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_JUMP_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_ALLOW = 0x7FFF0000
_ERROR = 0x00050000

_AT_NUMBER = 0
_AT_MACHINE = 4
_X32_BIT = 0x40000000


def _argument(index: int) -> int:
    """Offset of the low half of an argument; both supported machines are little-endian."""
    return 16 + 8 * index


# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; NEWTIME only for unshare,
# because its bit is part of the exit signal in clone's flags.
_NEW_NAMESPACES = 0x7E020000
_NEW_TIME = 0x00000080

# Not held apart by a network namespace, or only a way into the kernel: AF_ALG, AF_VSOCK.
_FAMILIES = (38, 40)

# Typing into the terminal that started the server: TIOCSTI, TIOCLINUX.
_TERMINAL_REQUESTS = (0x5412, 0x541C)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step; jumps count the instructions to leave out."""

    code: int
    operand: int
    when_true: int = 0
    when_false: int = 0

    def packed(self) -> bytes:
        return struct.pack("<HBBI", self.code, self.when_true, self.when_false, self.operand)


def supported(machine: str) -> bool:
    """Whether there is a filter for this machine (a name as in `platform.machine()`)."""
    return machine in AUDIT_ARCH


def instructions(machine: str) -> tuple[Instruction, ...]:
    """The filter for a machine; ValueError for one that is not supported."""
    if not supported(machine):
        raise ValueError(f"there is no system-call filter for {machine}")
    no_such_call = Instruction(_RETURN, _ERROR | errno.ENOSYS)
    refused = Instruction(_RETURN, _ERROR | errno.EPERM)
    allowed = Instruction(_RETURN, _ALLOW)
    program = [
        Instruction(_LOAD, _AT_MACHINE),
        Instruction(_JUMP_EQUAL, AUDIT_ARCH[machine], when_true=1),
        no_such_call,  # 32-bit calls have other numbers and would pass by the list.
        Instruction(_LOAD, _AT_NUMBER),
    ]
    if machine == X86_64:
        program += [Instruction(_JUMP_AT_LEAST, _X32_BIT, when_false=1), no_such_call]
    for number in sorted(absent(machine).values()):
        program += [Instruction(_JUMP_EQUAL, number, when_false=1), no_such_call]
    for number in sorted(denied(machine).values()):
        program += [Instruction(_JUMP_EQUAL, number, when_false=1), refused]
    calls = judged(machine)
    for name, argument, bits in (
        ("clone", 0, _NEW_NAMESPACES),
        ("unshare", 0, _NEW_NAMESPACES | _NEW_TIME),
    ):
        program += [
            Instruction(_JUMP_EQUAL, calls[name], when_false=4),
            Instruction(_LOAD, _argument(argument)),
            Instruction(_JUMP_ANY_BIT, bits, when_false=1),
            refused,
            allowed,
        ]
    for name, argument, values in (("socket", 0, _FAMILIES), ("ioctl", 1, _TERMINAL_REQUESTS)):
        program += [
            Instruction(_JUMP_EQUAL, calls[name], when_false=2 + 2 * len(values)),
            Instruction(_LOAD, _argument(argument)),
        ]
        for value in values:
            program += [Instruction(_JUMP_EQUAL, value, when_false=1), refused]
        program.append(allowed)
    program.append(allowed)
    return tuple(program)


def build_filter(machine: str | None = None) -> bytes:
    """The filter as bytes for `bwrap --seccomp` or prctl(2), for this machine by default."""
    program = instructions(machine or platform.machine())
    return b"".join(step.packed() for step in program)
