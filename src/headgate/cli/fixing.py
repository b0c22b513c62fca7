"""What `headgate fix` does: read the project, suggest, print a patch or write files."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from headgate.cli.output import emit, printable
from headgate.cli.where import start_of
from headgate.model.errors import BadInput, CouldNotRun
from headgate.scan.fixes.changes import CHANGES
from headgate.scan.fixes.suggest import Fixed, suggest
from headgate.scan.packs.load import shipped, shipped_kinds
from headgate.scan.text import is_python, plural
from headgate.scan.tree import find_root, read_file, select

_LANGUAGE = "python"


def fix_paths(paths: Sequence[str], rules: Sequence[str], *, write: bool) -> int:
    """Suggest changes for the files named (all of the project without names), and print or make
    them; the exit code. Raises HeadgateError."""
    kinds = [_kind(rule) for rule in rules]
    places = [Path(path) for path in paths]
    root = asyncio.run(find_root(start_of(places)))
    wanted = asyncio.run(select(root, places, "", ())).paths
    everything = asyncio.run(select(root, (), "", ())).paths if places else wanted
    files: dict[str, bytes] = {}
    for path in everything:
        data = read_file(root.path, path)
        if isinstance(data, bytes) and is_python(path, data[:200]):
            files[path] = data
    within = frozenset(wanted)
    fixed = suggest(files, shipped(_LANGUAGE), shipped_kinds(), kinds, within)
    patch = fixed.diff(files)
    if write:
        for path, data in fixed.files.items():
            _replace(root.path, path, files[path], data)
    _tell(fixed, patch, write=write)
    return 1 if fixed.left or (fixed.fixes and not write) else 0


def _kind(rule: str) -> str:
    kind = rule.rpartition("/")[2]
    if kind not in CHANGES:
        raise BadInput(
            f"There is no mechanical change for {printable(rule)}.",
            f"There is one for: {', '.join(sorted(CHANGES))}.",
        )
    return kind


def _replace(root: Path, path: str, before: bytes, after: bytes) -> None:
    """Write a file in one step, unless it has changed since it was read."""
    if read_file(root, path) != before:
        raise CouldNotRun(f"{printable(path)} changed meanwhile.", "Run the command again.")
    target = root / path
    try:
        mode = target.stat().st_mode
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".headgate-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(after)
                file.flush()
                os.fsync(file.fileno())
            temporary = Path(name)
            temporary.chmod(mode & 0o7777)
            temporary.replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CouldNotRun(
            f"{printable(path)} cannot be written: {error.strerror}.", "Make it writable."
        ) from error


def _tell(fixed: Fixed, patch: str, *, write: bool) -> None:
    told = [
        {"path": one.path, "line": one.line, "rule": f"{_LANGUAGE}/{one.kind}", "what": one.what}
        for one in fixed.fixes
    ]
    lines: list[str] = []
    if patch and not write:
        lines += [
            "".join(c for c in line if c.isprintable() or c == "\t") for line in patch.split("\n")
        ]
    for one in fixed.fixes:
        lines.append(f"{printable(one.path)}:{one.line}: {one.what} ({_LANGUAGE}/{one.kind})")
    done = "made" if write else "suggested"
    left = f", {plural(fixed.left, 'finding')} without a mechanical change" if fixed.left else ""
    lines.append(f"{plural(len(told), 'change')} {done}{left}.")
    if told and not write:
        lines.append("Make them with `headgate fix --write`.")
    emit({"fixes": told, "written": write, "left": fixed.left, "patch": patch}, *lines)
