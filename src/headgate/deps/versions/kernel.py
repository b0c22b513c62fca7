"""Versions of the Linux kernel: `6.1`, `6.1.4`, `6.1-rc2`."""

from __future__ import annotations

import re

from headgate.deps.versions.interface import LONGEST, bad

_VERSION = re.compile(r"v?([0-9]+(?:\.[0-9]+){0,3})(?:-rc([0-9]+))?(?:-.*)?", re.ASCII)


class Kernel:
    """Numbers, and candidates before their release; what a distribution appends does not count."""

    def key(self, version: str) -> tuple[tuple[int, ...], int, int]:
        """(numbers, 0 for a candidate or 1, number of the candidate); raises BadVersion."""
        found = _VERSION.fullmatch(version) if len(version) <= LONGEST else None
        if found is None:
            raise bad(version, "the Linux kernel")
        numbers = [int(part) for part in found[1].split(".")]
        numbers += [0] * (4 - len(numbers))
        return tuple(numbers), int(found[2] is None), int(found[2] or 0)
