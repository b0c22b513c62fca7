"""The board on a terminal: it moves when something happens, and ends at Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

import pytest
from cli_support import HEADGATE, Say
from test_cli_server import url_of

from headgate.cli.client import Client, find_target
from headgate.cli.queue_live import listen

pytestmark = pytest.mark.sandbox


class Terminal:
    """A process on a terminal of its own, 120 columns wide."""

    def __init__(self, data: Path, *args: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            [*HEADGATE, *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "HEADGATE_DATA": str(data), "TERM": "xterm"},
        )
        os.close(slave)
        self.seen = ""

    def until(self, text: str, seconds: float = 20.0) -> float:
        """Wait for a text; returns how many seconds it took."""
        began = time.monotonic()
        while text not in self.seen:
            left = began + seconds - time.monotonic()
            assert left > 0, f"{text!r} did not appear in {self.seen[-2000:]!r}"
            if select.select([self._master], [], [], left)[0]:
                try:
                    self.seen += os.read(self._master, 65536).decode()
                except OSError:  # the other side has gone
                    assert text in self.seen, self.seen[-2000:]
        return time.monotonic() - began

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


def test_the_board_stands_until_ctrl_c(server: Path) -> None:
    terminal = Terminal(server, "queue")
    terminal.until("slots busy")
    terminal.seen = ""
    terminal.until("slots busy")  # drawn again
    assert terminal.interrupt() == 130
    terminal.until("headgate: interrupted.")
    assert "Traceback" not in terminal.seen


def test_the_board_is_woken_by_what_happens(operator: Say, server: Path) -> None:
    woken = threading.Event()
    client = Client(find_target({"HEADGATE_DATA": str(server)}))
    threading.Thread(target=listen, args=(client, woken), daemon=True).start()
    assert woken.wait(10)  # the board as it is
    time.sleep(0.5)
    woken.clear()
    assert not woken.wait(1.0)
    operator("human", "add", "passer-by")
    assert woken.wait(10)


def test_a_pipe_gets_the_board_once(operator: Say) -> None:
    assert "slots busy" not in operator("queue").out
    assert set(operator("queue", "--json").object) >= {"queues", "slots"}


def test_a_token_is_read_from_standard_input(operator: Say, server: Path, tmp_path: Path) -> None:
    operator("human", "add", "piper")
    token = operator("token", "issue", "piper").out.strip()
    done = subprocess.run(
        [*HEADGATE, "login", url_of(server)],
        input=f"{token}\n",
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "as piper" in done.stdout, done.stderr
    empty = subprocess.run(
        [*HEADGATE, "login", url_of(server)],
        input="",
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert empty.returncode == 2
    assert empty.stderr.startswith("headgate: No token was given.")
