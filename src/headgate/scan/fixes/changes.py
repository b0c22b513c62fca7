"""What is changed for each kind of defect."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tree_sitter import Node

from headgate.scan.fixes.queries import parameterised
from headgate.scan.fixes.source import Edit, Source, added, arguments, removed
from headgate.scan.fixes.texts import parts_of, quoted

Change = Callable[[Source, Node], list[Edit] | None]
"""Edits for the node where something was found; None: it cannot be done safely."""
_RUNS = frozenset({"run", "call", "check_call", "check_output", "Popen"})
_SHELL_SYNTAX = re.compile(r"[|&;<>()$`\\\"'*?\[\]{}~#!=%\n]")
_SECRETS = {"choice": "choice", "getrandbits": "randbits", "randbytes": "token_bytes"}


def _function(source: Source, call: Node) -> tuple[str, str]:
    """What a call is made on, and its last name."""
    function = call.child_by_field_name("function")
    if function is None:
        return "", ""
    if function.type == "attribute":
        value = function.child_by_field_name("object")
        name = function.child_by_field_name("attribute")
        if value is not None and name is not None:
            return source.text(value), source.text(name)
    return "", source.text(function)


def _set(source: Source, call: Node, name: str, value: str) -> list[Edit]:
    """The argument `name` with this value, whatever it is now."""
    _, named = arguments(call)
    given = named.get(name)
    if given is None:
        return [added(source, call, f"{name}={value}")]
    inner = given.child_by_field_name("value")
    if inner is None:
        raise LookupError("no value")
    return [] if source.text(inner) == value else [source.replaced(inner, value)]


def _query(source: Source, call: Node) -> list[Edit] | None:
    return parameterised(source, call)


def _command(source: Source, call: Node) -> list[Edit] | None:
    """`run("tool " + value, shell=True)` → `run(["tool", value])`."""
    owner, name = _function(source, call)
    positional, named = arguments(call)
    shell = named.get("shell")
    if owner != "subprocess" or name not in _RUNS or len(positional) != 1 or shell is None:
        return None
    if not re.fullmatch(r"shell\s*=\s*True", source.text(shell)):
        return None
    parts = parts_of(source, positional[0])
    if parts is None:
        return None
    words: list[list[str | Node]] = [[]]
    for part in parts:
        if not isinstance(part, str):
            words[-1].append(part)
            continue
        if _SHELL_SYNTAX.search(part):
            return None
        pieces = re.split(r"\s+", part)
        for index, piece in enumerate(pieces):
            if index:
                words.append([])
            if piece:
                words[-1].append(piece)
    items: list[str] = []
    for word in words:
        if not word:
            continue
        if len(word) == 1:
            one = word[0]
            items.append(f'"{one}"' if isinstance(one, str) else source.text(one))
            continue
        inner = "".join(
            one if isinstance(one, str) else "{" + source.text(one) + "}" for one in word
        )
        literal = quoted(inner)
        if literal is None:
            return None
        items.append("f" + literal)
    if not items or not items[0].startswith('"'):
        return None
    return [
        source.replaced(positional[0], "[" + ", ".join(items) + "]"),
        removed(source, call, shell),
    ]


def _random(source: Source, call: Node) -> list[Edit] | None:
    owner, name = _function(source, call)
    function = call.child_by_field_name("function")
    if owner != "random" or function is None:
        return None
    better = _SECRETS.get(name)
    positional, named = arguments(call)
    if better is not None and len(positional) == 1 and not named:
        made = f"secrets.{better}"
    elif name == "randrange" and len(positional) == 1 and not named:
        made = "secrets.randbelow"
    else:
        made = f"secrets.SystemRandom().{name}"
    return [source.replaced(function, made), *source.imports("secrets")]


def _yaml(source: Source, call: Node) -> list[Edit] | None:
    owner, name = _function(source, call)
    function = call.child_by_field_name("function")
    if owner != "yaml" or function is None:
        return None
    if name in ("unsafe_load", "full_load"):
        return [source.replaced(function, "yaml.safe_load")]
    if name not in ("load", "load_all"):
        return None
    positional, named = arguments(call)
    edits = [source.replaced(function, f"yaml.safe_{name}")]
    loader = named.get("Loader") or (positional[1] if len(positional) == 2 else None)
    if loader is not None:
        edits.append(removed(source, call, loader))
    return edits


def _load(source: Source, call: Node) -> list[Edit] | None:
    owner, name = _function(source, call)
    if owner == "torch" and name == "load":
        return _set(source, call, "weights_only", "True")
    return _yaml(source, call)


def _comparison(source: Source, node: Node) -> list[Edit] | None:
    if len(node.children) != 3:
        return None
    left, operator, right = node.children
    if operator.type not in ("==", "!="):
        return None
    sign = "" if operator.type == "==" else "not "
    made = f"{sign}hmac.compare_digest({source.text(left)}, {source.text(right)})"
    return [source.replaced(node, made), *source.imports("hmac")]


def _cookie(source: Source, call: Node) -> list[Edit] | None:
    if _function(source, call)[1] not in ("set_cookie", "set_signed_cookie"):
        return None
    _, named = arguments(call)
    edits: list[Edit] = []
    missing: list[str] = []
    for name, value in (("secure", "True"), ("httponly", "True"), ("samesite", '"Lax"')):
        if name not in named:
            missing.append(f"{name}={value}")
        elif name != "samesite":
            edits += _set(source, call, name, value)
    if missing:
        edits.append(added(source, call, ", ".join(missing)))
    return edits


def _archive(source: Source, call: Node) -> list[Edit] | None:
    if _function(source, call)[1] not in ("extractall", "extract"):
        return None
    return _set(source, call, "filter", '"data"')


def _certificate(source: Source, call: Node) -> list[Edit] | None:
    _, named = arguments(call)
    for name in ("verify", "verify_ssl", "ssl"):
        given = named.get(name)
        if given is not None and source.text(given).replace(" ", "") == f"{name}=False":
            return [removed(source, call, given)]
    return None


def _debug(source: Source, call: Node) -> list[Edit] | None:
    return _set(source, call, "debug", "False")


def _autoescape(source: Source, call: Node) -> list[Edit] | None:
    return _set(source, call, "autoescape", "True")


CHANGES: Mapping[str, tuple[str, Change, str]] = {
    "sql-injection": ("call", _query, "pass the values as parameters"),
    "command-injection": ("call", _command, "pass a list of arguments, without a shell"),
    "weak-randomness": ("call", _random, "take random numbers from `secrets`"),
    "deserialisation": ("call", _load, "read data only"),
    "timing-unsafe-comparison": (
        "comparison_operator", _comparison, "compare with `hmac.compare_digest`",
    ),
    "insecure-cookie": ("call", _cookie, "protect the cookie"),
    "archive-extraction": ("call", _archive, "unpack only below the target"),
    "certificate-check-off": ("call", _certificate, "check certificates"),
    "debug-mode": ("call", _debug, "turn debug mode off"),
    "autoescape-off": ("call", _autoescape, "escape in templates"),
}  # fmt: skip
"""By kind: the node that is changed, how, and what that does."""
