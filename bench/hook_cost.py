"""What asking the server costs a push: our hooks against no hooks at all.

The same small pushes go to two repositories in turn, one bare and one with our hooks, whose
server answers at once; so the difference is the hook's own: start, connect, ask, end.

    python bench/hook_cost.py [--pushes N] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from headgate.vcs.git import environment
from headgate.vcs.hosting.hook_server import CommandResult, HookServer, Push, RefUpdate, Refusal
from headgate.vcs.hosting.install import hook_python, install_hooks
from headgate.vcs.repository import Repository

AIM = 10.0
"""Milliseconds."""


class Yes:
    """Agrees to everything at once."""

    async def pre_receive(self, push: Push, updates: list[RefUpdate]) -> list[Refusal]:
        return []

    async def proc_receive(
        self,
        push: Push,
        commands: list[RefUpdate],
        options: list[str],
        say: Callable[[str], None],
    ) -> list[CommandResult]:
        return [CommandResult(command.ref, True, "") for command in commands]


def git(place: Path, env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=place, env=env, capture_output=True, check=True)
    return done.stdout.decode().strip()


def push(tree: Path, env: dict[str, str], target: Path, ref: str) -> float:
    """Milliseconds that one push takes."""
    start = time.perf_counter()
    git(tree, env, "push", "-q", str(target), f"HEAD:{ref}")
    return (time.perf_counter() - start) * 1000


def alone(command: list[Path | str], env: dict[str, str], count: int) -> list[tuple[float, float]]:
    """Milliseconds of one hook run by itself, start to end: by the clock, and of processor."""
    line = f"{'0' * 40} {'1' * 40} refs/x\n".encode()
    took: list[tuple[float, float]] = []
    for _ in range(count):
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = usage.ru_utime + usage.ru_stime
        start = time.perf_counter()
        subprocess.run(command, input=line, env=env, check=True)
        clock = time.perf_counter() - start
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append((clock * 1000, (usage.ru_utime + usage.ru_stime - spent) * 1000))
    return took


def measure(place: Path, env: dict[str, str], pushes: int) -> dict[str, float]:
    tree = place / "tree"
    bare: list[float] = []
    own: list[float] = []
    proposal: list[float] = []
    for number in range(pushes):
        (tree / "file").write_text(f"{number}\n")
        git(tree, env, "commit", "-q", "-a", "-m", f"{number}")
        bare.append(push(tree, env, place / "bare.git", f"refs/x/{number}"))
        own.append(push(tree, env, place / "hooked.git", f"refs/x/{number}"))
        proposal.append(push(tree, env, place / "hooked.git", f"refs/for/main/{number}"))
    runs = alone([place / "hooked.git/hooks/pre-receive"], env, pushes)
    empty = alone([hook_python(), "-IS", "-c", "pass"], env, pushes)
    return {
        "bare_push_ms": statistics.median(bare),
        "push_with_pre_receive_ms": statistics.median(own),
        "push_with_both_hooks_ms": statistics.median(proposal),
        "hook_ms": statistics.median(b - a for a, b in zip(bare, own, strict=True)),
        "hook_alone_ms": statistics.median(clock for clock, _ in runs),
        "hook_alone_least_ms": min(clock for clock, _ in runs),
        "hook_processor_ms": statistics.median(processor for _, processor in runs),
        "hook_processor_least_ms": min(processor for _, processor in runs),
        "of_it_python_least_ms": min(processor for _, processor in empty),
    }


async def run(place: Path, pushes: int) -> dict[str, float]:
    env = environment(
        {
            "GIT_AUTHOR_NAME": "Bench",
            "GIT_AUTHOR_EMAIL": "bench@example.org",
            "GIT_COMMITTER_NAME": "Bench",
            "GIT_COMMITTER_EMAIL": "bench@example.org",
            "HEADGATE_HOOK_SOCKET": str(place / "hook.sock"),
            "HEADGATE_PUSH": "bench",
        }
    )
    git(place, env, "init", "-q", "-b", "main", "tree")
    (place / "tree/file").write_text("begin\n")
    git(place / "tree", env, "add", "file")
    git(place / "tree", env, "commit", "-q", "-m", "Begin")
    for name in ("bare.git", "hooked.git"):
        await Repository.clone(place / name, str(place / "tree"))
    await install_hooks(place / "hooked.git")
    server = HookServer(place / "hook.sock", Yes())
    await server.start()
    try:
        return await asyncio.to_thread(measure, place, env, pushes)
    finally:
        await server.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pushes", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headgate-bench-") as place:
        figures = asyncio.run(run(Path(place), given.pushes))
    figures["ratio"] = figures["push_with_pre_receive_ms"] / figures["bare_push_ms"]
    if given.json:
        print(json.dumps({name: round(value, 2) for name, value in figures.items()}))
    else:
        print(f"{given.pushes} pushes of each kind, {os.cpu_count()} cores; medians, or the least")
        for name, value in figures.items():
            print(f"{name:28}{value:8.2f}")
        print(f"aim: a hook's own processor time <= {AIM:.0f} ms (the least tells a busy machine)")
    return 0 if figures["hook_processor_least_ms"] <= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
