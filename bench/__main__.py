"""Every measurement, one after the other. `python -m bench` or `make bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LONG = {"deps_match.py", "fused.py", "landings.py", "storm.py"}
"""Left to be run by hand: they take minutes."""


def main() -> int:
    failed: list[str] = []
    for script in sorted(HERE.glob("*.py")):
        if script.name.startswith("_") or script.name in LONG:
            continue
        print(f"\n== {script.stem.replace('_', ' ')}", flush=True)
        if subprocess.run([sys.executable, str(script)], cwd=HERE.parent).returncode:
            failed.append(script.name)
    for name in sorted(LONG):
        print(f"\nnot run: {name} (python -m bench.{name.removesuffix('.py')})")
    if failed:
        print(f"\ncould not be measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
