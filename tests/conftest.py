"""What holds for every test."""

from __future__ import annotations

import os
import signal
import sys

# Started in the background of a shell, we would hand "ignore Ctrl-C" on to every program we start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Many tests start the program; told to keep no bytecode, each start would compile it all anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
