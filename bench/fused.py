"""Fused builds as they really are: what a member adds, and how often a failure finds its cause.

Runs the real queue service, in this process, on a real repository, with real jobs in the sandbox:
small suites of Python's unittest. The simulation takes two figures for granted, that a member adds
a tenth to the time of a build and that four failures in five are traced to whoever caused them;
here they are measured.

Time: builds of one, two, four and eight members, each with a suite of its own, as a ratio to builds
of one in the same process, round by round in turn. Once with suites that compute, two at a time:
then a member adds its own share of the machine. Once with suites that mostly wait, as many at a
time as there are: then what it adds is what the gate itself takes.

Traced: the changes of each round are made at random. Some break the suite of their own part, some a
suite that is shown a little of every part, and it is known which. A failure of a build of several
is traced rightly, wrongly, in part (to some of several), or left unclear, and then each member is
tested by itself. Exits with 1 when one was traced wrongly, an innocent was ejected, or what breaks
a suite landed.

    python -m bench.fused --rounds 10 --seed 1
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests/gate"))

from harness import Gate, make_house, propose, sandboxed  # pyright: ignore[reportMissingImports]
from trials_world import lanes, trials  # pyright: ignore[reportMissingImports]

from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.model.config import PROJECT_FILE, Policy
from headgate.model.trial import TrialState

PARTS = tuple(f"p{n}" for n in range(8))
SIZES = (1, 2, 4, 8)

SUITE = """\
import hashlib, pathlib, time, unittest
FILES = sorted(p for p in pathlib.Path().glob("{glob}") if p.is_file())
class Values(unittest.TestCase):
    def test_none_is_bad(self):
        for path in FILES:
            self.assertNotIn("bad", path.read_text(), path)
def work(self, n):
    {work}
for n in range(20):
    setattr(Values, f"test_work_{{n}}", lambda self, n=n: work(self, n))
"""
COMPUTES = 'self.assertTrue(hashlib.pbkdf2_hmac("sha256", b"work", bytes([n]), 12000))'
WAITS = "time.sleep(0.1)"
JOB = """\
[jobs.{name}]
run = ["python3", "-m", "unittest", "-q", "{module}"]
files = {files}
reads = {reads}

"""


def suites(work: str = COMPUTES) -> dict[str, str]:
    """A project in which each part has its suite, and one suite is shown `api` of every part."""
    files = {PROJECT_FILE: ""}
    for part in PARTS:
        files[f"{part}/test_{part}.py"] = SUITE.format(glob=f"{part}/v*", work=work)
        files[f"{part}/v"] = files[f"{part}/api/v"] = "fine\n"
        where = json.dumps([f"{part}/**"])
        files[PROJECT_FILE] += JOB.format(
            name=part, module=f"{part}/test_{part}.py", files=where, reads=where
        )
    files["joint/test_joint.py"] = SUITE.format(glob="*/api/v*", work=work)
    shown = json.dumps(["*/api/**", "joint/**"])
    files[PROJECT_FILE] += JOB.format(
        name="joint", module="joint/test_joint.py", files=shown, reads=shown
    )
    return files


async def round_of(gate: Gate, changes: Sequence[Mapping[str, str]]) -> list[int]:
    """Let the gate find these changes waiting when it begins; until all have their verdict."""
    await gate.service.stop()
    numbers = [propose(gate.house, "app", files) for files in changes]
    for number in numbers:
        await gate.enqueue(number)
    await gate.restart()
    await gate.run(600)
    return numbers


def begin(place: Path, files: Mapping[str, str], policy: Policy, jobs: int = 2) -> Gate:
    return Gate(make_house(place, {"app": files}, policy, sandboxed(place, LocalDispatcher, jobs)))


async def times(
    place: Path, files: Mapping[str, str], rounds: int, jobs: int
) -> dict[int, list[float]]:
    """Seconds of passed builds, from the merge to the end of the last job, by their members."""
    found: dict[int, list[float]] = {}
    gates = {
        size: begin(place / str(size), files, lanes("app", slots=1, fuse=size), jobs)
        for size in SIZES
    }
    for count in range(rounds):
        for size, gate in gates.items():
            changes = [{f"{part}/v{count}": f"fine {size}\n"} for part in PARTS[:size]]
            await round_of(gate, changes)
    for gate in gates.values():
        for trial in trials(gate):
            if trial.build is None or trial.state is not TrialState.LANDED:
                continue
            with gate.db.read() as tx:
                ended = [run.finished or 0.0 for run in tx.builds.runs(trial.build)]
            found.setdefault(len(trial.members), []).append(max(ended) - trial.created)
        await gate.end()
    return found


@dataclass
class Traced:
    """What became of the failures of builds of several."""

    counts: Counter[str] = field(default_factory=Counter[str])
    innocent: int = 0
    """Changes that were ejected, and had broken nothing."""
    slipped: int = 0
    """Changes that landed, and break a suite."""


async def failures(place: Path, rounds: int, size: int, rng: random.Random) -> Traced:
    """Rounds of random changes, one in eight of which is bad."""
    gate = begin(place, suites(), lanes("app", slots=1, fuse=size))
    found = Traced()
    bad: set[int] = set()
    for count in range(rounds):
        changes: list[dict[str, str]] = []
        broken: list[bool] = []
        for n, part in enumerate(rng.sample(PARTS, size)):
            wide, wrong = rng.random() < 0.3, rng.random() < 0.125
            said = "bad\n" if wrong else f"fine {count}\n"
            files = {f"{part}/v{count}-{n}": "fine\n" if wide else said}
            if wide:
                files[f"{part}/api/v{count}-{n}"] = said
            changes.append(files)
            broken.append(wrong)
        numbers = await round_of(gate, changes)
        bad |= {number for number, wrong in zip(numbers, broken, strict=True) if wrong}
        for number, wrong in zip(numbers, broken, strict=True):
            found.innocent += gate.state(number) == "ejected" and not wrong
            found.slipped += gate.state(number) == "landed" and wrong
    for blamed, members in verdicts(gate).values():
        found.counts[judged(blamed, members, bad)] += 1
    await gate.end()
    return found


def verdicts(gate: Gate) -> dict[int, tuple[set[int] | None, set[int]]]:
    """Of each failed build of several: whom the failure was traced to, and its members."""
    found: dict[int, tuple[set[int] | None, set[int]]] = {}
    for event in gate.events:
        if event.kind == "build.failed":
            trial = int(str(event.data["trial"]))
            told = event.data["blamed"]
            blamed = {int(str(n)) for n in told} if isinstance(told, list | tuple) else None
            members = found.get(trial, (None, set[int]()))[1] | {int(str(event.data["change"]))}
            found[trial] = (blamed, members)
    return {trial: one for trial, one in found.items() if len(one[1]) > 1}


def judged(blamed: set[int] | None, members: set[int], bad: set[int]) -> str:
    guilty = members & bad
    if blamed is None:
        return "unclear"
    if not blamed <= guilty:
        return "wrongly"
    return "rightly" if blamed == guilty else "in part"


def ratios(found: Mapping[int, Sequence[float]]) -> dict[str, object]:
    alone = statistics.median(found[1])
    middle = {size: statistics.median(found[size]) for size in sorted(found)}
    largest = max(middle)
    return {
        "seconds_alone": round(alone, 2),
        "times_alone": {str(size): round(middle[size] / alone, 2) for size in middle},
        "share_added_per_member": round((middle[largest] / alone - 1) / (largest - 1), 3),
        "builds": {str(size): len(found[size]) for size in middle},
    }


async def measure(root: Path, given: argparse.Namespace) -> int:
    begun, used = time.monotonic(), processor_seconds()
    busy = await times(root / "busy", suites(COMPUTES), given.times, 2)
    idle = await times(root / "idle", suites(WAITS), given.times, 16)
    traced = await failures(root / "traced", given.rounds, 8, random.Random(given.seed))
    failed = sum(traced.counts.values())
    share = {
        word: f"{traced.counts[word]} of {failed} ({traced.counts[word] / max(failed, 1):.0%})"
        for word in ("rightly", "in part", "wrongly", "unclear")
    }
    result = {
        "suites_that_compute_two_at_a_time": ratios(busy),
        "suites_that_wait_all_at_once": ratios(idle),
        "failures_of_builds_of_several": share,
        "innocents_ejected": traced.innocent,
        "bad_landed": traced.slipped,
        "seconds": round(time.monotonic() - begun, 1),
        "processor_seconds": round(processor_seconds() - used, 1),
        "load": [round(one, 1) for one in os.getloadavg()],
    }
    print(json.dumps(result, indent=2))
    return 1 if traced.counts["wrongly"] or traced.innocent or traced.slipped else 0


def processor_seconds() -> float:
    """Of this process and of all that it has started and that has ended."""
    parts = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rounds", type=int, default=10, help="of random changes")
    parser.add_argument("--times", type=int, default=3, help="builds of each size")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="headgate-fused-"))
    root.chmod(0o711)
    try:
        return asyncio.run(measure(root, given))
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
