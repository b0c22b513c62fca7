"""Tokens: issued once, listed without their secrets, revoked."""

from __future__ import annotations

from typing import Any

from headgate.authority.permissions import Action, Resource
from headgate.model.errors import Denied
from headgate.model.principal import Principal
from headgate.server.api.body import Field, Kind
from headgate.server.api.endpoint import Answer, Call, Endpoint


async def _issue(call: Call) -> Answer:
    token = await call.house.issue_token(
        call.actor, call.path["name"], call.body.text("label"), call.body.number("days")
    )
    return Answer({"principal": call.path["name"], "token": token}, "/principals")


async def _revoke(call: Call) -> Answer:
    await call.house.revoke_token(call.actor, call.path["id"])
    return Answer({"id": call.path["id"], "revoked": True}, "/principals")


def _administers(call: Call) -> bool:
    house = call.house
    return (
        house.permissions()
        .decide(call.actor, house.groups(call.actor), Action.ADMINISTER, Resource())
        .allowed
    )


async def _list(call: Call) -> Answer:
    """One's own tokens; everybody's for whoever administers."""
    wanted = call.query.get("principal", "")
    everybody = _administers(call)
    if wanted and wanted != call.actor.name and not everybody:
        raise Denied(f"{call.actor.name} may not see the tokens of {wanted}.", "Ask an operator.")
    tokens: list[dict[str, Any]] = []
    with call.house.db.read() as tx:
        principals: list[Principal]
        if wanted:
            principals = [tx.principals.by_name(wanted)]
        else:
            principals = list(tx.principals.all()) if everybody else [call.actor]
        for principal in principals:
            tokens.extend(
                {
                    "id": token.id,
                    "principal": principal.name,
                    "label": token.label,
                    "created": token.created,
                    "expires": token.expires,
                    "revoked": token.revoked,
                }
                for token in tx.tokens.of(principal.id)
            )
    return Answer({"tokens": tokens})


ENDPOINTS = (
    Endpoint(
        "/api/principals/{name}/tokens",
        "Issue a token; its secret is in this answer and nowhere else.",
        _issue,
        (
            Field("label", "what it is for", longest=200),
            Field("days", "how long it is valid; by default for good", Kind.NUMBER),
        ),
    ),
    Endpoint("/api/tokens/{id:whole}/revoke", "Revoke a token at once.", _revoke),
    Endpoint(
        "/api/tokens",
        "Tokens without their secrets, `?principal=NAME` for one principal's.",
        _list,
        method="GET",
    ),
)
