"""Which addresses and ports a firewall rule opens, and how bad that is."""

from __future__ import annotations

from collections.abc import Iterable

from headgate.model.finding import Severity

EVERYWHERE = frozenset({"0.0.0.0/0", "::/0", "*", "Internet", "internet", "Any", "0.0.0.0"})
_ADMINISTRATION = frozenset({22, 23, 3389, 5900, 5985, 5986})
_STORES = frozenset(
    {1433, 1521, 2049, 2375, 2379, 3306, 5432, 5984, 6379, 6443, 7000, 7001, 8086, 9042, 9092, 9200,
     9300, 10250, 11211, 27017, 27018, 50070}
)  # fmt: skip


def everywhere(addresses: Iterable[str]) -> bool:
    """Whether one of the ranges is the whole internet."""
    return any(one in EVERYWHERE for one in addresses)


def opened(ranges: Iterable[tuple[float, float]]) -> tuple[str, Severity] | None:
    """What ports that are open to the internet give away, worst first; None: nothing special."""
    several = list(ranges)
    for low, high in several:
        if high - low >= 1024:
            return "Every port is open", Severity.HIGH
        for port in sorted(_STORES):
            if low <= port <= high:
                return f"Port {port} of a database or engine is open", Severity.HIGH
    for low, high in several:
        for port in sorted(_ADMINISTRATION):
            if low <= port <= high:
                return f"Port {port} for administration is open", Severity.MEDIUM
    return None


def ports(text: str) -> tuple[float, float] | None:
    """`22`, `80-90` or `*` as a range; None when it is none."""
    if text in ("*", "all", ""):
        return 0, 65535
    low, _, high = text.partition("-")
    if not low.strip().isdecimal() or not (high.strip() or low.strip()).isdecimal():
        return None
    return float(low), float(high or low)
