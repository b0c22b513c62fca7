"""Projects."""

from __future__ import annotations

from headgate.server.api.body import Field
from headgate.server.api.endpoint import Answer, Call, Endpoint


async def _add(call: Call) -> Answer:
    name = call.body.text("name")
    await call.house.add_project(
        call.actor, name, call.body.text("source"), call.body.text("branch")
    )
    with call.house.db.read() as tx:
        project = tx.projects.by_name(name)
    url = call.house.settings.url
    return Answer(
        {
            "project": {
                "name": project.name,
                "default_branch": project.default_branch,
                "source": project.source,
                "url": f"{url}/projects/{project.name}",
                "git": f"{url}/git/{project.name}.git",
            }
        },
        f"/projects/{project.name}",
    )


ENDPOINTS = (
    Endpoint(
        "/api/projects",
        "Add a project: an empty one, or a copy of a repository.",
        _add,
        (
            Field("name", "the name of the project", required=True, longest=63),
            Field("source", "address or path of a repository to copy"),
            Field("branch", "the default branch; by default that of the source", longest=255),
        ),
    ),
)
