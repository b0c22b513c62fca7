"""One job run: where it belongs, what became of it, and what it wrote."""

from __future__ import annotations

from pathlib import Path

from headgate.model.errors import NotFound
from headgate.model.ids import JobRunId
from headgate.model.job import JobRun
from headgate.model.principal import Principal
from headgate.server.views import words
from headgate.server.views.abilities import may_read
from headgate.server.views.house import House
from headgate.server.views.text import View, shown_path, shown_text
from headgate.server.views.words import Names

PAGE_BYTES = 512 * 1024
"""So much of the end of a log the page holds; the rest is behind `log`."""


def find_run(house: House, id: int, viewer: Principal) -> JobRun:
    """A run for a change, and of a job, that the viewer may know. Raises NotFound."""
    with house.db.read() as tx:
        run = tx.builds.run(JobRunId(id))
        item = tx.items.get(tx.nodes.of_build(run.build).item)
        project = tx.projects.get(item.project).name
    if not all(may_read(house, viewer, name) for name in {run.project, project}):
        raise NotFound(f"There is no job run {id}.", "See the page of its change.")
    return run


def job_view(house: House, id: int, viewer: Principal, now: float) -> View:
    """A job run with the end of its log. Raises NotFound."""
    run = find_run(house, id, viewer)
    with house.db.read() as tx:
        build = tx.builds.get(run.build)
        node = tx.nodes.of_build(run.build)
        item = tx.items.get(node.item)
        change = tx.changes.get(item.change)
        names = Names(tx)
        ahead = [int(tx.items.get(id).change) for id in node.assumed]
        view: View = {
            "job": words.job(run, now),
            "change": words.change_line(change, names),
            "origin": words.origin(words.origin_of(tx, change)),
            "build": {
                "id": build.id,
                "state": build.state.value,
                "reason": shown_text(build.reason),
                "created": build.created,
                "finished": build.finished,
            },
            "node": {
                "id": node.id,
                "state": node.state.value,
                "commit": node.commit,
                "tree": node.tree,
                "assumed": " + ".join(
                    [f"on {shown_path(item.branch)}", *(f"#{number}" for number in ahead)]
                ),
                "future": [
                    {"project": key.project, "branch": shown_path(key.branch), "commit": commit}
                    for key, commit in node.future.items()
                ],
            },
            "now": now,
        }
    view |= job_status(house, id, viewer, now)
    size, start, text = log_tail(house.log_path(run.id))
    view["log"] = {"size": size, "from": start, "text": text}
    return view


def job_status(house: House, id: int, viewer: Principal, now: float) -> View:
    """The part of a job's page that changes while it runs."""
    run = find_run(house, id, viewer)
    with house.db.read() as tx:
        runs = tx.builds.runs(run.build)
    return {
        "job": words.job(run, now),
        "attempts": [
            words.job(r, now) for r in runs if (r.project, r.job) == (run.project, run.job)
        ],
        "siblings": [words.job(r, now) for r in words.latest_attempts(runs)],
    }


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
