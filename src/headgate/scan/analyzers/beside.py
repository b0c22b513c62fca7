"""Programs that are installed beside this Python."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path


def scripts() -> Path:
    """Where the programs of installed packages are.

    To expand it by itself, `sysconfig` loads everything that Python was built with.
    """
    place = sysconfig.get_path("scripts", expand=False)
    if place.startswith("{base}") and "{" not in place[1:]:
        return Path(place.replace("{base}", sys.prefix, 1))
    return Path(sysconfig.get_path("scripts"))


def find_tool(name: str) -> str:
    """The tool beside this Python, else on the path; empty when there is none."""
    own = scripts() / name
    if own.is_file():
        return str(own)
    import shutil

    return shutil.which(name) or ""
