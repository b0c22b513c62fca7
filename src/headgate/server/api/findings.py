"""Findings: what people say of them, scans of branches, and results of other tools."""

from __future__ import annotations

from headgate.model.tracked import FindingAct
from headgate.server.api.body import Field
from headgate.server.api.endpoint import Answer, Call, Endpoint

LARGEST_SARIF = 64 << 20
"""Bytes of a body that brings the results of another tool."""


def _object(act: FindingAct) -> dict[str, object]:
    return {
        "finding": act.identity,
        "rule": act.rule,
        "kind": act.kind.value,
        "silences": act.silences,
        "reason": act.reason,
        "expires": act.expires,
        "created": act.created,
    }


def _page(identity: str) -> str:
    return f"/findings/{identity}"


async def _suppress(call: Call) -> Answer:
    act = await call.house.suppress_finding(
        call.actor,
        call.path["identity"],
        call.body.text("reason"),
        call.body.text("until"),
        accept=call.body.text("as") == "accepted",
    )
    return Answer({"act": _object(act)}, _page(act.identity))


async def _dispute(call: Call) -> Answer:
    identity, reason = call.path["identity"], call.body.text("reason")
    act = await call.house.dispute_finding(call.actor, identity, reason)
    return Answer({"act": _object(act)}, _page(act.identity))


async def _reopen(call: Call) -> Answer:
    identity = call.path["identity"]
    await call.house.reopen_finding(call.actor, identity, call.body.text("reason"))
    return Answer({"finding": identity, "reopened": True}, _page(identity))


async def _scan(call: Call) -> Answer:
    project = call.path["project"]
    branch = await call.house.scan_branch(call.actor, project, call.body.text("branch"))
    return Answer({"project": project, "branch": branch, "scanning": True}, "/findings")


async def _import(call: Call) -> Answer:
    project = call.path["project"]
    branch, sarif = call.body.text("branch"), call.body.text("sarif")
    return Answer(await call.house.import_findings(call.actor, project, branch, sarif), "/findings")


_REASON = Field("reason", "why, for everybody to read", required=True, longest=2000)

ENDPOINTS = (
    Endpoint(
        "/api/findings/{identity}/suppress",
        "Silence a finding for a time, or accept its risk.",
        _suppress,
        (
            _REASON,
            Field("until", "the last day, as 2027-01-31; by default a year from now", longest=10),
            Field("as", "`suppressed` (default) or `accepted`", longest=10),
        ),
    ),
    Endpoint(
        "/api/findings/{identity}/dispute",
        "Say that a finding is false; the record of its rule counts it.",
        _dispute,
        (_REASON,),
    ),
    Endpoint(
        "/api/findings/{identity}/reopen",
        "End what silences a finding.",
        _reopen,
        (_REASON,),
    ),
    Endpoint(
        "/api/projects/{project}/scan",
        "Scan the whole tree of a branch soon.",
        _scan,
        (Field("branch", "by default the project's own", longest=255),),
    ),
    Endpoint(
        "/api/projects/{project}/findings",
        "Take the results of another tool, in SARIF 2.1.0, for the tip of a branch.",
        _import,
        (
            Field("sarif", "the log, as text", required=True, longest=LARGEST_SARIF),
            Field("branch", "by default the project's own", longest=255),
        ),
        largest=LARGEST_SARIF,
    ),
)
