"""Humans, agents, and the links that sign people in."""

from __future__ import annotations

from headgate.server.api.body import Field
from headgate.server.api.endpoint import Answer, Call, Endpoint
from headgate.server.api.shapes import principal_object
from headgate.server.auth.sessions import LINK_SECONDS

NAME = Field("name", "lower-case letters, digits, `.`, `_` and `-`", required=True, longest=63)
DISPLAY = Field("display", "the name that people read", longest=200)


def _shown(call: Call, name: str) -> Answer:
    with call.house.db.read() as tx:
        principal = tx.principals.by_name(name)
        sponsor = None if principal.sponsor is None else tx.principals.get(principal.sponsor)
    return Answer({"principal": principal_object(principal, sponsor)}, "/principals")


async def _add_human(call: Call) -> Answer:
    name = call.body.text("name")
    await call.house.add_human(
        call.actor, name, call.body.text("display", name), call.body.text("email")
    )
    return _shown(call, name)


async def _add_agent(call: Call) -> Answer:
    name = call.body.text("name")
    await call.house.add_agent(
        call.actor, name, call.body.text("sponsor"), call.body.text("display", name)
    )
    return _shown(call, name)


async def _disable(call: Call) -> Answer:
    await call.house.disable_principal(call.actor, call.path["name"])
    return _shown(call, call.path["name"])


async def _signin_link(call: Call) -> Answer:
    code = await call.house.signin_link(call.actor, call.path["name"])
    url = f"{call.house.settings.url}/signin?code={code}"
    return Answer({"url": url, "code": code, "seconds": LINK_SECONDS}, "/principals")


async def _whoami(call: Call) -> Answer:
    actor = call.actor
    with call.house.db.read() as tx:
        sponsor = None if actor.sponsor is None else tx.principals.get(actor.sponsor)
    return Answer(
        {
            "principal": principal_object(actor, sponsor),
            "groups": sorted(call.house.groups(actor)),
            "via": call.identity.via.value,
        }
    )


ENDPOINTS = (
    Endpoint(
        "/api/humans",
        "Add a human.",
        _add_human,
        (NAME, DISPLAY, Field("email", "as in the human's commits", longest=254)),
    ),
    Endpoint(
        "/api/agents",
        "Add an agent, bound to the human who answers for it.",
        _add_agent,
        (
            NAME,
            Field("sponsor", "name of a human", required=True, longest=63),
            DISPLAY,
        ),
    ),
    Endpoint(
        "/api/principals/{name}/disable",
        "End a principal's rights; its history stays.",
        _disable,
    ),
    Endpoint(
        "/api/principals/{name}/signin-link",
        "Make an address that signs a human in once.",
        _signin_link,
    ),
    Endpoint("/api/whoami", "Who the request's credentials belong to.", _whoami, method="GET"),
)
