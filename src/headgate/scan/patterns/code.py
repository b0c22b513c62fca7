"""Patterns of code, lowered by the front ends that read the code itself.

In a pattern `$X` stands for any expression or name, the same one wherever it is repeated; `$_` for
any; `...` for any number of arguments, parameters, statements or items; `$...XS` for such a number
that is remembered; `"..."` for any text; `<... P ...>` for anything that has `P` in it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

from headgate.model.errors import BadInput
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

VARIABLE = "hg_any_"
MANY = "hg_many_"
ELLIPSIS = "hg_ellipsis"
DEEP = "hg_deep"
MAX_LENGTH = 5000
"""Characters of one pattern."""
_TOKEN = re.compile(
    r"""(?P<text>(?:"(?:[^"\\\n]|\\.)*")|(?:'(?:[^'\\\n]|\\.)*')|(?:`(?:[^`\\]|\\.)*`))
    |(?P<many>\$\.\.\.(?P<rest>[A-Z_][A-Z_0-9]*))
    |(?P<open><\.\.\.)
    |(?P<close>\.\.\.>)
    |(?P<variable>\$(?P<name>[A-Z_][A-Z_0-9]*))
    |(?P<ellipsis>\.\.\.)""",
    re.VERBOSE,
)
_UNCOMPARABLE = {
    ir.BUILD: "a text that is put together in place",
    ir.MARKUP: "markup",
    ir.OPAQUE: "something that has no counterpart",
    ir.COMPREHENSION: "a comprehension",
    ir.MATCH: "a choice between cases",
    ir.REGEX: "a literal regular expression",
    ir.TRY: "an exception handler",
    ir.GLOBAL: "a declaration",
    ir.NONLOCAL: "a declaration",
    ir.EXPORT: "an export",
    ir.CLASS_EXPR: "a class that is an expression",
}


@dataclass(frozen=True, slots=True)
class Code:
    """One pattern."""

    body: tuple[Node, ...]
    """Its statements; an expression is the only one, without its statement."""
    variables: frozenset[str]
    """`X` of `$X`, `XS` of `$...XS`."""
    named: frozenset[str]
    """Of these, what stands for names only, not for expressions."""
    words: frozenset[str]
    """Names that a file has to mention for the pattern to be found in it."""

    @property
    def is_expression(self) -> bool:
        return len(self.body) == 1 and self.body[0][0] < ir.EXPR


def is_node(field: Any) -> TypeGuard[Node]:
    """Whether a field of a node is a node: `(OP, start, end, …)`."""
    if not isinstance(field, tuple):
        return False
    items = cast("tuple[Any, ...]", field)
    return len(items) > 2 and all(type(one) is int for one in items[:3])


def nodes_below(node: Any) -> Iterator[Node]:
    """A node, and every node in it, in the order of the text."""
    stack = [node]
    while stack:
        one = stack.pop()
        if is_node(one):
            yield one
            stack.extend(reversed(one[3:]))
        elif isinstance(one, tuple):
            stack.extend(reversed(cast("tuple[Any, ...]", one)))


def is_deep(node: Node) -> bool:
    """Whether a node of a pattern is `<... P ...>`."""
    return node[0] == ir.CALL and node[3][0] == ir.NAME and node[3][3] == DEEP


@functools.lru_cache(maxsize=2000)
def compiled(text: str, language: str) -> Code:
    """A pattern. Raises BadInput, with a sentence's second half, for what cannot be compared."""
    if len(text) > MAX_LENGTH:
        raise BadInput(f"is longer than {MAX_LENGTH} characters", "")
    written = _replaced(text, language)
    data = written.strip().encode("utf-8", "surrogateescape")
    try:
        # Imported here: packs without patterns are read without the grammars.
        if language == "python":
            from headgate.scan.front import python

            module = python.lower(data)
        else:
            from headgate.scan.front import javascript

            module = javascript.lower("pattern.js", data)
    except RecursionError:
        raise BadInput("is nested too deep", "") from None
    if module.broken:
        raise BadInput(f"is not valid {language} with `$X` and `...`", "")
    body = tuple(one[3] if one[0] == ir.EXPR else one for one in module.body)
    if not body:
        raise BadInput("has nothing in it", "")
    for node in (one for statement in body for one in nodes_below(statement)):
        if node[0] in _UNCOMPARABLE:
            raise BadInput(f"has {_UNCOMPARABLE[node[0]]} in it", "")
    if len(body) == 1:
        only = body[0]
        if only[0] == ir.NAME and only[3] in (ELLIPSIS, DEEP):
            raise BadInput("stands for everything", "")
    names = list(_names(body))
    variables = {one for kind, one in names if kind != "word"}
    expressions = {one for kind, one in names if kind == "expression"}
    words = {one for kind, one in names if kind == "word"}
    return Code(body, frozenset(variables), frozenset(variables - expressions), frozenset(words))


def _replaced(text: str, language: str) -> str:
    def token(match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        if match["text"] is not None:
            inner = match["text"][1:-1]
            if inner != "..." and ("..." in inner or re.search(r"\$[A-Z_]", inner)):
                raise BadInput("has a text with `...` or a variable in it", "")
            if inner.startswith("=~/"):
                raise BadInput("has a regular expression for a text in it", "")
            return match["text"]
        if kind in ("rest", "many"):
            return ("*" if language == "python" else "...") + MANY + match["rest"]
        if kind == "open":
            return f"{DEEP}("
        if kind == "close":
            return ")"
        if kind in ("name", "variable"):
            return VARIABLE + match["name"]
        return ELLIPSIS

    if re.search(r"\.\s*\.\.\.|\.\.\.\s*\.[A-Za-z_$]", re.sub(r"<\.\.\.|\.\.\.>", "", text)):
        raise BadInput("has `...` in a chain of calls", "")
    if re.search(r"\(\s*\$[A-Z_0-9]+\s*:\s*[A-Za-z]", text) and "def " not in text:
        raise BadInput("has a variable with a type", "")
    if VARIABLE in text or MANY in text or ELLIPSIS in text or DEEP in text:
        raise BadInput("uses a name that is reserved", "")
    replaced = _TOKEN.sub(token, text)
    if language == "python":
        # A dictionary has pairs only.
        replaced = re.sub(
            rf"(?<=[{{,])(\s*){ELLIPSIS}(?=\s*[,}}])",
            lambda match: _pair(match, replaced),
            replaced,
        )
    return replaced


def _pair(match: re.Match[str], text: str) -> str:
    """`...` among the pairs of a dictionary, as a pair; elsewhere as it is."""
    open_: list[str] = []
    for sign in text[: match.start()]:
        if sign in "([{":
            open_.append(sign)
        elif sign in ")]}" and open_:
            open_.pop()
    inside = bool(open_) and open_[-1] == "{"
    return f"{match[1]}{ELLIPSIS}: {ELLIPSIS}" if inside else f"{match[1]}{ELLIPSIS}"


_NOT_WORDS = frozenset({ELLIPSIS, DEEP, "default", ""})


def _names(body: tuple[Node, ...]) -> Iterator[tuple[str, str]]:
    """Variables of expressions and of names, and the words of a pattern."""
    for statement in body:
        for node in nodes_below(statement):
            fields = node[3:]
            if node[0] == ir.NAME:
                yield from _kinds(node[3], "expression")
            elif node[0] == ir.ATTR:
                yield from _kinds(node[4], "name")
            elif node[0] == ir.CALL:
                for name, _ in node[5]:
                    yield from _kinds(name or "", "name")
            elif node[0] == ir.IMPORT:
                for module, name, alias, _ in node[3]:
                    for one in (module, name, alias):
                        yield from _kinds(one or "", "name")
            elif fields and isinstance(fields[0], str) and node[0] in (ir.FUNCTION, ir.CLASS):
                yield from _kinds(fields[0], "name")


def _kinds(name: str, kind: str) -> Iterator[tuple[str, str]]:
    if name.startswith(VARIABLE):
        yield kind, name[len(VARIABLE) :]
    elif name.startswith(MANY):
        yield kind, name[len(MANY) :]
    elif name not in _NOT_WORDS and re.fullmatch(r"[\w$]+", name):
        yield "word", name
