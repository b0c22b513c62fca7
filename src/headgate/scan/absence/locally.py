"""What a function or a method lacks by itself, whoever calls it."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.model.finding import Confidence
from headgate.scan.absence.lacks import Lack, Project, lack
from headgate.scan.absence.names import Names, last_name, walk
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_SOCKETS = ("tornado.websocket.WebSocketHandler",)


def _origins(project: Project) -> Iterator[Lack]:
    """Web sockets that every page of every site may open: `check_origin` that says yes."""
    names = project.names
    for state in names.program.states.values():
        if names.known is not None and not names.known[state].origins:
            continue
        for function in names.functions(state):
            owner = function.owner
            if function.name != "check_origin" or owner is None or not _says_yes(function.node):
                continue
            if names.derives(owner, _SOCKETS) or "socket" in owner.name.lower():
                yield lack(
                    "websocket-origin-unchecked", function,
                    "May a page of another site talk to it as the user who looks at that page?",
                    confidence=Confidence.HIGH,
                )  # fmt: skip


def _says_yes(node: Node) -> bool:
    body = [one for one in node[5] if one[0] != ir.EXPR]
    return (
        len(body) == 1
        and body[0][0] == ir.RETURN
        and body[0][3] is not None
        and body[0][3][0] == ir.CONST
        and body[0][3][3] is True
    )


def _mail(project: Project) -> Iterator[Lack]:
    """A password for a mail server that is sent before the connection is encrypted."""
    names = project.names
    for state in names.program.states.values():
        if not names.says(state, ("SMTP",)):
            continue
        for function in names.functions(state):
            if "login" not in function.node[11] or "starttls" in function.node[11]:
                continue
            opened = _opened(names, state, function.node)
            for node in walk(function.node[5]):
                if (
                    node[0] == ir.CALL
                    and node[3][0] == ir.ATTR
                    and node[3][4] == "login"
                    and last_name(node[3][3]) in opened
                ):
                    yield lack(
                        "cleartext-transport", function,
                        "Is the connection encrypted before the password is sent?", node,
                        Confidence.MEDIUM,
                    )  # fmt: skip


def _opened(names: Names, state: object, function: Node) -> set[str]:
    """Variables that hold an unencrypted connection to a mail server, on another machine."""
    out: set[str] = set()
    for node in walk(function[5]):
        pairs: list[tuple[Node, Node]] = []
        if node[0] == ir.ASSIGN and node[4] is not None:
            pairs = [(node[4], target) for target in node[3]]
        elif node[0] == ir.WITH:
            pairs = [(context, target) for context, target in node[3] if target is not None]
        for value, target in pairs:
            if value[0] != ir.CALL or target[0] not in (ir.NAME, ir.ATTR):
                continue
            if names.canonical(state, value[3]) != "smtplib.SMTP":  # type: ignore[arg-type]
                continue
            host = value[4][0] if value[4] else None
            if host is None or (host[0] == ir.CONST and host[3] in _HERE):
                continue
            out.add(last_name(target))
    return out


_HERE = ("localhost", "127.0.0.1", "::1", "")

CHECKS = (_origins, _mail)
