"""What holds for every test."""

from __future__ import annotations

import signal

# Started in the background of a shell, we would hand "ignore Ctrl-C" on to every program we start.
signal.signal(signal.SIGINT, signal.default_int_handler)
