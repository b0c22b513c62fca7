"""What `headgate doctor` looks at; each function looks at one thing and never raises."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from headgate.cli.client import local_server
from headgate.cli.doctor import Diagnosis
from headgate.model.errors import HeadgateError
from headgate.server.settings import Settings, load_settings

LEAST_GIT = (2, 38)
LEAST_SPACE = 2 << 30
"""Bytes; below this, builds of environments and logs soon fail."""


def python(_data: Path) -> Diagnosis:
    """The interpreter."""
    found = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= (3, 11)
    return Diagnosis("python", ok, f"Python {found}", "Headgate needs Python 3.11 or later.")


def git(_data: Path) -> Diagnosis:
    """The git binary."""
    remedy = "Install git 2.38 or later: apt-get install git."
    program = shutil.which("git")
    if program is None:
        return Diagnosis("git", False, "There is no git on PATH.", remedy)
    try:
        told = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return Diagnosis("git", False, f"{program} does not run: {error}", remedy)
    version = re.search(r"(\d+)\.(\d+)", told)
    ok = version is not None and (int(version[1]), int(version[2])) >= LEAST_GIT
    return Diagnosis("git", ok, told.strip(), remedy)


def sandbox(data: Path) -> Diagnosis:
    """Whether untrusted jobs can be run, by really running one."""
    from headgate.jobs.sandbox.probe import probe

    try:
        wanted = _settings(data).require_sandbox
        with tempfile.TemporaryDirectory(prefix="headgate-doctor-") as elsewhere:
            # The sandbox's unprivileged account passes through here to its work area.
            Path(elsewhere).chmod(0o711)
            report = probe(data if data.is_dir() else Path(elsewhere))
        ok = report.sandbox is not None and report.at_least(wanted)
    except HeadgateError as error:
        return Diagnosis("sandbox", False, error.message, error.remedy)
    except ValueError as error:
        return Diagnosis("sandbox", False, str(error), "Mend require-sandbox in server.toml.")
    problems = "; ".join(report.problems)
    strength = "none" if report.strength is None else report.strength.name.lower()
    found = f"{report.name or 'no sandbox'}, strength {strength}"
    return Diagnosis("sandbox", ok, f"{found}: {problems}" if problems else found, report.remedy)


def settings(data: Path) -> Diagnosis:
    """server.toml."""
    try:
        found = load_settings(data)
    except HeadgateError as error:
        return Diagnosis("settings", False, error.message, error.remedy)
    return Diagnosis("settings", True, f"{found.url}, {found.job_slots} slots")


def data_directory(data: Path) -> Diagnosis:
    """Whether the data directory can be used, and only by its owner."""
    name = "data directory"
    if not data.exists():
        parent = next((p for p in data.parents if p.exists()), Path("/"))
        ok = os.access(parent, os.W_OK)
        found = f"{data} does not exist yet" + ("" if ok else f", and {parent} is not writable")
        return Diagnosis(name, ok, found, "Choose another with --data or HEADGATE_DATA.")
    status = data.stat()
    if not data.is_dir() or not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        return Diagnosis(
            name,
            False,
            f"{data} cannot be written.",
            "Choose another with --data or HEADGATE_DATA.",
        )
    if stat.S_IMODE(status.st_mode) & 0o066:
        return Diagnosis(
            name, False, f"Others may read or write {data}.", f"Run `chmod go-rw {data}`."
        )
    return Diagnosis(name, True, str(data))


def space(data: Path) -> Diagnosis:
    """Free space where the data is."""
    at = next(p for p in (data, *data.parents) if p.exists())
    free = shutil.disk_usage(at).free
    found = f"{free / (1 << 30):.1f} GiB free at {at}"
    return Diagnosis("disk space", free >= LEAST_SPACE, found, "Free at least 2 GiB.")


def port(data: Path) -> Diagnosis:
    """Whether the port is free, or Headgate's own server has it."""
    known = _settings(data)
    try:
        running = local_server(data)
    except HeadgateError as error:
        return Diagnosis("port", False, error.message, error.remedy)
    if running is not None and running.socket is not None and _listens(running.socket):
        return Diagnosis("port", True, f"Headgate runs at {running.url}")
    family = socket.AF_INET6 if ":" in known.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((known.host, known.port))
        except OSError as error:
            found = f"Port {known.port} of {known.host} cannot be used: {error.strerror}."
            return Diagnosis("port", False, found, "Choose another with `headgate up --port`.")
    return Diagnosis("port", True, f"{known.host}:{known.port} is free")


def database(data: Path) -> Diagnosis:
    """Whether the database is whole; it is only read."""
    file = _settings(data).database
    if not file.exists():
        return Diagnosis("database", True, "There is none yet; the server makes it.")
    try:
        connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=10)
        try:
            told = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        told = [str(error)]
    ok = told == ["ok"]
    found = f"{file} is whole" if ok else f"{file}: {'; '.join(told)}"
    return Diagnosis("database", ok, found, "Restore the database from a copy.")


def _settings(data: Path) -> Settings:
    """The settings; their defaults when server.toml is broken, which is told by its own check."""
    try:
        return load_settings(data)
    except HeadgateError:
        return Settings(data=data)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
    return True


CHECKS: tuple[Callable[[Path], Diagnosis], ...] = (
    python,
    git,
    sandbox,
    settings,
    data_directory,
    space,
    port,
    database,
)
