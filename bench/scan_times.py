"""How long a scan of one file in a git repository takes, and one after a change in a large tree,
beside its peers.

Everything is run as a user runs it, in directories of its own and with a cache of its own: "cold"
is a new process, in whose cache is what earlier scans left; "edited" is a file that no earlier scan
has seen; "first of all" has nothing in its cache. Wall time depends on what else the machine does:
the load is printed, and processor seconds (of all processes that a run started) stand beside it.

    python bench/scan_times.py [--runs N] [--lines N] [--jobs N] [--json]

`--lines` makes a tree of at least so many lines from the packages installed beside Headgate, and
scans it cold, after no change, after a change of one file, and cold with several processes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.scan.analyzers.ruff import find_ruff

AIMS = {
    "one file, cold": 0.150,
    "one file, edited": 0.150,
    "one file, resident": 0.030,
    "one change, warm": 0.300,
}
"""Seconds."""
PACKAGES = ("click", "jinja2", "httpx", "starlette", "rich", "packaging", "alembic", "fastapi")
_FILE = """\
import sqlite3

from flask import Flask, request

app = Flask(__name__)


@app.route("/user")
def user():
    db = sqlite3.connect("x.db")
    name = request.args["name"]
    rows = db.execute("select * from users where name = '" + name + "'").fetchall()
    return {"rows": len(rows)}
"""
_FUNCTION = """

def total_{number}(rows, least={number}):
    found = {{}}
    for key, value in rows:
        if value < least or key in found:
            continue
        found[key] = value * {number}
    return sorted(found.items())
"""
_FUNCTIONS = 9
"""With so many of them the file has about a hundred lines, like most."""
_TOKEN = "gh" + "p_" + "Zx8Kq2Lm9Rt4Vw7Yb3Nc6Pd1Fg5Hj0Sa2Te4"
_HEADGATE = str(Path(sysconfig.get_path("scripts")) / "headgate")
_RESIDENT = """
import json, secrets, sys, time
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.engine import Request, analyzers, examine
from headgate.scan.rules.table import rule_cache
text = open("app.py", "rb").read()
tools = analyzers(secrets.token_bytes(32), rule_cache())
took = []
for number in range(int(sys.argv[1]) + 1):
    file = SourceFile("app.py", text + b"# %d\\n" % number)
    began = time.perf_counter(), time.process_time()
    examine(Request((file,)), tools)
    took.append((time.perf_counter() - began[0], time.process_time() - began[1]))
print(json.dumps(took[1:]))
"""
_SEMGREP = """
rules:
  - id: sql
    languages: [python]
    severity: ERROR
    message: sql
    mode: taint
    pattern-sources: [{pattern: request.args[...]}]
    pattern-sinks: [{pattern: $DB.execute(...)}]
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement."""

    what: str
    tool: str
    wall: float
    """Seconds, the median."""
    cpu: float
    """Processor seconds, the median."""
    mib: int = 0
    """The largest process at its highest; 0: not measured."""


def run(command: Sequence[str], place: Path, environment: Mapping[str, str]) -> Row:
    """Run it once. What is found makes an exit code of 1; another one is an error."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, cwd=place, capture_output=True, env=dict(environment), check=False
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(
            f"{command[0]} ended with {done.returncode}: {done.stderr.decode()[-500:]}"
        )
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Row("", "", wall, cpu, after.ru_maxrss >> 10)


def median(what: str, tool: str, rows: Sequence[Row]) -> Row:
    wall = statistics.median(row.wall for row in rows)
    return Row(what, tool, wall, statistics.median(row.cpu for row in rows))


def peers(place: Path) -> dict[str, list[str]]:
    """The other tools that are installed, on app.py."""
    found: dict[str, list[str]] = {}
    ruff = find_ruff()
    if ruff is not None:
        found["ruff --select S"] = [str(ruff), "check", "--isolated", "--no-cache", "--select", "S"]
    for name in ("bandit", "semgrep"):
        own = Path(sysconfig.get_path("scripts")) / name
        binary = str(own) if own.is_file() else shutil.which(name)
        if binary is None:
            continue
        if name == "semgrep":
            (place / "rule.yml").write_text(_SEMGREP)
            found[name] = [binary, "scan", "--metrics=off", "--config", "rule.yml"]
        else:
            found[name] = [binary, "-q"]
    return {name: [*command, "app.py"] for name, command in found.items()}


def one_file(place: Path, environment: Mapping[str, str], runs: int) -> list[Row]:
    text = _FILE + "".join(_FUNCTION.format(number=number) for number in range(_FUNCTIONS))
    (place / "app.py").write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=place, env=dict(environment), check=True)
    ours = [_HEADGATE, "scan", "app.py"]
    # Python compiles the modules before anything is measured, as after an installation.
    (place / "leak.py").write_text(f"token = '{_TOKEN}'\n")
    run([*ours[:-1], "leak.py"], place, environment)
    empty = {**environment, "XDG_CACHE_HOME": str(place.parent / "empty")}
    first = median("one file, first of all", "headgate", [run(ours, place, empty)])
    run(ours, place, environment)
    times = [run(ours, place, environment) for _ in range(runs)]
    rows = [median("one file, cold", "headgate", times)]
    times.clear()
    for number in range(runs):
        (place / "app.py").write_text(f"{text}# {number}\n")
        times.append(run(ours, place, environment))
    rows += [median("one file, edited", "headgate", times), first]
    for name, command in peers(place).items():
        times = [run(command, place, environment) for _ in range(runs)]
        rows.append(median("one file, cold", name, times))
    done = subprocess.run(
        [sys.executable, "-c", _RESIDENT, str(runs)],
        cwd=place,
        env=dict(environment),
        stdout=subprocess.PIPE,
        check=True,
    )
    took = [Row("", "", wall, cpu) for wall, cpu in json.loads(done.stdout)]
    return [*rows, median("one file, resident", "headgate", took)]


def tree(place: Path, wanted: int) -> int:
    """Copies of installed packages, side by side; how many lines."""
    site, lines, copy = Path(sysconfig.get_path("purelib")), 0, 0
    while lines < wanted:
        for name in PACKAGES:
            for path in sorted((site / name).rglob("*.py")):
                target = place / f"c{copy}" / path.relative_to(site)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
                lines += path.read_bytes().count(b"\n")
        copy += 1
    return lines


def large(place: Path, environment: Mapping[str, str], jobs: int) -> list[Row]:
    ours = [_HEADGATE, "scan", ".", "--format", "json", "-o", "../out"]

    def timed(what: str, *more: str) -> tuple[Row, bytes]:
        row = run([*ours, *more], place, environment)
        named = Row(what, "headgate", row.wall, row.cpu, row.mib)
        return named, (place.parent / "out").read_bytes()

    rows = [timed("the tree, cold")[0], timed("no change, warm")[0]]
    changed = place / "c0" / "click" / "utils.py"
    changed.write_bytes(changed.read_bytes() + b"\n\ndef _bench(name):\n    return name\n")
    rows.append(timed("one change, warm")[0])
    return [*rows, timed(f"the tree, cold, {jobs} jobs", "--jobs", str(jobs), "--no-cache")[0]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--lines", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headgate-bench-") as name:
        place = Path(name)
        environment = {**os.environ, "XDG_CACHE_HOME": str(place / "cache")}
        # Python keeps what it compiled, as after an installation.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for folder in ("one", "many"):
            (place / folder).mkdir()
        rows = one_file(place / "one", environment, options.runs)
        lines = tree(place / "many", options.lines) if options.lines else 0
        if lines:
            rows += large(place / "many", environment, options.jobs)
    load = os.getloadavg()[0]
    if options.json:
        shown = [dict(zip(Row.__slots__, _values(row), strict=True)) for row in rows]
        print(json.dumps({"load": load, "lines": lines, "rows": shown}))
        return 0
    print(
        f"load {load:.1f} on {os.cpu_count()} processors" + (f"; {lines:,} lines" if lines else "")
    )
    print(f"{'':28}{'tool':18}{'wall s':>9}{'CPU s':>9}{'MiB':>7}{'aim s':>8}{'ratio':>8}")
    first = {row.what: row.wall for row in reversed(rows)}
    for row in rows:
        aim = f"{AIMS[row.what]:.2f}" if row.what in AIMS and row.tool == "headgate" else ""
        ratio = f"{row.wall / first[row.what]:.2f}" if row.tool != "headgate" else ""
        print(
            f"{row.what:28}{row.tool:18}{row.wall:>9.3f}{row.cpu:>9.3f}{row.mib or '':>7}"
            f"{aim:>8}{ratio:>8}"
        )
    for missing in ("bandit", "semgrep"):
        if not any(row.tool == missing for row in rows):
            print(f"not run: {missing} is not installed")
    return 0


def _values(row: Row) -> list[object]:
    return [getattr(row, name) for name in Row.__slots__]


if __name__ == "__main__":
    sys.exit(main())
