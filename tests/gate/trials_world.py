"""Projects whose jobs see only a part of them, and queues of lanes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from harness import Gate, git

from headgate.model.config import PROJECT_FILE, Policy, QueueMode, QueuePolicy
from headgate.model.trial import Trial, TrialState

Begin = Callable[..., Awaitable[Gate]]

CHECK = """\
set -eu
for file in "$1"/*; do
  if grep -q bad "$file"; then echo "$file is bad"; exit 1; fi
done
if [ -e "$1/left" ] && [ -e "$1/right" ]; then echo "left and right"; exit 3; fi
if [ -e "$1/wait" ]; then sleep "$(cat "$1/wait")"; fi
"""
"""Green unless a value of one part says `bad`, or `left` and `right` are there together."""


def parts(*names: str) -> dict[str, str]:
    """Files of a project with a job for each of these directories, which sees nothing else."""
    files = {PROJECT_FILE: "", "check.sh": CHECK}
    for name in names:
        files[f"{name}/first"] = "fine\n"
        files[PROJECT_FILE] += (
            f'[jobs.{name}]\nrun = ["sh", "check.sh", "{name}"]\n'
            f'files = ["{name}/**"]\nreads = ["{name}/**", "check.sh"]\n\n'
        )
    return files


def lanes(*projects: str, slots: int = 4, fuse: int = 1, source_window: int = 0) -> Policy:
    """A policy in which these projects share the queue `main`, which has lanes."""
    queue = QueuePolicy(
        "main",
        projects,
        ("main",),
        mode=QueueMode.LANES,
        slots=slots,
        fuse=fuse,
        source_window=source_window,
    )
    return Policy("policy", queues=(queue,))


def trials(gate: Gate) -> list[Trial]:
    """Every trial that was ever made, oldest first."""
    numbers = [e.data["trial"] for e in gate.events if "trial" in e.data]
    with gate.db.read() as tx:
        return [tx.trials.get(n) for n in dict.fromkeys(numbers)]  # type: ignore[arg-type]


def landed(gate: Gate) -> list[object]:
    """Changes in the order in which they landed."""
    return [e.data["change"] for e in gate.events if e.kind == "branch.landed"]


def assumed(gate: Gate, number: int) -> list[list[int]]:
    """Changes that each future of a change took as landed."""
    with gate.db.read() as tx:
        nodes = tx.nodes.of_item(gate.item(number).id)
        return [[int(tx.items.get(i).change) for i in node.assumed] for node in nodes]


def building(gate: Gate) -> int:
    """How many builds run now."""
    with gate.db.read() as tx:
        queues = tx.queues.all()
        live = [t for queue in queues for t in tx.trials.live(queue.id)]
    return sum(trial.state is TrialState.BUILDING for trial in live)


def live(gate: Gate) -> int:
    """How many trials are under way or say something about somebody."""
    with gate.db.read() as tx:
        return sum(len(tx.trials.live(queue.id)) for queue in tx.queues.all())


def red(gate: Gate, project: str, names: Sequence[str], commit: str) -> list[str]:
    """What is wrong with a commit, asked of it without running anything."""
    repository = gate.house.repository(project).path
    found: list[str] = []
    for name in names:
        listed = git(repository, "ls-tree", "--name-only", commit, f"{name}/").split()
        found += [path for path in listed if "bad" in git(repository, "show", f"{commit}:{path}")]
        if {f"{name}/left", f"{name}/right"} <= set(listed):
            found.append(f"{name}: left and right")
    return found


def heads(gate: Gate, project: str) -> list[str]:
    """Every commit that main has ever been at, oldest first."""
    repository = gate.house.repository(project).path
    return git(repository, "rev-list", "--first-parent", "--reverse", "main").split()
