"""Set-up scripts of environments: they have network, so an operator approves each."""

from __future__ import annotations

from headgate.server.api.body import Field
from headgate.server.api.endpoint import Answer, Call, Endpoint


async def _approve(call: Call) -> Answer:
    digest = call.body.text("digest")
    await call.house.approve_setup(call.actor, digest, call.body.text("note"))
    return Answer({"digest": digest, "approved": True})


async def _list(call: Call) -> Answer:
    with call.house.db.read() as tx:
        approved = [
            {
                "digest": setup.digest,
                "approved_by": tx.principals.get(setup.by).name,
                "note": setup.note,
                "created": setup.created,
            }
            for setup in tx.setups.all()
        ]
    return Answer({"approved": approved, "by_policy": list(call.house.policy().approved_setups)})


ENDPOINTS = (
    Endpoint(
        "/api/environments/approve",
        "Approve the set-up script with this digest.",
        _approve,
        (
            Field("digest", "`sha256:…`, as the refused job says", required=True, longest=80),
            Field("note", "why, for the log"),
        ),
    ),
    Endpoint("/api/environments", "Approved set-up scripts.", _list, method="GET"),
)
