"""What people do with a change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from headgate.model.ids import ChangeNumber
from headgate.server.api.body import Field
from headgate.server.api.endpoint import Answer, Call, Endpoint, Run
from headgate.server.api.shapes import change_object


def _on_change(act: Callable[[Call, int], Awaitable[object]]) -> Run:
    """Act on the change that the address names, and answer with what became of it."""

    async def run(call: Call) -> Answer:
        number: int = call.path["number"]
        await act(call, number)
        with call.house.db.read() as tx:
            change = tx.changes.get(ChangeNumber(number))
        return Answer({"change": change_object(call.house, change)}, f"/changes/{number}")

    return run


async def _approve(call: Call, number: int) -> object:
    head = call.body.text("head") or None
    return await call.house.approve(call.actor, number, call.body.text("comment"), head)


async def _enqueue(call: Call, number: int) -> object:
    return await call.house.enqueue(call.actor, number)


async def _hold(call: Call, number: int) -> object:
    return await call.house.hold(call.actor, number)


async def _comment(call: Call, number: int) -> object:
    return await call.house.comment(call.actor, number, call.body.text("text"))


async def _promote(call: Call, number: int) -> object:
    return await call.house.promote(call.actor, number)


async def _dequeue(call: Call, number: int) -> object:
    return await call.house.dequeue(call.actor, number)


async def _pause(call: Call, number: int) -> object:
    return await call.house.pause(call.actor, number, call.body.text("reason"))


async def _resume(call: Call, number: int) -> object:
    return await call.house.resume(call.actor, number)


async def _abandon(call: Call, number: int) -> object:
    return await call.house.abandon(call.actor, number, call.body.text("reason"))


async def _recheck(call: Call, number: int) -> object:
    return await call.house.recheck(call.actor, number)


async def _satisfy(call: Call, number: int) -> object:
    address, comment = call.body.text("address"), call.body.text("comment")
    return await call.house.satisfy(call.actor, number, address, comment)


ENDPOINTS = (
    Endpoint(
        "/api/changes/{number:whole}/approve",
        "Approve the current revision of a change, and only this one.",
        _on_change(_approve),
        (
            Field("comment", "why, for the log"),
            Field(
                "head",
                "the commit that was looked at; another head refuses the approval",
                longest=64,
            ),
        ),
    ),
    Endpoint(
        "/api/changes/{number:whole}/enqueue",
        "Let a change enter its queue as soon as its verdict allows it.",
        _on_change(_enqueue),
    ),
    Endpoint(
        "/api/changes/{number:whole}/hold",
        "Take a change out of its queue, or keep it from entering.",
        _on_change(_hold),
    ),
    Endpoint(
        "/api/changes/{number:whole}/comment",
        "Write on a change; pipelines may be asked for so.",
        _on_change(_comment),
        (Field("text", "what to say", required=True),),
    ),
    Endpoint(
        "/api/changes/{number:whole}/promote",
        "Put a queued change before all others of its queue.",
        _on_change(_promote),
    ),
    Endpoint(
        "/api/changes/{number:whole}/dequeue",
        "Take a change out of its queue; it stays out until it is enqueued.",
        _on_change(_dequeue),
    ),
    Endpoint(
        "/api/changes/{number:whole}/pause",
        "Let a queued change keep its place, and go no further.",
        _on_change(_pause),
        (Field("reason", "why, for everybody to read"),),
    ),
    Endpoint(
        "/api/changes/{number:whole}/resume",
        "Let a paused change go on.",
        _on_change(_resume),
    ),
    Endpoint(
        "/api/changes/{number:whole}/abandon",
        "Give a change up.",
        _on_change(_abandon),
        (Field("reason", "why, for the log"),),
    ),
    Endpoint(
        "/api/changes/{number:whole}/recheck",
        "Inspect the current revision again, and run its pipelines again.",
        _on_change(_recheck),
    ),
    Endpoint(
        "/api/changes/{number:whole}/satisfy",
        "Say that what a change depends on outside of this server has landed.",
        _on_change(_satisfy),
        (
            Field("address", "as its Depends-On: footer names it"),
            Field("comment", "why, for the log"),
        ),
    ),
)
