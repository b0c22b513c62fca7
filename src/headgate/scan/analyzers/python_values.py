"""What a Python expression is made of: constants, values put into a text, or something unknown."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum

from headgate.model.record import record
from headgate.scan.late import late


class Made(IntEnum):
    """How a text came to be, the worst last."""

    CONSTANT = 0
    """Written in the code, or a number, or quoted for its use."""
    UNKNOWN = 1
    """From elsewhere, as it is."""
    NAMED = 2
    """A constant text with a name's or attribute's value put into it that looks fixed."""
    BUILT = 3
    """A constant text with values put into it."""


_FIXED = late(r"_?[A-Z][A-Z0-9_]+|__\w+__")
_HARMLESS_CALLS = frozenset(
    {"int", "float", "len", "bool", "round", "sum", "id", "hash", "ord", "abs", "hex", "uuid4"}
)
_QUOTING_CALLS = frozenset({"quote", "quote_identifier", "literal_eval", "mogrify", "quote_ident"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_PERCENT = late(r"%(\(\w+\))?[-+ #0-9.]*[a-zA-Z]")
_DEPTH = 12


@record
class Value:
    """What is known of an expression."""

    made: Made
    where: ast.expr
    """The expression that puts the text together, where the remedy goes."""
    text: str = ""
    """The constant parts, with `\\0` for every value between them."""


class Scope:
    """The names of a function or module and every expression that each was given."""

    __slots__ = ("_added", "_given", "_root", "parent")

    def __init__(self, root: ast.Module | _Function, parent: Scope | None) -> None:
        self._root = root
        self.parent = parent
        self._given: dict[str, list[ast.expr | None]] | None = None
        self._added: dict[str, list[ast.expr]] = {}

    def give(self, name: str, value: ast.expr | None) -> None:
        """Note that a name is given a value; None: one that cannot be followed (a parameter, a
        loop over data, an import)."""
        if self._given is None:
            self._given = {}
        self._given.setdefault(name, []).append(value)

    def add(self, name: str, value: ast.expr) -> None:
        """Note that `+=` adds a value to a name."""
        self._added.setdefault(name, []).append(value)

    def find(self, name: str) -> tuple[Scope, list[ast.expr | None]] | None:
        """The scope that gives the name, and what it gives."""
        scope: Scope | None = self
        while scope is not None:
            if scope._given is None:
                scope._given = {}
                _fill(scope, scope._root)
            if name in scope._given:
                return scope, scope._given[name]
            scope = scope.parent
        return None

    def added(self, name: str) -> list[ast.expr]:
        """What `+=` adds to a name that this scope gives."""
        return self._added.get(name, [])


def scopes(tree: ast.Module) -> Iterator[tuple[ast.AST, Scope]]:
    """Every node with the scope that its names belong to."""
    stack: list[tuple[ast.AST, Scope]] = [(tree, Scope(tree, None))]
    while stack:
        node, scope = stack.pop()
        yield node, scope
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _Function):
                stack.append((child, Scope(child, scope)))
            else:
                stack.append((child, scope))


def _fill(scope: Scope, root: ast.Module | _Function) -> None:
    if not isinstance(root, ast.Module):
        arguments = root.args
        for argument in (
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            *([arguments.vararg] if arguments.vararg else []),
            *([arguments.kwarg] if arguments.kwarg else []),
        ):
            scope.give(argument.arg, None)
    todo: list[ast.AST] = list(ast.iter_child_nodes(root))
    while todo:
        node = todo.pop()
        _names(node, scope)
        if not isinstance(node, _Function):
            todo.extend(ast.iter_child_nodes(node))


def _names(node: ast.AST, scope: Scope) -> None:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _give(target, value, scope)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            _give(target, value, scope)
        case ast.NamedExpr(target=target, value=value):
            _give(target, value, scope)
        case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
            scope.add(name, value)
        case ast.AugAssign(target=target):
            _give(target, None, scope)
        case ast.For(target=target, iter=iterated) | ast.AsyncFor(target=target, iter=iterated):
            _give_each(target, iterated, scope)
        case ast.comprehension(target=target, iter=iterated):
            _give_each(target, iterated, scope)
        case ast.withitem(optional_vars=ast.expr() as target):
            _give(target, None, scope)
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            for alias in names:
                name = alias.asname or alias.name.split(".")[0]
                scope.give(name, None)
        case ast.ExceptHandler(name=str() as name):
            scope.give(name, None)
        case _:
            pass


def _give(target: ast.expr, value: ast.expr | None, scope: Scope) -> None:
    match target:
        case ast.Name(id=name):
            scope.give(name, value)
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            values: list[ast.expr | None] = [None] * len(targets)
            if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(targets):
                values = list(value.elts)
            for part, given in zip(targets, values, strict=True):
                _give(part, given, scope)
        case ast.Starred(value=inner):
            _give(inner, None, scope)
        case _:
            pass


def _give_each(target: ast.expr, iterated: ast.expr, scope: Scope) -> None:
    literal = isinstance(iterated, (ast.Tuple, ast.List, ast.Set))
    if literal and isinstance(target, ast.Name):
        for value in iterated.elts:
            _give(target, value, scope)
    else:
        _give(target, None, scope)


def value_of(node: ast.expr, scope: Scope, depth: int = 0) -> Value:
    """What the expression is made of, following local names and constants of the module."""
    if depth > _DEPTH:
        return Value(Made.UNKNOWN, node)

    def inner(child: ast.expr) -> Value:
        return value_of(child, scope, depth + 1)

    match node:
        case ast.Constant(value=constant):
            return Value(Made.CONSTANT, node, constant if isinstance(constant, str) else "")
        case ast.JoinedStr(values=values):
            return _put_together(node, values, inner)
        case ast.FormattedValue(value=value):
            return inner(value)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _put_together(node, [left, right], inner)
        case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod(), right=right):
            parts = right.elts if isinstance(right, ast.Tuple) else [right]
            if isinstance(right, ast.Dict):
                parts = right.values
            return _formatted(node, _PERCENT.sub("\0", text), parts, inner)
        case ast.BinOp(left=left, op=ast.Mult()):
            return inner(left)
        case ast.Call(func=ast.Attribute(value=text_node, attr="format")):
            text = inner(text_node)
            if text.made is not Made.CONSTANT or not text.text:
                return Value(max(text.made, Made.UNKNOWN), text.where, text.text)
            parts = [*node.args, *(keyword.value for keyword in node.keywords)]
            return _formatted(node, re.sub(r"\{[^{}]*\}", "\0", text.text), parts, inner)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as glue), attr="join")):
            return _joined(node, glue, inner)
        case ast.Call(func=ast.Attribute(value=owner, attr="strip" | "lower" | "upper" | "lstrip")):
            return inner(owner)
        case ast.Call(func=ast.Name(id="str"), args=[argument]):
            return inner(argument)
        case ast.Call(func=called):
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            shlex_join = ast.unparse(called) in ("shlex.join", "subprocess.list2cmdline")
            harmless = name in _HARMLESS_CALLS or name in _QUOTING_CALLS or shlex_join
            wrapped = node.args[:1] if name in ("text", "dedent", "cleandoc", "SQL") else []
            if wrapped:
                return inner(wrapped[0])
            return Value(Made.CONSTANT if harmless else Made.UNKNOWN, node)
        case ast.List(elts=elts) | ast.Tuple(elts=elts) | ast.Set(elts=elts):
            return _worst(Value(Made.CONSTANT, node), *(inner(one) for one in elts))
        case ast.IfExp(body=body, orelse=orelse):
            return _worst(inner(body), inner(orelse))
        case ast.BoolOp(values=values):
            return _worst(*(inner(value) for value in values))
        case ast.Await(value=value) | ast.NamedExpr(value=value):
            return inner(value)
        case ast.Subscript(value=ast.Dict(values=values)):
            return (
                _worst(*(inner(value) for value in values)) if values else Value(Made.UNKNOWN, node)
            )
        case ast.Name(id=name):
            return _named(node, name, scope, depth)
        case ast.Attribute(attr=name) if _FIXED.fullmatch(name):
            return Value(Made.CONSTANT, node)
        case _:
            return Value(Made.UNKNOWN, node)


def _worst(*values: Value) -> Value:
    return max(values, key=lambda value: value.made)


def _part(value: Value) -> Made:
    """What a value makes of the text that it is put into."""
    if value.made is not Made.UNKNOWN:
        return value.made
    fixed = isinstance(value.where, ast.Attribute) and (
        isinstance(value.where.value, ast.Name) and value.where.value.id in ("self", "cls")
    )
    return Made.NAMED if fixed else Made.BUILT


def _put_together(
    node: ast.expr, parts: Iterable[ast.expr], inner: Callable[[ast.expr], Value]
) -> Value:
    made = Made.CONSTANT
    pieces: list[str] = []
    text_seen = isinstance(node, ast.JoinedStr)
    for part in parts:
        value = inner(part)
        if value.made is Made.CONSTANT:
            text_seen = text_seen or bool(value.text)
            pieces.append(value.text or "0")
        else:
            text_seen = text_seen or value.made >= Made.NAMED
            pieces.append(value.text or "\0")
            made = max(made, _part(value))
    if made > Made.CONSTANT and not text_seen:
        made = Made.UNKNOWN
    return Value(made, node, "".join(pieces))


def _formatted(
    node: ast.expr, text: str, parts: Iterable[ast.expr], inner: Callable[[ast.expr], Value]
) -> Value:
    made = max((_part(inner(part)) for part in parts), default=Made.CONSTANT)
    return Value(made, node, text)


def _joined(node: ast.Call, glue: str, inner: Callable[[ast.expr], Value]) -> Value:
    if not node.args:
        return Value(Made.UNKNOWN, node)
    argument = node.args[0]
    if isinstance(argument, (ast.GeneratorExp, ast.ListComp, ast.SetComp)):
        return Value(inner(argument.elt).made, node)
    if isinstance(argument, (ast.List, ast.Tuple)):
        values = [inner(part) for part in argument.elts]
        made = max((_part(value) for value in values), default=Made.CONSTANT)
        return Value(made, node, glue.join(value.text or "\0" for value in values))
    repeated = inner(argument) if isinstance(argument, ast.BinOp) else None
    if repeated is not None and repeated.made is Made.CONSTANT:
        return Value(Made.CONSTANT, node)
    return Value(Made.UNKNOWN, node)


def _named(node: ast.Name, name: str, scope: Scope, depth: int) -> Value:
    found = scope.find(name)
    if found is None:
        return Value(Made.UNKNOWN, node)
    owner, given = found
    known = [one for one in given if one is not None]
    if not known or len(known) < len(given):
        fixed = bool(_FIXED.fullmatch(name)) and not known
        worst = Value(Made.CONSTANT if fixed else Made.UNKNOWN, node)
    else:
        worst = None
    values = [value_of(one, owner, depth + 1) for one in known]
    if worst is not None:
        values.append(worst)
    result = _worst(*values)
    for extra in owner.added(name):
        value = value_of(extra, owner, depth + 1)
        if value.made > Made.CONSTANT and result.made < Made.NAMED:
            text = f"{result.text}{value.text or chr(0)}"
            result = Value(_part(value) if result.text else Made.UNKNOWN, value.where, text)
    return result


def is_constant_at(tree: ast.Module, first: int, last: int) -> bool:
    """Whether every text put together on exactly these lines is made of constants."""
    found = [
        value_of(node, scope).made
        for node, scope in scopes(tree)
        if isinstance(node, (ast.JoinedStr, ast.BinOp, ast.Call))
        and (node.lineno, node.end_lineno) == (first, last)
        and (not isinstance(node, ast.Call) or getattr(node.func, "attr", "") == "format")
    ]
    return bool(found) and all(made is Made.CONSTANT for made in found)


def reads_constant_at(tree: ast.Module, line: int, column: int) -> bool:
    """Whether the call that begins here, or has an argument that does, is given a text that is
    written in the code."""
    for node, scope in scopes(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        parts = (node, *node.args[1:], *(one.value for one in node.keywords))
        if any((one.lineno, one.col_offset + 1) == (line, column) for one in parts):
            return _is_text(node.args[0], scope)
    return False


def _is_text(node: ast.expr, scope: Scope) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (str, bytes))
    if not isinstance(node, ast.Name):
        return False
    found = scope.find(node.id)
    return (
        found is not None
        and not found[0].added(node.id)
        and all(
            isinstance(one, ast.Constant) and isinstance(one.value, (str, bytes))
            for one in found[1]
        )
    )
