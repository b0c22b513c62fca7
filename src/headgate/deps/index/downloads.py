"""How often packages are downloaded, where that is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import quote

from headgate.deps.index.http import Page, Wanted, fetch
from headgate.deps.index.interface import Existence, PackageFacts
from headgate.deps.index.shapes import parsed, table

Count = int | str
"""A month's downloads, or why they are not known."""


async def downloads(
    ecosystem: str, address: str, names: Iterable[str], patience: float
) -> Mapping[str, Count]:
    """The downloads of the last month, by name.

    `address` is the base of npm's counting service or, for Python, of one that speaks as
    pypistats does.
    """
    base = address.rstrip("/")
    wanted = {name: Wanted(_url(ecosystem, base, name), "application/json") for name in names}
    found: dict[str, Count] = {}
    for name, reply in (await fetch(wanted, patience)).items():
        if reply.page is not None:
            found[name] = _count(reply.page)
        elif reply.refusal.existence is Existence.MISSING:
            found[name] = "nothing is published"
        else:
            found[name] = reply.refusal.detail
    return found


def counted(facts: PackageFacts, count: Count | None) -> PackageFacts:
    """The same with its downloads; None where nobody was asked."""
    if count is None or facts.existence is not Existence.EXISTS:
        return facts
    if isinstance(count, int):
        return replace(facts, downloads=count)
    return replace(facts, doubts=(*facts.doubts, f"downloads: {count}"))


def _url(ecosystem: str, base: str, name: str) -> str:
    if ecosystem == "npm":
        return f"{base}/point/last-month/{quote(name, safe='@/')}"
    return f"{base}/packages/{quote(name)}/recent"


def _count(page: Page) -> Count:
    answer = parsed(page.text) or {}
    of_python = answer.get("data")
    held = table(of_python).get("last_month") if of_python else answer.get("downloads")
    if isinstance(held, int) and not isinstance(held, bool) and held >= 0:
        return held
    return "answered with something else"
