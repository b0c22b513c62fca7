"""What following data costs and finds, against ruff's security rules and bandit in the same run.

Every tool reads the same packages, those that are installed beside Headgate: processor seconds per
100,000 lines, findings per 1,000 lines, and the memory at its highest. A tool that is not
installed is told as not run.

    python bench/scan.py [--packages NAME …] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from headgate.scan.analyzers.ruff import find_ruff

PACKAGES = ("jinja2", "click", "httpx", "starlette", "rich", "packaging", "alembic", "sqlalchemy")
AIM_SECONDS = 5.0
AIM_FINDINGS = 0.10
_OURS = """
import resource, sys
from pathlib import Path
from headgate.scan.analyzers.flow import Flow
from headgate.scan.analyzers.interface import SourceFile
found = 0
for root in map(Path, sys.argv[1:]):
    paths = sorted(root.rglob("*.py"))
    files = [SourceFile(str(path.relative_to(root)), path.read_bytes()) for path in paths]
    found += len(Flow().scan(files).hits)
print(found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def measured(command: list[str]) -> tuple[float, str]:
    """Processor seconds of a command and its children, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, done.stdout.decode("utf-8", "replace")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", nargs="+", default=PACKAGES)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    site = Path(sysconfig.get_path("purelib"))
    roots = [str(site / name) for name in options.packages if (site / name).is_dir()]
    files = [path for root in roots for path in Path(root).rglob("*.py")]
    lines = sum(path.read_bytes().count(b"\n") for path in files)
    rows: list[dict[str, object]] = []

    def row(name: str, seconds: float, found: int, memory: int | None = None) -> None:
        rows.append(
            {
                "tool": name,
                "seconds_per_100k_lines": round(seconds / lines * 1e5, 2),
                "findings_per_1000_lines": round(found / lines * 1000, 3),
                "peak_mib": memory,
            }
        )

    seconds, out = measured([sys.executable, "-c", _OURS, *roots])
    found, memory = (int(word) for word in out.split())
    row("headgate (flow)", seconds, found, memory)
    ruff = find_ruff()
    if ruff is not None:
        arguments = ["check", "--isolated", "--no-cache", "--select", "S", "--ignore", "S101"]
        arguments += ["--no-respect-gitignore", "--config", "exclude = []"]
        arguments += ["--output-format", "json", "--exit-zero"]
        seconds, out = measured([str(ruff), *arguments, *roots])
        row("ruff --select S, no S101", seconds, len(json.loads(out)))
    bandit = shutil.which("bandit")
    if bandit is not None:
        seconds, out = measured([bandit, "-q", "-r", "-f", "json", "-s", "B101", *roots])
        row("bandit, no B101", seconds, len(json.loads(out)["results"]))
    if options.json:
        print(json.dumps({"lines": lines, "tools": rows}))
        return 0
    print(f"{lines:,} lines of {', '.join(Path(root).name for root in roots)}")
    print(f"{'tool':28}{'CPU-s/100k':>12}{'found/1,000':>14}{'peak MiB':>10}")
    for one in rows:
        memory_shown = "" if one["peak_mib"] is None else str(one["peak_mib"])
        print(
            f"{one['tool']:28}{one['seconds_per_100k_lines']:>12}"
            f"{one['findings_per_1000_lines']:>14}{memory_shown:>10}"
        )
    if bandit is None:
        print("not run: bandit is not installed")
    print(f"aims: {AIM_SECONDS:g} CPU-s per 100,000 lines, {AIM_FINDINGS:g} findings per 1,000")
    return 0


if __name__ == "__main__":
    sys.exit(main())
