"""Packages: may one be added, who approves it, and what is minded about those that landed."""

from __future__ import annotations

from headgate.deps.vex import as_object, cyclonedx, openvex
from headgate.model.errors import BadInput
from headgate.model.package import PackageRequest
from headgate.server.api.body import Field
from headgate.server.api.endpoint import Answer, Call, Endpoint
from headgate.server.api.shapes import plain, request_object

_PURL = Field("package", "a package URL, e.g. pkg:pypi/jinja2@3.1.6", required=True, longest=500)


async def _may_add(call: Call) -> Answer:
    purl = call.query.get("package", "")
    if not purl:
        raise BadInput("`package` is missing.", "Give it: ?package=pkg:pypi/jinja2@3.1.6")
    found = await call.house.may_add(call.actor, purl, call.query.get("project", ""))
    return Answer(found.as_object())


async def _request(call: Call) -> Answer:
    body = call.body
    found = await call.house.request_package(
        call.actor, body.text("package"), body.text("project"), body.text("reason")
    )
    return _asked(call, found)


def _asked(call: Call, found: PackageRequest) -> Answer:
    with call.house.db.read() as tx:
        return Answer({"request": request_object(tx, found)}, "/packages/requests")


async def _approve(call: Call) -> Answer:
    again = await call.house.approve_package(
        call.actor, call.body.text("package"), call.body.text("comment")
    )
    return Answer(
        {"package": call.body.text("package"), "inspected_again": list(again)},
        "/packages/requests",
    )


async def _decline(call: Call) -> Answer:
    declined = await call.house.decline_package(
        call.actor, call.body.text("package"), call.body.text("comment")
    )
    return Answer(
        {"package": call.body.text("package"), "requests": [one.id for one in declined]},
        "/packages/requests",
    )


async def _exceptions(call: Call) -> Answer:
    exceptions = call.house.policy().dependencies.exceptions
    now = call.house.clock()
    match call.query.get("format", ""):
        case "openvex":
            return Answer(openvex(exceptions, call.house.settings.url, now))
        case "cyclonedx":
            return Answer(cyclonedx(exceptions, now))
        case "":
            with call.house.db.read() as tx:
                last = tx.packages.last_run()
            unused = last.unused if last is not None else ()
            return Answer(
                {
                    "exceptions": [
                        as_object(one, now) | {"unused": str(one.place) in unused}
                        for one in exceptions
                    ]
                }
            )
        case other:
            raise BadInput(f"There is no format `{other[:40]}`.", "Known: openvex, cyclonedx.")


async def _requests(call: Call) -> Answer:
    with call.house.db.read() as tx:
        return Answer(
            {
                "open": [request_object(tx, one) for one in tx.package_requests.open()],
                "decided": [request_object(tx, one) for one in tx.package_requests.decided()],
            }
        )


async def _rematch(call: Call) -> Answer:
    return Answer({"run": plain(await call.house.rematch(call.actor))}, "/packages")


ENDPOINTS = (
    Endpoint(
        "/api/packages/may-add",
        "May a package be added? ?package=PURL&project=NAME; allow, needs approval or deny.",
        _may_add,
        method="GET",
    ),
    Endpoint(
        "/api/packages/exceptions",
        "The policy's exceptions; ?format=openvex or cyclonedx gives those that run as VEX.",
        _exceptions,
        method="GET",
    ),
    Endpoint(
        "/api/packages/requests",
        "Who asked for which package, and what approvers said.",
        _requests,
        method="GET",
    ),
    Endpoint(
        "/api/packages/request",
        "Ask the approvers for a package.",
        _request,
        (
            _PURL,
            Field("project", "the project that needs it", longest=63),
            Field("reason", "why it is needed", longest=2000),
        ),
    ),
    Endpoint(
        "/api/packages/approve",
        "Approve a package for everybody; changes that waited for it are inspected again.",
        _approve,
        (_PURL, Field("comment", "why, for the log", longest=2000)),
    ),
    Endpoint(
        "/api/packages/decline",
        "Decline a package, or take its approval back.",
        _decline,
        (_PURL, Field("comment", "why, for everybody to read", required=True, longest=2000)),
    ),
    Endpoint(
        "/api/packages/rematch",
        "Compare everything that has landed with the advisories now.",
        _rematch,
    ),
)
