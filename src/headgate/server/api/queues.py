"""Freezing and thawing queues."""

from __future__ import annotations

from headgate.server.api.body import Field
from headgate.server.api.endpoint import Answer, Call, Endpoint


def _shown(call: Call) -> Answer:
    name: str = call.path["name"]
    with call.house.db.read() as tx:
        queue = tx.queues.by_name(name)
    return Answer(
        {
            "queue": {
                "name": queue.name,
                "state": queue.state.value,
                "reason": queue.reason,
                "window": queue.window,
            }
        },
        f"/queues/{name}",
    )


async def _freeze(call: Call) -> Answer:
    await call.house.freeze(call.actor, call.path["name"], call.body.text("reason"))
    return _shown(call)


async def _thaw(call: Call) -> Answer:
    await call.house.thaw(call.actor, call.path["name"])
    return _shown(call)


ENDPOINTS = (
    Endpoint(
        "/api/queues/{name:path}/freeze",
        "Let nothing land from a queue until it is thawed.",
        _freeze,
        (Field("reason", "why, for everybody to read", required=True),),
    ),
    Endpoint("/api/queues/{name:path}/thaw", "Let a frozen queue land again.", _thaw),
)
