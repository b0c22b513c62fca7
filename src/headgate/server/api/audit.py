"""The log of events."""

from __future__ import annotations

from headgate.authority.permissions import Action, Resource
from headgate.model.errors import Denied
from headgate.server.api.endpoint import Answer, Call, Endpoint


async def _verify(call: Call) -> Answer:
    house = call.house
    decision = house.permissions().decide(
        call.actor, house.groups(call.actor), Action.READ_AUDIT, Resource()
    )
    if not decision.allowed:
        raise Denied(f"{call.actor.name} may not read the log of events.", decision.reason)
    found = await house.verify_audit()
    return Answer(
        {
            "verified": not found.problem,
            "entries": found.entries,
            "head": found.head,
            "problem": found.problem,
        },
        "/events",
    )


ENDPOINTS = (Endpoint("/api/audit/verify", "Recompute the chain of the whole log.", _verify),)
