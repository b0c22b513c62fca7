"""What may run, and what no longer can, in one build; no I/O and no time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from headgate.jobs.select import JobKey, in_order, supplies
from headgate.model.job import JobDefinition, RunState

_COULD_NOT_RUN = frozenset({RunState.INFRASTRUCTURE, RunState.LOST})


class Blame(Enum):
    """What a job that is skipped means for its build."""

    NOBODY = auto()
    """It was not chosen to follow: nothing is wrong."""
    FAILED = auto()
    """A job that it needs failed."""
    TOLD = auto()
    """A job that it needs failed, which decides already; the rest goes on all the same."""
    COULD_NOT_RUN = auto()
    """It goes back to a job that could not be run: never the change's fault."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A job that will not run."""

    key: JobKey
    blame: Blame
    reason: str


class Graph:
    """The jobs of a build and how far each of them is.

    Hard edges: a job's `needs`, and the jobs of the build that provide what it requires; they
    must have passed, or be paused after they have. Soft ones: `after`; they must have ended, or be
    paused. As a pause counts like an end for everyone who waits, nobody waits in a circle.
    """

    def __init__(self, jobs: Mapping[JobKey, JobDefinition]) -> None:
        """ValueError when jobs wait in a circle, or need one that is not among them."""
        self._jobs = dict(jobs)
        self.waiting: dict[JobKey, JobDefinition] = {}
        self._ended: dict[JobKey, RunState] = {}
        self._paused: set[JobKey] = set()
        self._not_chosen: dict[JobKey, str] = {}
        self._quiet: set[JobKey] = set()
        self._tolerated: set[JobKey] = set()
        self._trouble: set[JobKey] = set()
        self._hard = {key: self._hard_edges(key) for key in jobs}
        stuck = [
            "/".join(key)
            for key, job in jobs.items()
            if any((key[0], need) not in jobs for need in job.needs)
        ]
        if stuck:
            raise ValueError(f"the needs of {', '.join(sorted(stuck))} cannot be met in this build")
        for key in in_order(jobs):
            self.waiting[key] = jobs[key]

    def _hard_edges(self, key: JobKey) -> tuple[JobKey, ...]:
        job = self._jobs[key]
        needs = [(key[0], name) for name in job.needs]
        return tuple(
            dict.fromkeys((*needs, *(k for n in job.requires for k in self.makers(n, key))))
        )

    def makers(self, artifact: str, user: JobKey) -> tuple[JobKey, ...]:
        """Jobs of the build that provide an artifact to another one."""
        job = self._jobs[user]
        return tuple(
            k for k, j in self._jobs.items() if artifact in j.provides and supplies(k, user, job)
        )

    def ready(self) -> list[JobKey]:
        """What may start now."""
        return [
            key
            for key in self.waiting
            if key not in self._not_chosen
            and all(self._passed(need) for need in self._hard[key])
            and all(
                other in self._ended or other in self._paused or other not in self._jobs
                for other in ((key[0], name) for name in self._jobs[key].after)
            )
        ]

    def _passed(self, key: JobKey) -> bool:
        state = self._ended.get(key)
        return state is RunState.PASSED or (state is None and key in self._paused)

    def begin(self, key: JobKey) -> None:
        del self.waiting[key]

    def pause(self, key: JobKey) -> None:
        """It has passed but for its end: whoever waits for it may go on."""
        self._paused.add(key)

    def end(self, key: JobKey, state: RunState) -> None:
        self._ended[key] = state
        job = self._jobs[key]
        if state in _COULD_NOT_RUN:
            self._trouble.add(key)
        elif state is not RunState.PASSED and job.voting and not job.fail_fast:
            self._tolerated.add(key)

    def paused(self, key: JobKey) -> bool:
        """Whether others were let go on before its end."""
        return key in self._paused

    def needed_by(self, key: JobKey) -> list[JobKey]:
        """Jobs that name it in their `needs`."""
        return [k for k, j in self._jobs.items() if k[0] == key[0] and key[1] in j.needs]

    def followers(self, key: JobKey) -> frozenset[JobKey]:
        """Jobs that need it, directly or by way of others."""
        found: set[JobKey] = set()
        look = [key]
        while look:
            for follower in self.needed_by(look.pop()):
                if follower not in found:
                    found.add(follower)
                    look.append(follower)
        return frozenset(found)

    def over(self, keys: Iterable[JobKey]) -> bool:
        """Whether all of these have ended."""
        return all(key in self._ended for key in keys)

    def choose(self, key: JobKey, children: Iterable[str]) -> str:
        """Let only these of the jobs that need it follow; it may leave out those that it `chooses`
        among. A matrix is named as a whole, too.

        Returns why that cannot be, and empty text when it is done.
        """
        wanted = set(children)
        able = self.needed_by(key)
        known = {name for _, name in able} | {self._jobs[k].origin for k in able}
        if strange := sorted(wanted - known):
            return f"its result names `{strange[0]}`, which is no job that needs it"
        left = [c for c in able if not {c[1], self._jobs[c].origin} & wanted]
        may = set(self._jobs[key].chooses)
        if kept := [c[1] for c in left if not {c[1], self._jobs[c].origin} & may]:
            # The code that is tested writes the result: it must not decide what it is tested by.
            return f"its result leaves out `{kept[0]}`, which its `chooses` does not name"
        for child in left:
            self._not_chosen[child] = f"Job {key[1]} chose other jobs to follow it."
        return ""

    def skips(self) -> list[Skip]:
        """Take out of `waiting` what can no longer run."""
        found: list[Skip] = []
        again = True
        while again:
            again = False
            for key in list(self.waiting):
                skip = self._skip(key)
                if skip is not None:
                    del self.waiting[key]
                    self._ended[key] = RunState.SKIPPED
                    found.append(skip)
                    again = True
        return found

    def _skip(self, key: JobKey) -> Skip | None:
        missing = [
            need for need in self._hard[key] if need in self._ended and not self._passed(need)
        ]
        loud = [need for need in missing if need not in self._quiet]
        if key in self._not_chosen:
            self._quiet.add(key)
            return Skip(key, Blame.NOBODY, self._not_chosen[key])
        if not missing:
            return None
        if not loud:
            self._quiet.add(key)
            return Skip(key, Blame.NOBODY, f"Job {missing[0][1]}, which it needs, was not chosen.")
        cause = loud[0]
        blame = Blame.FAILED
        if any(need in self._trouble for need in loud):
            self._trouble.add(key)
            blame = Blame.COULD_NOT_RUN
        elif all(need in self._tolerated for need in loud):
            self._tolerated.add(key)
            blame = Blame.TOLD
        ended = self._ended[cause].value
        return Skip(key, blame, f"Job {cause[1]}, which it needs, ended as {ended}.")
