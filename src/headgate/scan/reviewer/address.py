"""Where an endpoint is: on this machine or network, or out in the world."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from headgate.model.reviewer import ReviewerPolicy
from headgate.scan.reviewer.interface import NotAnswered

_NEAR = tuple(
    ipaddress.ip_network(one)
    for one in (
        "127.0.0.0/8", "::1/128",
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",
    )
)  # fmt: skip
"""Loopback, and what RFC 1918 and RFC 4193 keep for private networks. Written out, as what Python
counts as private differs between its versions, and is more."""


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint whose address was looked up and found to be permitted."""

    scheme: str
    host: str
    """As the policy writes it; what its certificate must be for."""
    port: int
    addresses: tuple[str, ...]
    """Those that are connected to, so that no second look-up can lead elsewhere; empty when any
    address of the host may be."""

    @property
    def near(self) -> bool:
        """Whether it is on this machine or in a private network."""
        return bool(self.addresses)


async def permitted(policy: ReviewerPolicy) -> Place:
    """Where the endpoint of a policy is. Raises NotAnswered when nothing may be sent there."""
    parts = urlsplit(policy.endpoint)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = await _addresses(host, port)
    outside = [one for one in addresses if not is_near(one)]
    if not outside:
        return Place(parts.scheme, host, port, tuple(addresses))
    if not policy.remote:
        raise NotAnswered(
            f"The endpoint {host} is at {outside[0]}, which is neither this machine nor a private "
            "network, and the policy does not let code leave for such a place: use a local "
            "endpoint, or say `remote = true` under [reviewer]."
        )
    if parts.scheme != "https":
        raise NotAnswered(
            f"The endpoint {host} is at {outside[0]}, and code is never sent there without "
            "encryption: give an https:// address."
        )
    return Place(parts.scheme, host, port, ())


def is_near(address: str) -> bool:
    """Whether an address is loopback or of a private network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in _NEAR)


async def _addresses(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", "") or "its name cannot be used"
        raise NotAnswered(
            f"The endpoint {host} could not be found ({why}): correct `endpoint` under [reviewer], "
            "or mend the name service."
        ) from None
    return list(dict.fromkeys(str(one[4][0]) for one in found))
