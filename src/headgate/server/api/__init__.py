"""The API: every use-case as an address that takes and gives JSON, or a page's form."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import Route

from headgate.server.api import (
    audit,
    changes,
    environments,
    findings,
    jobs,
    packages,
    policy,
    principals,
    projects,
    queues,
    sbom,
    tokens,
)
from headgate.server.api.endpoint import Answer, Call, Endpoint
from headgate.server.api.house import UseCases

ENDPOINTS: tuple[Endpoint, ...] = (
    *projects.ENDPOINTS,
    *sbom.ENDPOINTS,
    *principals.ENDPOINTS,
    *tokens.ENDPOINTS,
    *changes.ENDPOINTS,
    *queues.ENDPOINTS,
    *jobs.ENDPOINTS,
    *environments.ENDPOINTS,
    *findings.ENDPOINTS,
    *packages.ENDPOINTS,
    *policy.ENDPOINTS,
    *audit.ENDPOINTS,
)
"""Every endpoint but the description of them all."""


async def _describe(call: Call) -> Answer:
    return Answer(
        {
            "endpoints": [endpoint.describe() for endpoint in ENDPOINTS],
            "error": {"error": "what is wrong, one sentence", "remedy": "what to do about it"},
        }
    )


def api_routes(house: UseCases) -> Sequence[Route]:
    """The routes under /api/."""
    describe = Endpoint("/api/", "This description.", _describe, method="GET")
    return [endpoint.route(house) for endpoint in (describe, *ENDPOINTS)]
