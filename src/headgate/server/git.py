"""Git over HTTP: who may read or push which project, then git itself."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Scope

from headgate.authority.permissions import Action, Resource
from headgate.model.errors import Denied, NotFound
from headgate.server.auth import principal_of_scope
from headgate.server.house import Headgate
from headgate.vcs.hosting.backend import GitAccess, Service, git_http


def _ended(house: Headgate, push: str) -> None:
    known = house.pushes.pop(push, None)
    if known is not None:
        house.tags_may_be_there(known[0])


def git_app(house: Headgate) -> ASGIApp:
    """The ASGI application below /git."""

    async def open_project(scope: Scope, name: str, service: Service) -> GitAccess:
        who = await principal_of_scope(house, scope)
        action = Action.READ if service is Service.UPLOAD_PACK else Action.PUSH
        with house.db.read() as tx:
            known = tx.projects.find(name)
        decision = house.permissions().decide(
            who, house.groups(who), Action.READ, Resource(project=name)
        )
        if known is None or not decision.allowed:
            raise NotFound(
                f"There is no project {name!r} here.",
                "See `headgate project list`, or ask an operator to add it.",
            )
        if action is Action.PUSH:
            # Which refs it may write is decided by the hooks, ref by ref.
            allowed = house.permissions().decide(
                who, house.groups(who), action, Resource(project=name, ref="refs/for/any")
            )
            if not allowed.allowed:
                raise Denied(f"{who.name} may not push to {name}: {allowed.reason}")
        push = house.random(16).hex()
        environment: Mapping[str, str] = {}
        if service is Service.RECEIVE_PACK:
            house.pushes[push] = (name, who)
            environment = {"HEADGATE_HOOK_SOCKET": str(house.hook_socket)}
        return GitAccess(
            repository=house.repository_path(name),
            principal=who.name,
            push_id=push,
            environment=environment,
            done=lambda: _ended(house, push),
        )

    return git_http(open_project)
