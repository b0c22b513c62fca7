"""An endpoint as data: address, fields, use-case; and the one way in which all are served."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from headgate.model.errors import HeadgateError
from headgate.model.principal import Principal
from headgate.server.api import numbers as numbers  # `{…:whole}` in addresses
from headgate.server.api.body import SMALL_BODY, Body, Field, read_body
from headgate.server.api.house import UseCases
from headgate.server.auth.csrf import check_csrf
from headgate.server.auth.identity import Identity, current_identity
from headgate.server.errors import answer, is_form


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an endpoint, checked."""

    house: UseCases
    identity: Identity
    path: Mapping[str, Any]
    """Parameters of the address."""
    query: Mapping[str, str]
    body: Body

    @property
    def actor(self) -> Principal:
        return self.identity.principal


@dataclass(frozen=True, slots=True)
class Answer:
    """What a use-case gives back."""

    object: Mapping[str, Any]
    page: str = "/"
    """Where a page's form leads."""


Run = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address under /api/."""

    path: str
    summary: str
    run: Run
    fields: tuple[Field, ...] = ()
    method: str = "POST"
    largest: int = field(default=SMALL_BODY)
    """Bytes of a body."""

    def describe(self) -> dict[str, Any]:
        """As a reader of the API sees it."""
        return {
            "method": self.method,
            "path": self.path,
            "summary": self.summary,
            "fields": [
                {
                    "name": field.name,
                    "kind": field.kind.value,
                    "required": field.required,
                    "meaning": field.meaning,
                }
                for field in self.fields
            ],
        }

    def route(self, house: UseCases) -> Route:
        """The route that serves it."""

        async def serve(request: Request) -> Response:
            identity = current_identity(request)
            if request.method == "GET" or request.method == "HEAD":
                body = Body({})
            else:
                body = await read_body(request, self.fields, self.largest)
                check_csrf(identity, body.csrf)
            call = Call(house, identity, request.path_params, request.query_params, body)
            result = await self.run(call)
            if is_form(request):
                return RedirectResponse(body.back or result.page, status_code=303)
            return JSONResponse(dict(result.object))

        async def guarded(request: Request) -> Response:
            try:
                return await serve(request)
            except HeadgateError as error:
                return answer(request, error)

        return Route(self.path, guarded, methods=[self.method], name=f"{self.method} {self.path}")
