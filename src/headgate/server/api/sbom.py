"""Bills of materials of commits."""

from __future__ import annotations

import asyncio
import json

from headgate.deps.sbom import WRITERS
from headgate.model.errors import BadInput
from headgate.server.api.endpoint import Answer, Call, Endpoint


async def _sbom(call: Call) -> Answer:
    """`format`: cyclonedx (the default) or spdx; `commit`: an id or a branch."""
    chosen = call.query.get("format", "cyclonedx")
    if chosen not in WRITERS:
        raise BadInput(
            f"{chosen[:40]!r} is no format of a bill of materials.",
            f"Use {' or '.join(sorted(WRITERS))}.",
        )
    found, subject = await call.house.inventory(
        call.actor, call.path["project"], call.query.get("commit", "")
    )
    text = await asyncio.to_thread(WRITERS[chosen], found, subject)
    return Answer(json.loads(text))


ENDPOINTS = (
    Endpoint(
        "/api/projects/{project}/sbom",
        "The bill of materials of a commit (`commit`: an id or a branch, `format`: cyclonedx or "
        "spdx).",
        _sbom,
        method="GET",
    ),
)
