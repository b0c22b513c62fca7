"""Asking a database of 330,000 advisories: how large it is, how long questions and changes take.

The records are made here, shaped as OSV's are: most are malicious packages of npm, which need
few words; the others have ranges, lists of versions and aliases. Where `pip-audit` is installed,
the same pins are asked of it in the same run, with a service on loopback that answers at once.

    python bench/deps_match.py [--records N] [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from headgate.deps.advisories.sources.local import DirectorySource
from headgate.deps.advisories.sync import sync
from headgate.deps.advisories.writer import AdvisoryWriter

AIMS = {
    "megabytes": 150.0,
    "ask_1000_ms": 100.0,
    "ask_10000_ms": 1000.0,
    "command_200_ms": 400.0,
    "change_500_ms": 200.0,
}
HEADGATE = (sys.executable, "-m", "headgate.cli.main")
ECOSYSTEMS = ("PyPI", "Maven", "Packagist", "Go", "crates.io", "NuGet", "RubyGems", "Debian:12")
WORDS = (
    *("improper", "check", "of", "a", "length", "in", "the", "parser", "lets", "some", "remote"),
    *("party", "write", "beyond", "any", "buffer"),
)
ASK = """
import json, sys, time
from pathlib import Path
from headgate.deps.advisories.matcher import Matcher
from headgate.deps.advisories.store import AdvisoryStore
from headgate.deps.advisories.verdict import Package
packages = [Package(*one) for one in json.loads(Path(sys.argv[2]).read_text())]
start, begun = time.perf_counter(), time.process_time()
matcher = Matcher(AdvisoryStore.read(Path(sys.argv[1])), time.time())
verdicts = [matcher.match(one).verdict for one in packages]
took = (time.perf_counter() - start) * 1000, (time.process_time() - begun) * 1000
print(json.dumps([*took, {v: verdicts.count(v) for v in sorted(set(verdicts))}]))
"""


def spoken_of(rng: random.Random) -> str:
    """A package with advisories: one has some hundred of them, most have one or two."""
    return f"package-{int(8000 * rng.random() ** 2.5)}"


def record(number: int, modified: str, rng: random.Random) -> tuple[str, dict[str, Any]]:
    """(ecosystem, record): three of five are malicious packages of npm."""
    if number % 5 < 3:
        package = {"ecosystem": "npm", "name": f"@scope-{number % 9973}/package-{number}"}
        affected = {
            "package": package,
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
        }
        summary = f"Malicious code in {package['name']} (npm)"
        return "npm", {
            "id": f"MAL-2025-{number}",
            "modified": modified,
            "summary": summary,
            "affected": [affected],
        }
    place = ECOSYSTEMS[number // 5 % len(ECOSYSTEMS)]
    name = spoken_of(rng)
    events: list[dict[str, str]] = []
    listed: list[str] = []
    for major in range(rng.choice((1, 1, 1, 2, 3))):
        minor = rng.randrange(1, 40)
        listed += [f"{major}.{one}.{rng.randrange(9)}" for one in range(0, minor, 2)]
        events += [
            {"introduced": f"{major}.0.0" if major else "0"},
            {"fixed": f"{major}.{minor}.{rng.randrange(9)}"},
        ]
    affected = {
        "package": {"ecosystem": place, "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
        "versions": listed,
    }
    return place.partition(":")[0], {
        "id": f"GHSA-{number:06d}-bench",
        "modified": modified,
        "summary": " ".join(rng.sample(WORDS, 9)),
        "aliases": [f"CVE-2025-{number}"],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [affected],
    }


def export(place: Path, count: int) -> None:
    """Write an export as OSV does."""
    rng = random.Random(5)
    archives: dict[str, zipfile.ZipFile] = {}
    listings: dict[str, list[str]] = {}
    for number in range(count):
        modified = f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}T00:00:00Z"
        ecosystem, found = record(number, modified, rng)
        if ecosystem not in archives:
            (place / ecosystem).mkdir()
            archives[ecosystem] = zipfile.ZipFile(place / ecosystem / "all.zip", "w")
        archives[ecosystem].writestr(f"{found['id']}.json", json.dumps(found))
        listings.setdefault(ecosystem, []).append(f"{modified},{found['id']}\n")
    for ecosystem, archive in archives.items():
        archive.close()
        lines = sorted(listings[ecosystem], reverse=True)
        (place / ecosystem / "modified_id.csv").write_text("".join(lines))


def change(place: Path, count: int) -> None:
    """Change so many records of PyPI, as an export shows them the next day."""
    rng = random.Random(6)
    listing = place / "PyPI" / "modified_id.csv"
    lines = listing.read_text().splitlines(keepends=True)
    fresh: list[str] = []
    for line in rng.sample(lines, count):
        name = line.strip().partition(",")[2]
        number = int(name.split("-")[1])
        modified = f"2026-01-01T00:{rng.randrange(60):02}:00Z"
        _, found = record(number, modified, rng)
        (place / "PyPI" / f"{name}.json").write_text(json.dumps(found))
        fresh.append(f"{modified},{name}\n")
        lines.remove(line)
    listing.write_text("".join([*sorted(fresh, reverse=True), *lines]))


def pins(count: int) -> list[tuple[str, str, str]]:
    """Packages of a large project: a fifth of them are spoken of."""
    rng = random.Random(7)
    return [
        (
            "PyPI",
            spoken_of(rng) if n % 5 == 0 else f"fine-{n}",
            f"{rng.randrange(3)}.{rng.randrange(40)}.{rng.randrange(9)}",
        )
        for n in range(count)
    ]


def ask(database: Path, place: Path, count: int) -> tuple[float, float]:
    """Milliseconds of a process that has just begun, from opening the database on: by the clock,
    and of processor, which a busy machine changes less.
    """
    questions = place / "questions.json"
    questions.write_text(json.dumps(pins(count)))
    took: list[tuple[float, float]] = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", ASK, str(database), str(questions)],
            capture_output=True,
            text=True,
            check=True,
        )
        clock, processor, verdicts = json.loads(done.stdout)
        if verdicts.get("unknown") or not verdicts.get("affected"):
            raise ValueError(f"the answers are not what they should be: {verdicts}")
        took.append((clock, processor))
    return min(took)


def command(database: Path) -> float:
    """Milliseconds of the whole command, 200 pins."""
    lines = "".join(
        json.dumps({"ecosystem": e, "name": n, "version": v}) + "\n" for e, n, v in pins(200)
    )
    took: list[float] = []
    for _ in range(5):
        start = time.perf_counter()
        done = subprocess.run(
            [*HEADGATE, "deps", "match", "--stdin", "--db", str(database)],
            input=lines,
            capture_output=True,
            text=True,
            check=False,
        )
        took.append((time.perf_counter() - start) * 1000)
        if done.returncode != 1 or done.stdout.count("\n") != 200:
            raise ValueError(f"the command answered {done.returncode}: {done.stderr}")
    return statistics.median(took)


class Osv(BaseHTTPRequestHandler):
    """A service that knows of nothing and says so at once."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        pass


def pip_audit(place: Path) -> float | None:
    """Milliseconds of pip-audit for the same pins; None where it is not installed."""
    program = shutil.which("pip-audit")
    if program is None:
        return None
    requirements = place / "requirements.txt"
    requirements.write_text("".join(f"{name}=={version}\n" for _, name, version in pins(200)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Osv)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1/query"
    quick = ("--no-deps", "--disable-pip", "--progress-spinner", "off")
    try:
        start = time.perf_counter()
        subprocess.run(
            [program, "-r", str(requirements), *quick, "-s", "osv", "--osv-url", url],
            capture_output=True,
            check=True,
        )
        return (time.perf_counter() - start) * 1000
    finally:
        server.shutdown()
        server.server_close()


def measure(place: Path, count: int) -> Iterator[tuple[str, float]]:
    source = place / "export"
    source.mkdir()
    export(source, count)
    database = place / "advisories.db"
    start = time.perf_counter()
    with AdvisoryWriter.open(database) as store:
        sync(store, DirectorySource(source), time.time())
    yield "first_sync_s", time.perf_counter() - start
    yield "megabytes", database.stat().st_size / 1e6
    for questions in (1000, 10_000):
        clock, processor = ask(database, place, questions)
        yield f"ask_{questions}_ms", clock
        yield f"ask_{questions}_processor_ms", processor
    whole = command(database)
    yield "command_200_ms", whole
    change(source, 500)
    start, begun = time.perf_counter(), time.process_time()
    with AdvisoryWriter.open(database) as store:
        (done,) = sync(store, DirectorySource(source), time.time(), ["PyPI"])
    yield "change_500_ms", (time.perf_counter() - start) * 1000
    yield "change_500_processor_ms", (time.process_time() - begun) * 1000
    if (done.how, done.changed) != ("changes", 500):
        raise ValueError(f"500 changes were read as {done}")
    peer = pip_audit(place)
    if peer is not None:
        yield "pip_audit_200_ms", peer
        yield "times_faster", peer / whole


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=330_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = dict(measure(Path(place), options.records))
    if options.json:
        print(json.dumps({name: round(value, 1) for name, value in found.items()}))
        return 0
    for name, value in found.items():
        aim = f"  (aim: at most {AIMS[name]:g})" if name in AIMS else ""
        print(f"{name.replace('_', ' '):26} {value:10.1f}{aim}")
    if "times_faster" not in found:
        print("pip-audit is not installed: not compared")
    return 0


if __name__ == "__main__":
    sys.exit(main())
