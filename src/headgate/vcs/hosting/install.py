"""Making a bare repository into one that asks the server about every push."""

from __future__ import annotations

import os
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from headgate.model.errors import CouldNotRun
from headgate.vcs.git import run_git

HOOKS = ("pre-receive", "proc-receive")
LARGEST_PUSH = 1_000_000_000
"""Bytes of one pack."""

_SETTINGS_FILE = "headgate.config"
_SYSTEM_PYTHON = "/usr/bin/python3"
_SHEBANG_MOST = 120
"""Bytes that every kernel takes in a script's first line."""

_SETTINGS = """\
# Written by Headgate; changes are lost.
[core]
\tsymlinks = true
[receive]
\tprocReceiveRefs = refs/for
\tadvertisePushOptions = true
\tadvertiseAtomic = true
\tautogc = false
\tmaxInputSize = {largest_push}
\tfsckObjects = true
[receive "fsck"]
\t# Flaws of old histories that hurt nobody.
\tzeroPaddedFilemode = ignore
\tbadTimezone = ignore
\tmissingSpaceBeforeDate = ignore
\tmissingEmail = ignore
\tbadDate = ignore
\tbadDateOverflow = ignore
[transfer]
\thideRefs = refs/headgate
[uploadpack]
\tallowFilter = true
\tallowTipSHA1InWant = true
[http]
\treceivepack = true
\tuploadpack = true
\tgetanyfile = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
"""


async def install_hooks(repository: Path, *, max_input: int = LARGEST_PUSH) -> None:
    """Write the settings and hooks of a repository; doing so again changes nothing.

    `max_input` is the most bytes that one push may send. Raises CouldNotRun when the directory
    cannot be written.
    """
    try:
        _replace(repository / _SETTINGS_FILE, _SETTINGS.format(largest_push=max_input), 0o600)
        _ensure(repository / "hooks")
        for name in HOOKS:
            _replace(repository / "hooks" / name, hook_script(hook_python()), 0o755)
    except OSError as error:
        raise CouldNotRun(
            f"The hooks of {repository.name} could not be written: {error.strerror}.",
            "See to the permissions and free space of the data directory.",
        ) from error
    await run_git("config", "--replace-all", "include.path", _SETTINGS_FILE, repository=repository)


def hooks_installed(repository: Path) -> bool:
    """Whether git will ask us: it silently skips hooks that it may not execute."""
    return all(os.access(repository / "hooks" / name, os.X_OK) for name in HOOKS)


def hook_python() -> str:
    """The Python for hooks: the system's, which starts soonest, else the one that runs us.

    Never that of a virtual environment: it is slower to start, and may go away.
    """
    if os.access(_SYSTEM_PYTHON, os.X_OK):
        return _SYSTEM_PYTHON
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def hook_script(python: str) -> str:
    """The hook, to be run by this Python."""
    body = files("headgate.vcs.hosting").joinpath("hook.py").read_text("utf-8")
    line = f"#!{python} -IS\n"
    if any(c.isspace() for c in python) or len(line.encode()) > _SHEBANG_MOST:
        # A shell reads the first lines; Python takes them for a string.
        quoted = python.replace("'", "'\\''")
        line = f"#!/bin/sh\n'''exec' '{quoted}' -IS \"$0\" \"$@\"\n' '''\n"
    return line + body


def _ensure(directory: Path) -> None:
    directory.mkdir(exist_ok=True)


def _replace(path: Path, text: str, mode: int) -> None:
    """Write a file in one step, so that a push never meets half of it."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).chmod(mode)
    Path(temporary).rename(path)
