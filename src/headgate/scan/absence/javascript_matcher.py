"""Which paths the middleware of Next.js runs before.

https://nextjs.org/docs/app/api-reference/file-conventions/middleware#matcher
"""

from __future__ import annotations

import re

from headgate.scan.absence.javascript_names import Scripts, text_of
from headgate.scan.flow.program import ModuleState
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_PART = re.compile(
    r"/?:\w+(?:\((?P<own>[^()]*)\))?(?P<many>[*+?]?)|\((?P<group>(?:[^()]|\([^()]*\))*)\)"
)


def matchers(scripts: Scripts, state: ModuleState) -> list[str] | None:
    """The matchers that a file of middleware says; None: it runs before everything, or what it
    says is not known."""
    value = scripts.table(state).exports.get("config")
    if value is None:
        return None
    _, config = scripts.meaning(state, value)
    if config[0] != ir.MAP:
        return None
    given = next((v for k, v in config[3] if k is not None and text_of(k) == "matcher"), None)
    if given is None:
        return None
    found = [_source(one) for one in (given[4] if given[0] == ir.SEQ else (given,))]
    return None if any(one is None for one in found) else [one for one in found if one]


def _source(node: Node) -> str | None:
    if node[0] == ir.MAP:
        node = next((v for k, v in node[3] if k is not None and text_of(k) == "source"), node)
    return text_of(node)


def covers(matchers: list[str] | None, pattern: str) -> bool:
    """Whether the middleware runs before a route."""
    if matchers is None:
        return True
    path = re.sub(r"/\[\[?\.{0,3}\w+\]\]?|/:\w+", "/x", pattern)
    return any(_matches(one, path) for one in matchers)


def _matches(matcher: str, path: str) -> bool:
    out: list[str] = []
    at = 0
    for part in _PART.finditer(matcher):
        out.append(re.escape(matcher[at : part.start()]))
        at = part.end()
        if part["group"] is not None:
            out.append(f"(?:{part['group']})")
            continue
        slash = "/" if part[0].startswith("/") else ""
        own = part["own"] or "[^/]+"
        inner = {"*": f"(?:{slash}.*)?", "+": f"{slash}.+", "?": f"(?:{slash}{own})?"}
        out.append(inner.get(part["many"], f"{slash}{own}"))
    out.append(re.escape(matcher[at:]))
    try:
        return re.fullmatch("".join(out) + "/?", path) is not None
    except re.error:
        return True
