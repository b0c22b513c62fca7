"""The policy in force."""

from __future__ import annotations

from headgate.server.api.body import Field, Kind
from headgate.server.api.endpoint import Answer, Call, Endpoint
from headgate.server.api.shapes import plain

LARGEST_POLICY = 4 << 20
"""Bytes."""


async def _show(call: Call) -> Answer:
    return Answer({"policy": plain(call.house.policy())})


async def _import(call: Call) -> Answer:
    await call.house.import_policy(call.actor, call.body.files("files"), call.body.text("reason"))
    return Answer({"digest": call.house.policy().digest}, "/projects/policy")


ENDPOINTS = (
    Endpoint("/api/policy", "The policy in force.", _show, method="GET"),
    Endpoint(
        "/api/policy/import",
        "Replace the policy at once, without the gate; every approval given before is void.",
        _import,
        (
            Field("files", "file names and their text", Kind.FILES, required=True),
            Field("reason", "why, for the log", required=True),
        ),
        largest=LARGEST_POLICY,
    ),
)
