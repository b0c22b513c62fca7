"""What a cold `headgate --help` costs, against `python -c pass` in the same run.

    .venv/bin/python bench/cli_help.py [--runs 40] [--json]

Both are whole processes, started in turn so that both see the same machine; "cold" means a new
process each time, with byte code and files already in their caches, as for a person at a prompt.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median, quantiles

AIM = 0.060
"""Seconds."""


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Wall time of a process."""
    began = time.perf_counter()
    subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - began


def summary(times: list[float]) -> dict[str, float]:
    """In milliseconds."""
    return {
        "p50_ms": round(median(times) * 1000, 1),
        "p95_ms": round(quantiles(times, n=20)[-1] * 1000, 1),
        "best_ms": round(min(times) * 1000, 1),
    }


def measure(runs: int) -> dict[str, object]:
    """Figures of both, and their ratio."""
    # Byte code must be kept, as on any machine that is not set to forget it.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    bare = [sys.executable, "-c", "pass"]
    helped = [str(Path(sys.executable).with_name("headgate")), "--help"]
    for command in (bare, helped) * 3:
        seconds(command, environment)
    pairs = [(seconds(bare, environment), seconds(helped, environment)) for _ in range(runs)]
    bare_times, help_times = [p[0] for p in pairs], [p[1] for p in pairs]
    return {
        "python": summary(bare_times),
        "headgate_help": summary(help_times),
        "ratio_p50": round(median(help_times) / median(bare_times), 2),
        "aim_ms": AIM * 1000,
        "met": median(help_times) <= AIM,
        "runs": runs,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.runs)
    if options.json:
        print(json.dumps(found))
        return
    for name in ("python", "headgate_help"):
        print(f"{name:<14} {found[name]}")
    verdict = "met" if found["met"] else "NOT met"
    print(f"ratio {found['ratio_p50']}, aim {found['aim_ms']} ms: {verdict}")


if __name__ == "__main__":
    main()
