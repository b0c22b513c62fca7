"""Real landings of a queue, audited from outside, beside bare git.

Pushes changes to a real server, waits for their verdicts, and then asks the repository, not the
gate (see landing_audit.py): every tree that main has ever been at must have been tested, job by
job, on exactly the files that the job is shown, must be green when its jobs are run again, and no
change may land twice or without being told. Prints landings per minute, builds per change, how many
results were used again, the processor time of the server, and the time per landing as a ratio to a
bare `git merge` in a work tree with `git update-ref`, which tests nothing. Exits with 1 when a
promise is broken.

    python -m bench.landings --changes 60 --mode lanes --seed 1
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.landing_audit import audit
from bench.storm import ENDED, Server, all_changes, git
from headgate.model.errors import HeadgateError

CHECK = """\
#!/bin/sh
# Green: no file of this part says "bad".
set -eu
if grep -rq bad "$1"; then echo "$1 is bad"; exit 1; fi
"""
SETTINGS = {"lanes": 'mode = "lanes"\nslots = 2\nfuse = {fuse}\n', "chain": "window = 8\n"}


@dataclass(frozen=True)
class Wish:
    """A change that somebody wants to make."""

    number: int
    part: str
    bad: bool

    @property
    def path(self) -> str:
        return f"{self.part}/v{self.number}"


def wishes(count: int, parts: Sequence[str], rng: random.Random) -> list[Wish]:
    """One in twenty is bad."""
    return [Wish(n, rng.choice(parts), rng.random() < 0.05) for n in range(count)]


def set_up(server: Server, root: Path, parts: Sequence[str], mode: str, fuse: int) -> str:
    """A project with a job for each part, and a human; the token of the human."""
    operator = server.operator()
    settings = SETTINGS[mode].format(fuse=fuse)
    policy = f'[queues.bench]\nprojects = ["app"]\nbranches = ["main"]\n{settings}'
    operator.post("/api/policy/import", {"files": {"policy.toml": policy}, "reason": "a bench"})
    first = root / "first"
    first.mkdir()
    (first / "check.sh").write_text(CHECK, "utf-8")
    jobs = ""
    for part in parts:
        (first / part).mkdir()
        (first / part / "first").write_text("fine\n", "utf-8")
        shown = f'files = ["{part}/**"]\nreads = ["{part}/**", "check.sh"]\n'
        jobs += f'[jobs.{part}]\nrun = ["sh", "check.sh", "{part}"]\n{shown}\n'
    (first / "headgate.toml").write_text(jobs, "utf-8")
    git(first, "init", "-q", "-b", "main")
    git(first, "add", "-A")
    git(first, "commit", "-q", "-m", "Begin")
    operator.post("/api/projects", {"name": "app", "source": str(first)})
    operator.post("/api/humans", {"name": "ada", "email": "ada@example.org"})
    return str(operator.post("/api/principals/ada/tokens", {})["token"])


def write(place: Path, wish: Wish, base: str) -> str:
    """A commit of one change on the first commit; its id."""
    git(place, "checkout", "-q", "--detach", base)
    (place / wish.path).write_text("bad\n" if wish.bad else f"fine {wish.number}\n", "utf-8")
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", f"Change {wish.number}")
    return git(place, "rev-parse", "HEAD").strip()


def push(
    server: Server, place: Path, token: str, found: Sequence[tuple[Wish, str]], end: float
) -> int:
    """Propose all changes, a few at once, until `end`; how many were proposed."""

    def one(wish: Wish, commit: str) -> bool:
        if time.monotonic() > end:
            return False
        ref = f"{commit}:refs/for/main/t{wish.number}"
        url = server.url
        git(place, "push", "-q", f"{url}/git/app.git", ref, token=token, url=url, user="ada")
        return True

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return sum(
            done.result() for done in [pool.submit(one, wish, commit) for wish, commit in found]
        )


def bare(place: Path, commits: Sequence[str], base: str) -> float:
    """Seconds that git takes to merge all of them one after the other, and to move a ref."""
    git(place, "checkout", "-q", "--detach", base)
    begun = time.monotonic()
    for commit in commits:
        git(place, "merge", "-q", "--no-ff", "-m", "Merge", commit)
        git(place, "update-ref", "refs/heads/bare", "HEAD")
    return time.monotonic() - begun


def processor_seconds(server: Server) -> float:
    """What the server has used so far, the jobs that have ended included."""
    assert server.process is not None
    fields = Path(f"/proc/{server.process.pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def ended(
    server: Server, count: int, stalled: float, end: float
) -> tuple[list[dict[str, object]], float]:
    """All changes once each has its verdict, or at `end`, and when that was seen.

    Gives up when for `stalled` seconds none of them has got one, however many are left.
    """
    last, since = -1, time.monotonic()
    while True:
        try:
            changes = all_changes(server.operator())
        except (HeadgateError, OSError, ValueError):
            changes = []
        done = sum(change["state"] in ENDED for change in changes)
        now = time.monotonic()
        if done == count or (now > end and changes):
            return changes, now
        if done != last:
            last, since = done, now
            print(f"{done} of {count} have their verdict", file=sys.stderr, flush=True)
        if now - since > stalled:
            left = [(c["number"], c["state"], c["reason"]) for c in changes]
            left = [one for one in left if one[1] not in ENDED]
            raise SystemExit(f"nothing happens any more; {len(left)} are left: {left[:5]}")
        time.sleep(5.0 if count > 100 else 0.3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--changes", type=int, default=60)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--mode", choices=sorted(SETTINGS), default="lanes")
    parser.add_argument("--fuse", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=60.0, help="after that, what is is judged")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    parts = [f"p{n}" for n in range(given.parts)]
    root = Path(tempfile.mkdtemp(prefix="headgate-landings-"))
    root.chmod(0o711)
    server = Server(root)
    try:
        token = set_up(server, root, parts, given.mode, given.fuse)
        place = root / "first"
        base = git(place, "rev-parse", "HEAD").strip()
        made = [(w, write(place, w, base)) for w in wishes(given.changes, parts, rng)]
        begun = time.monotonic()
        end = begun + 60 * given.minutes
        proposed = push(server, place, token, made, end)
        pushed = time.monotonic() - begun
        changes, seen = ended(server, proposed, 300, end)
        seconds = seen - begun
        used = processor_seconds(server)
        if left := sum(c["state"] not in ENDED for c in changes):
            server.stop()  # What is looked at has to stand still.
        landed = [c for c in changes if c["state"] == "landed"]
        alone = bare(place, [commit for wish, commit in made if not wish.bad], base)
        begun = time.monotonic()
        found = audit(
            server.data / "repositories" / "app.git",
            server.data / "headgate.db",
            parts,
            [c for c in changes if c["state"] in ENDED],
            root,
        )
        bad = {wish.number for wish, _ in made if wish.bad}
        wrong = sum(
            (c["state"] == "landed") == (int(str(c["title"]).split()[-1]) in bad)
            for c in changes
            if c["state"] in ENDED
        )
        per = seconds / max(len(landed), 1)
        result = {
            "mode": given.mode,
            "changes": len(changes),
            "outcomes": dict(Counter(str(c["state"]) for c in changes)),
            "seconds": round(seconds, 1),
            "seconds_pushing": round(pushed, 1),
            "seconds_auditing": round(time.monotonic() - begun, 1),
            "landings_per_minute": round(60 * len(landed) / seconds, 1),
            "server_processor_seconds": round(used, 1),
            "server_processor_seconds_per_landing": round(used / max(len(landed), 1), 3),
            "load": [round(one, 1) for one in os.getloadavg()],
            "builds_per_change": round(found.builds / len(changes), 2),
            "job_runs_per_change": round(found.runs / len(changes), 2),
            "landings_on_kept_results": found.reused,
            "bare_git_seconds_per_merge": round(alone / max(len(landed), 1), 4),
            "times_bare_git": round(per / (alone / max(len(landed), 1)), 1),
            "without_verdict_at_the_end_of_time": left,
            "moves_of_main": found.heads,
            "untested_landings": found.untested,
            "red_main": found.red,
            "unreported": found.unreported,
            "twice": found.twice,
            "wrong_verdicts": wrong,
        }
        print(json.dumps(result, indent=2))
        faults = (found.untested, found.red, found.unreported, found.twice, wrong)
        missing = found.commits < len(landed) if left else found.commits != len(landed)
        return 1 if any(faults) or missing else 0
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
