"""Watching one bubblewrap process: its output, its status, and the death of all inside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from headgate.jobs.sandbox.interface import Ended
from headgate.jobs.sandbox.memory import used

_CHUNK = 1 << 16

_PATIENCE = 5.0
"""Seconds that a sandbox which is to die may take to tell who is number 1 inside."""


def _is_first_of_a_namespace(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    for line in status.splitlines():
        if line.startswith("NSpid:"):
            numbers = line.split()[1:]
            return len(numbers) > 1 and numbers[-1] == "1"
    return False


class NamespaceProcess:
    """A bubblewrap process, and the process that is number 1 inside.

    When number 1 is gone the kernel has killed and buried everything else in its namespace, so
    its end, and not that of bubblewrap, is the end of the sandbox.
    """

    def __init__(
        self,
        argv: Callable[[int], Sequence[str]],
        fds: Sequence[int],
        output: Callable[[bytes], None],
    ) -> None:
        """Start `argv(status)`, where `status` is the descriptor that bubblewrap reports to.

        `fds` are passed on and closed here. OSError when no process can be made.
        """
        self._loop = asyncio.get_running_loop()
        self._deliver = output
        self._done: asyncio.Future[Ended] = self._loop.create_future()
        self._said = b""
        self._status = b""
        self._inner: int | None = None
        self._inner_gone = False
        self._outer_gone = False
        self._killed = False
        with contextlib.ExitStack() as undo, contextlib.ExitStack() as ours:
            for fd in fds:
                ours.callback(os.close, fd)
            self._output_fd, output_write = self._pipe(undo, ours)
            self._status_fd, status_write = self._pipe(undo, ours)
            self._process = subprocess.Popen(
                list(argv(status_write)),
                stdin=subprocess.DEVNULL,
                stdout=output_write,
                stderr=output_write,
                # A short pass list keeps the vfork path, and nothing else of ours gets inside.
                pass_fds=(*fds, status_write),
                env={},
                umask=0o022,
                cwd="/",
            )
            undo.pop_all()
        self._outer = os.pidfd_open(self._process.pid)
        self._loop.add_reader(self._output_fd, self._read_output)
        self._loop.add_reader(self._status_fd, self._read_status)
        self._loop.add_reader(self._outer, self._outer_ended)

    @staticmethod
    def _pipe(undo: contextlib.ExitStack, ours: contextlib.ExitStack) -> tuple[int, int]:
        read, write = os.pipe2(os.O_CLOEXEC)
        undo.callback(os.close, read)
        ours.callback(os.close, write)
        os.set_blocking(read, False)
        return read, write

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> Ended:
        return await asyncio.shield(self._done)

    def memory(self, interesting: int) -> int:
        return 0 if self._outer_gone else used(self._process.pid, interesting)

    def kill(self) -> None:
        self._killed = True
        if self._inner is not None:
            if not self._inner_gone:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._inner, signal.SIGKILL)
        elif not self._outer_gone:
            # Number 1 exists before it is told to die with its parent, and without one it would
            # wait for ever: it is killed when we are told who it is, which is soon.
            self._loop.call_later(_PATIENCE, self._kill_outer)

    def _kill_outer(self) -> None:
        if self._inner is None and not self._outer_gone:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._outer, signal.SIGKILL)

    # -- callbacks of the loop ----------------------------------------------------------------

    def _read_output(self) -> bool:
        """Deliver what is there; False when there is nothing more for now, or ever."""
        try:
            data = os.read(self._output_fd, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._output_fd)
            return False
        if len(self._said) < 2000:
            self._said = (self._said + data)[:2000]
        self._deliver(data)
        return True

    def _read_status(self) -> bool:
        try:
            data = os.read(self._status_fd, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._status_fd)
            return False
        self._status += data
        if self._inner is None and not self._inner_gone:
            self._find_inner()
        return True

    def _reported(self) -> dict[str, Any]:
        report: dict[str, Any] = {}
        for line in self._status.splitlines(keepends=True):
            if line.endswith(b"\n"):
                report.update(cast("dict[str, Any]", json.loads(line)))
        return report

    def _find_inner(self) -> None:
        pid = self._reported().get("child-pid")
        if not isinstance(pid, int):
            return
        try:
            inner = os.pidfd_open(pid)
        except ProcessLookupError:
            self._inner_gone = True
            return
        # Between its end and this look the number may have been given to a stranger.
        if not _is_first_of_a_namespace(pid):
            os.close(inner)
            self._inner_gone = True
            return
        self._inner = inner
        self._loop.add_reader(inner, self._inner_ended)
        if self._killed:
            self.kill()

    def _inner_ended(self) -> None:
        assert self._inner is not None
        self._inner_gone = True
        self._loop.remove_reader(self._inner)
        self._finish()

    def _outer_ended(self) -> None:
        self._outer_gone = True
        self._loop.remove_reader(self._outer)
        self._process.wait()
        while self._read_status():
            pass
        if self._inner is None:
            self._inner_gone = True
        else:
            self.kill_leftovers()
        self._finish()

    def kill_leftovers(self) -> None:
        """What a job leaves running in the background ends with it."""
        if self._inner is not None and not self._inner_gone:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._inner, signal.SIGKILL)

    def _finish(self) -> None:
        if not (self._inner_gone and self._outer_gone) or self._done.done():
            return
        try:
            while self._read_output():
                pass
        finally:
            for fd in (self._output_fd, self._status_fd, self._outer, self._inner):
                if fd is not None:
                    self._loop.remove_reader(fd)
                    os.close(fd)
            self._done.set_result(self._ended())

    def _ended(self) -> Ended:
        code = self._reported().get("exit-code")
        if isinstance(code, int):
            return Ended(code)
        if self._inner is not None and (self._killed or not self._said.startswith(b"bwrap: ")):
            return Ended(128 + signal.SIGKILL)
        if self._killed:
            return Ended(None, "it was stopped before it began")
        said = self._said.decode("utf-8", "replace").strip().splitlines()
        ended = self._process.returncode
        detail = said[-1] if said else f"it ended with {ended} and said nothing"
        return Ended(None, f"the sandbox did not start: {detail}")
