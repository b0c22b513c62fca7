"""The log of events."""

from __future__ import annotations

from headgate.server.api.endpoint import Answer, Call, Endpoint


async def _verify(call: Call) -> Answer:
    found = await call.house.verify_audit(call.actor)
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
