"""The system-call filter, run step by step as the kernel does."""

from __future__ import annotations

import errno
import platform
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobs_bench import Bench

from headgate.jobs.sandbox.seccomp import Instruction, build_filter, instructions, supported
from headgate.jobs.sandbox.syscalls import AUDIT_ARCH, absent, denied, judged
from headgate.model.job import JobDefinition, RunState

ALLOW = 0x7FFF0000
ERROR = 0x00050000
MACHINES = st.sampled_from(sorted(AUDIT_ARCH))


def decide(
    program: tuple[Instruction, ...], arch: int, number: int, arguments: tuple[int, ...] = ()
) -> int:
    """What the kernel would answer: the value of the return that is reached."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *(*arguments, *(0,) * (6 - len(arguments))))
    accumulator = 0
    at = 0
    while True:
        step = program[at]
        at += 1
        if step.code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, step.operand)
        elif step.code == 0x06:
            return step.operand
        else:
            holds = {
                0x15: accumulator == step.operand,
                0x35: accumulator >= step.operand,
                0x45: bool(accumulator & step.operand),
            }[step.code]
            at += step.when_true if holds else step.when_false


@given(MACHINES, st.integers(0, 600), st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_every_call_gets_an_answer_and_only_listed_ones_are_refused(
    machine: str, number: int, arguments: list[int]
) -> None:
    answer = decide(instructions(machine), AUDIT_ARCH[machine], number, tuple(arguments))
    if number in denied(machine).values():
        assert answer == ERROR | errno.EPERM
    elif number in absent(machine).values():
        assert answer == ERROR | errno.ENOSYS
    elif number not in judged(machine).values():
        assert answer == ALLOW


@given(MACHINES, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_calls_of_another_machine_do_not_exist(machine: str, arch: int, number: int) -> None:
    if arch != AUDIT_ARCH[machine]:
        assert decide(instructions(machine), arch, number) == ERROR | errno.ENOSYS


def test_calls_with_the_x32_bit_do_not_exist() -> None:
    program = instructions("x86_64")
    assert decide(program, AUDIT_ARCH["x86_64"], 0x40000000 | 165) == ERROR | errno.ENOSYS


@given(MACHINES, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_threads_and_forks_are_made_and_namespaces_are_not(
    machine: str, flags: int, high: int
) -> None:
    spaces = 0x7E020000
    answer = decide(
        instructions(machine),
        AUDIT_ARCH[machine],
        judged(machine)["clone"],
        (high << 32 | flags,),
    )
    assert answer == (ERROR | errno.EPERM if flags & spaces else ALLOW)


@given(MACHINES)
def test_what_depends_on_arguments(machine: str) -> None:
    program, arch, calls = instructions(machine), AUDIT_ARCH[machine], judged(machine)
    refused = ERROR | errno.EPERM
    assert decide(program, arch, calls["unshare"], (0x10000000,)) == refused
    assert decide(program, arch, calls["unshare"], (0x400,)) == ALLOW
    assert decide(program, arch, calls["socket"], (2, 1)) == ALLOW
    assert decide(program, arch, calls["socket"], (40, 1)) == refused
    assert decide(program, arch, calls["socket"], (38, 5)) == refused
    assert decide(program, arch, calls["ioctl"], (0, 0x5412)) == refused
    assert decide(program, arch, calls["ioctl"], (0, 0x1_0000_5412)) == refused
    assert decide(program, arch, calls["ioctl"], (0, 0x5413)) == ALLOW


def test_the_bytes_are_those_of_the_steps() -> None:
    for machine in AUDIT_ARCH:
        assert len(build_filter(machine)) == 8 * len(instructions(machine))


def test_a_machine_without_a_filter_is_told() -> None:
    assert not supported("sparc")
    with pytest.raises(ValueError, match="sparc"):
        build_filter("sparc")


@pytest.mark.sandbox
async def test_the_kernel_agrees(bench: Bench) -> None:
    calls = judged(platform.machine())
    code = f"""
import ctypes, errno, os, socket, threading
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    result = libc.syscall(*arguments)
    return 0 if result >= 0 else ctypes.get_errno()
assert call({calls["unshare"]}, 0x10000000) == errno.EPERM
assert call({denied(platform.machine())["mount"]}, 0, 0, 0, 0, 0) == errno.EPERM
assert call({denied(platform.machine())["keyctl"]}, 0, -3, 0) == errno.EPERM
assert call({denied(platform.machine())["bpf"]}, 0, 0, 0) == errno.EPERM
assert call({absent(platform.machine())["io_uring_setup"]}, 1, 0) == errno.ENOSYS
try:
    socket.socket(40, socket.SOCK_STREAM)
    raise SystemExit("vsock was made")
except PermissionError:
    pass
thread = threading.Thread(target=print, args=("threads work",))
thread.start(); thread.join()
pid = os.fork()
if pid == 0: os._exit(0)
os.waitpid(pid, 0)
for line in open("/proc/self/status"):
    if line.startswith(("Cap", "Seccomp:", "NoNewPrivs")): print(line.strip())
"""
    job = JobDefinition("calls", argv=("python3", "-c", code))
    result, log = await bench.run(bench.request(job))
    assert result.state is RunState.PASSED, log
    assert "threads work" in log
    assert "NoNewPrivs:\t1" in log
    assert "Seccomp:\t2" in log
    assert "CapEff:\t0000000000000000" in log
    assert "CapBnd:\t0000000000000000" in log
