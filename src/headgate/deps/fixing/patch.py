"""A patch of the files that a fix changes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping


def patch(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """The changes as `git apply` takes them."""
    return "".join(_one(path, before[path], after[path]) for path in sorted(after))


def _one(path: str, old: bytes, new: bytes) -> str:
    name = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    lines = difflib.unified_diff(_lines(old), _lines(new), f"a/{name}", f"b/{name}")
    found: list[str] = []
    for line in lines:
        found.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(found)


def _lines(data: bytes) -> list[str]:
    # Not at other line ends that Python knows: git counts newlines only.
    text = data.decode("utf-8", "replace")
    return [f"{line}\n" for line in text.split("\n")[:-1]] + (
        [text.rpartition("\n")[2]] if not text.endswith("\n") and text else []
    )
