"""Lockfiles written anew by the tools that own them, in a copy, without running any package."""

from __future__ import annotations

import json
import os
import posixpath
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from headgate.deps.compare import read_file
from headgate.deps.fixing.pins import raised
from headgate.deps.fixing.plan import Step
from headgate.model.errors import CouldNotRun

LONGEST = 300.0
"""Seconds that one call of a tool may take."""


def relock(
    files: Mapping[str, bytes], steps: Sequence[Step]
) -> tuple[dict[str, bytes], list[tuple[Step, str]]]:
    """The lockfiles that had to move, and the steps that could not be taken, with the reason.

    `files` are the manifests and lockfiles of the tree.
    """
    changed: dict[str, bytes] = {}
    failed: list[tuple[Step, str]] = []
    for step in steps:
        now = {**files, **changed}
        locks = [
            s.path
            for s in step.component.places
            if posixpath.basename(s.path) in _TOOLS and s.path in now
        ]
        if not locks:
            failed.append((step, _by_hand(step)))
            continue
        for lock in dict.fromkeys(locks):
            try:
                new = _TOOLS[posixpath.basename(lock)](now, lock, step)
            except CouldNotRun as error:
                failed.append((step, error.message))
                continue
            now |= new
            if _still_there(lock, now[lock], step):
                why = f"what depends on it in {lock} does not allow {step.to}"
                failed.append((step, why))
            else:
                changed |= new
    return changed, failed


def _by_hand(step: Step) -> str:
    place = step.component.places[0].path if step.component.places else "the manifest"
    return f"set {step.component.name} to {step.to} in {place} and have its lockfile written anew"


def _still_there(path: str, data: bytes, step: Step) -> bool:
    one = step.component
    return any(
        (d.ecosystem, d.name, d.version) == (one.ecosystem, one.name, one.version)
        for d in read_file(path, data).declared
    )


def _uv(files: Mapping[str, bytes], lock: str, step: Step) -> dict[str, bytes]:
    uv = _program("uv")
    one = step.component
    with tempfile.TemporaryDirectory(prefix="headgate-fix-") as place:
        top = _copied(files, Path(place))
        where = (top / lock).parent
        # Nothing is built: that would run code of packages that nobody looked at yet.
        _run([uv, "lock", "--no-build", "--upgrade-package", f"{one.name}=={step.to}"], where, "uv")
        return {lock: (top / lock).read_bytes()}


def _npm(files: Mapping[str, bytes], lock: str, step: Step) -> dict[str, bytes]:
    npm = _program("npm")
    manifest = posixpath.join(posixpath.dirname(lock), "package.json")
    if manifest not in files:
        raise CouldNotRun(f"there is no {manifest} beside {lock}")
    with tempfile.TemporaryDirectory(prefix="headgate-fix-") as place:
        top = _copied(files, Path(place))
        where = (top / lock).parent
        target = top / manifest
        command = [npm, "install", "--package-lock-only", "--ignore-scripts", "--no-audit",
                   "--no-fund"]  # fmt: skip
        new = raised(files[manifest], step)
        if new is None:
            # Another package's dependency: npm moves it when told so, and leaves it there
            # afterwards as long as what depends on it allows the version.
            target.write_bytes(_overridden(files[manifest], step))
            _run(command, where, "npm")
            target.write_bytes(files[manifest])
        else:
            target.write_bytes(new)
        _run(command, where, "npm")
        found = {manifest: target.read_bytes(), lock: (top / lock).read_bytes()}
        return {path: data for path, data in found.items() if data != files[path]} | {
            lock: found[lock]
        }


def _overridden(manifest: bytes, step: Step) -> bytes:
    values = cast("dict[str, Any]", json.loads(manifest))
    given = values.get("overrides")
    overrides = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    name = f"{step.component.name}@{step.component.version}"
    values["overrides"] = {**overrides, name: step.to}
    return json.dumps(values, indent=2).encode()


_TOOLS = {"uv.lock": _uv, "package-lock.json": _npm, "npm-shrinkwrap.json": _npm}


def _program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if not found:
        raise CouldNotRun(f"{name} is not installed, and its lockfile is not edited by hand")
    return found


def _copied(files: Mapping[str, bytes], top: Path) -> Path:
    for path, data in files.items():
        place = top / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return top


def _run(command: Iterable[str], where: Path, name: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    try:
        ended = subprocess.run(
            list(command),
            cwd=where,
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CouldNotRun(f"{name} took longer than {LONGEST:.0f} s") from None
    except OSError as error:
        raise CouldNotRun(f"{name} could not be started: {error.strerror}") from None
    if ended.returncode != 0:
        told = ended.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CouldNotRun(f"{name} failed: {' '.join(told[-3:])[:300]}")
