"""Memory of a server that has nothing to do, beside that of a bare Python.

python bench/server_memory.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from headgate.demo.world import World

AIM = 95
SETTLE_SECONDS = 3.0


def resident(pid: int) -> float:
    """Megabytes of resident memory, of which shared libraries are a part."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"process {pid} has no VmRSS")


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def main() -> None:
    bare = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with World() as world:
        world.introduce()
        for _ in range(20):
            world.operator.get("/changes.json")
        time.sleep(SETTLE_SECONDS)
        server = world.server_pid
        size = resident(server)
        others = sum(resident(child) for child in children(server))
        floor = resident(bare.pid)
    bare.kill()
    print(f"idle server: {size:.0f} MB (aim: at most {AIM} MB), its children {others:.0f} MB")
    print(f"bare Python: {floor:.0f} MB, ratio {size / floor:.1f}")


if __name__ == "__main__":
    main()
