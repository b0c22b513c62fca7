"""Secrets of jobs, and the work areas of failed runs that are kept."""

from __future__ import annotations

import dataclasses
from typing import Any

from headgate.server.api.body import Field, Kind
from headgate.server.api.endpoint import Answer, Call, Endpoint
from headgate.store.repositories.jobs import Hold

DAY = 86400


async def _set(call: Call) -> Answer:
    project, name = call.path["project"], call.path["name"]
    await call.house.set_secret(call.actor, project, name, call.body.text("value"))
    return Answer({"project": project, "name": name}, f"/projects/{project}")


async def _remove(call: Call) -> Answer:
    project, name = call.path["project"], call.path["name"]
    await call.house.remove_secret(call.actor, project, name)
    return Answer({"project": project, "name": name, "removed": True}, f"/projects/{project}")


async def _list(call: Call) -> Answer:
    project = call.path["project"]
    found = await call.house.secrets_of(call.actor, project)
    secrets = [{"name": s.name, "set_by": s.set_by, "created": s.created} for s in found]
    return Answer({"project": project, "secrets": secrets})


def _shown(hold: Hold, asked_by: str) -> dict[str, Any]:
    return {
        "id": hold.id,
        "project": hold.project,
        "job": hold.job,
        "asked_by": asked_by,
        "created": hold.created,
        "expires": hold.expires,
        "run": hold.run,
        "place": hold.place,
    }


async def _hold(call: Call) -> Answer:
    seconds = call.body.number("seconds")
    hold = await call.house.hold_job(
        call.actor,
        call.path["project"],
        call.body.text("job"),
        float(DAY if seconds is None else seconds),
    )
    return Answer({"hold": _shown(hold, call.actor.name)}, f"/projects/{hold.project}")


async def _holds(call: Call) -> Answer:
    found = await call.house.holds(call.actor)
    return Answer({"holds": [_shown(hold, who) for hold, who in found]})


async def _release(call: Call) -> Answer:
    await call.house.release_hold(call.actor, call.path["id"])
    return Answer({"id": call.path["id"], "released": True})


async def _flaky(call: Call) -> Answer:
    found = call.house.flaky_jobs(call.actor)
    return Answer({"flaky": [dataclasses.asdict(one) for one in found]})


ENDPOINTS = (
    Endpoint(
        "/api/projects/{project}/secrets/{name}",
        "Store a secret that jobs of the project may be given.",
        _set,
        (Field("value", "the secret, at least 8 characters", required=True, longest=16384),),
    ),
    Endpoint("/api/projects/{project}/secrets/{name}/remove", "Remove a secret.", _remove),
    Endpoint(
        "/api/projects/{project}/secrets",
        "Secrets of a project: names, never values.",
        _list,
        method="GET",
    ),
    Endpoint(
        "/api/projects/{project}/holds",
        "Keep the work area of the next failing run of a job.",
        _hold,
        (
            Field("job", "the name of the job", required=True, longest=255),
            Field("seconds", "for how long, by default a day", Kind.NUMBER),
        ),
    ),
    Endpoint(
        "/api/flaky-jobs",
        "Jobs that failed and passed on the same content lately, of projects that you may read.",
        _flaky,
        method="GET",
    ),
    Endpoint("/api/holds", "Work areas that are, or are to be, kept.", _holds, method="GET"),
    Endpoint("/api/holds/{id:whole}/release", "Remove a kept work area, or the wish.", _release),
)
