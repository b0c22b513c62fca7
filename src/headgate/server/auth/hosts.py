"""Only requests that name this server are answered: a page whose own name was pointed at a
loopback address (DNS rebinding) is not."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from headgate.model.errors import BadInput
from headgate.server.auth.operator import OPERATOR_KEY
from headgate.server.errors import answer
from headgate.server.settings import Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARDS = frozenset({"0.0.0.0", "::", ""})


class UnknownHost(BadInput):
    """The request names a host that this server is not."""

    status = 421


def host_name(header: str) -> str:
    """The name in a Host header, lower case, without port, brackets and last dot."""
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].rstrip(".")


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """The names under which this server answers."""
    names = set(LOOPBACK)
    names.update((settings.host.lower(), (urlsplit(settings.url).hostname or "").lower()))
    return frozenset(names - WILDCARDS)


class HostMiddleware:
    """Refuses requests whose Host header names another host."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._names = allowed_hosts(settings)
        # Listening everywhere: an address cannot be rebound, only a name can.
        self._any_address = settings.host in WILDCARDS

    def allows(self, header: str) -> bool:
        """Whether a Host header with this value is answered."""
        name = host_name(header)
        return name in self._names or (self._any_address and _is_address(name))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope.get(OPERATOR_KEY):
            request = Request(scope)
            hosts = request.headers.getlist("host")
            if len(hosts) != 1 or not self.allows(hosts[0]):
                named = hosts[0][:100] if hosts else "none"
                error = UnknownHost(
                    f"This server does not answer under the host name {named!r}.",
                    "Use its own address, or set public-url in server.toml.",
                )
                await answer(request, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
