"""One job run: where it belongs, what became of it, and what it wrote."""

from __future__ import annotations

from pathlib import Path

from headgate.gate.scope import beside
from headgate.model.config import ProjectConfig
from headgate.model.errors import BadInput, NotFound
from headgate.model.ids import JobRunId
from headgate.model.job import JobRun
from headgate.model.principal import Principal
from headgate.model.queue import BranchKey
from headgate.model.resolve import for_branch
from headgate.server.views import words
from headgate.server.views.abilities import may_read
from headgate.server.views.artifacts import artifacts_view
from headgate.server.views.build_of import purpose_of
from headgate.server.views.house import House
from headgate.server.views.text import View, shown_path, shown_text
from headgate.server.views.words import Names
from headgate.vcs.git import GitError

PAGE_BYTES = 512 * 1024
"""So much of the end of a log the page holds; the rest is behind `log`."""


async def checked_out(house: House, id: int) -> frozenset[str]:
    """The projects that a run found checked out: whatever it wrote may repeat their content.

    Every project there is when that cannot be told any more. Raises NotFound.
    """
    with house.db.read() as tx:
        run = tx.builds.run(JobRunId(id))
        of = purpose_of(tx, run.build)
        everything = {project.name: project.default_branch for project in tx.projects.all()}
    default = everything.get(run.project, "")
    own = of.project
    commit = of.commit if run.project == own else None
    commit = commit or beside(run.project, of.branch, default, of.future)
    if commit is not None:
        there = run.project == own or BranchKey(run.project, of.branch) in of.future
        try:
            config = await house.project_config(run.project, commit)
            config = for_branch(config, of.branch if there else default)
        except (BadInput, GitError):
            config = ProjectConfig()
        if run.job in config.jobs:
            return frozenset({own, run.project, *config.jobs[run.job].required_projects})
    return frozenset(everything)


async def readable_run(house: House, id: int, viewer: Principal) -> tuple[JobRun, frozenset[str]]:
    """A run that the viewer may know, and the projects which that took. Raises NotFound."""
    projects = await checked_out(house, id)
    return find_run(house, id, viewer, projects), projects


def find_run(house: House, id: int, viewer: Principal, projects: frozenset[str]) -> JobRun:
    """A run, when the viewer may read the projects that `checked_out` told. Raises NotFound."""
    with house.db.read() as tx:
        run = tx.builds.run(JobRunId(id))
        project = purpose_of(tx, run.build).project
    if not all(may_read(house, viewer, name) for name in projects | {run.project, project}):
        raise NotFound(f"There is no job run {id}.", "See the page of its change.")
    return run


async def job_view(house: House, id: int, viewer: Principal, now: float) -> View:
    """A job run with the end of its log. Raises NotFound."""
    run, projects = await readable_run(house, id, viewer)
    with house.db.read() as tx:
        build = tx.builds.get(run.build)
        of = purpose_of(tx, run.build)
        names = Names(tx)
        view: View = {
            "job": words.job(run, now),
            "project": of.project,
            "change": words.change_line(of.change, names) if of.change else None,
            "origin": words.origin(words.origin_of(tx, of.change)) if of.change else None,
            "pipeline": None
            if of.run is None
            else {"name": of.run.pipeline, "run": of.run.id, "tag": shown_path(of.run.tag)},
            "build": {
                "id": build.id,
                "state": build.state.value,
                "reason": shown_text(build.reason),
                "created": build.created,
                "finished": build.finished,
            },
            "node": {
                "id": of.node,
                "state": of.state,
                "commit": of.commit,
                "tree": of.tree,
                "assumed": of.words,
                "future": [
                    {"project": key.project, "branch": shown_path(key.branch), "commit": commit}
                    for key, commit in of.future.items()
                    if may_read(house, viewer, key.project)
                ],
            },
            "now": now,
        }
    view |= job_status(house, id, viewer, now, projects)
    size, start, text = log_tail(house.log_path(run.id))
    view["log"] = {"size": size, "from": start, "text": text}
    return view


def job_status(
    house: House, id: int, viewer: Principal, now: float, projects: frozenset[str]
) -> View:
    """The part of a job's page that changes while it runs. Raises NotFound, as `find_run`."""
    run = find_run(house, id, viewer, projects)
    with house.db.read() as tx:
        runs = tx.builds.runs(run.build)
    return {
        "job": words.job(run, now),
        "attempts": [
            words.job(r, now) for r in runs if (r.project, r.job) == (run.project, run.job)
        ],
        "siblings": [
            words.job(r, now)
            for r in words.latest_attempts(runs)
            if may_read(house, viewer, r.project)
        ],
    } | artifacts_view(run.id, house.artifacts_path(run.id))


def log_tail(path: Path, limit: int = PAGE_BYTES) -> tuple[int, int, str]:
    """(size, offset, text): the last `limit` bytes of a log, from the start of a line."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = max(0, size - limit)
            file.seek(start)
            data = file.read(limit)
    except FileNotFoundError:
        return 0, 0, ""
    if start:
        line = data.find(b"\n") + 1
        start, data = start + line, data[line:]
    return start + len(data), start, data.decode("utf-8", "replace")
