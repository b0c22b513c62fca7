"""The nodes of the intermediate representation: plain tuples, so that `marshal` can keep them.

Every node is `(OP, start, end, *fields)`. `start` and `end` are byte offsets into the UTF-8 text of
the file (without a byte order mark); `headgate.scan.text.Offsets` turns them into lines and columns
when something is reported, which is seldom. The comment behind each operation names its fields.
`expr?` may be None, `expr*` is a tuple of nodes. A front end never raises on broken input: it
lowers what it understands, and counts what it does not in `Module`.

What a language has and this does not is lowered to what it means, so that the analysis knows one
language only: `a?.b` is ATTR, `===` is `==`, a tagged template is a CALL with a BUILD.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Final

from headgate.model.record import record

Node = tuple[Any, ...]
"""`(OP, start, end, *fields)`."""

# Expressions
CONST: Final = 0
"""value: str | bytes | int | float | bool | None. `undefined` is None."""
NAME: Final = 1
"""id: str. JavaScript's `this` is the name `this`, `super` is `super`."""
ATTR: Final = 2
"""object: expr, name: str"""
INDEX: Final = 3
"""object: expr, index: expr (a SLICE for `a[1:2]`)"""
SLICE: Final = 4
"""low: expr?, high: expr?, step: expr?"""
CALL: Final = 5
"""function: expr, arguments: expr* (STAR for spreads), keywords: tuple of (name: str | None, expr)
with None for `**x`, new: bool (`new X()`)"""
BUILD: Final = 6
"""parts: expr*. Text put together in place: f-strings and template literals. Constant parts are
CONST; the others are turned into text."""
BINARY: Final = 7
"""operator: str (`+ - * / // % ** @ << >> >>> & | ^`), left: expr, right: expr. `+` and `%` on
text are recognised by the analysis."""
UNARY: Final = 8
"""operator: str (`not - + ~ typeof void`), operand: expr. JavaScript's `!` is `not`."""
COMPARE: Final = 9
"""left: expr, rest: tuple of (operator: str, expr). Operators: `== != < <= > >= in`, `not in`,
`is`, `is not`, `instanceof`."""
BOOL: Final = 10
"""operator: `and` | `or` | `??`, operands: expr*"""
COND: Final = 11
"""test: expr, then: expr, otherwise: expr"""
SEQ: Final = 12
"""kind: `list` | `tuple` | `set`, items: expr* (STAR for spreads). Also a destructuring target."""
MAP: Final = 13
"""entries: tuple of (key: expr | None, value: expr); key None spreads the value into it. Also a
destructuring target; a rest element then has the key None."""
LAMBDA: Final = 14
"""function: FUNCTION. Function expressions, arrow functions."""
COMPREHENSION: Final = 15
"""kind: `list` | `set` | `dict` | `generator`, key: expr? (of `dict`), element: expr, clauses:
tuple of (target, iterable: expr, conditions: expr*)"""
AWAIT: Final = 16
"""operand: expr"""
YIELD: Final = 17
"""operand: expr?, delegates: bool (`yield from`, `yield*`)"""
ASSIGNING: Final = 18
"""target, operator: str (empty, or that of an augmented assignment), value: expr. An assignment
that is an expression: `:=`, JavaScript's `=` and `+=` inside expressions."""
STAR: Final = 19
"""operand: expr. A spread or a rest element, in calls, sequences and targets."""
REGEX: Final = 20
"""pattern: str, flags: str. A literal regular expression."""
CLASS_EXPR: Final = 21
"""class: CLASS. A class that is an expression."""
MARKUP: Final = 22
"""tag: str | expr, attributes: tuple of (name: str | None, expr), children: expr*. JSX."""
OPAQUE: Final = 23
"""operands: expr*. Whatever has no node of its own: its value depends on all of its operands."""
DEFAULT: Final = 24
"""target, default: expr. In destructuring targets only."""
COMMA: Final = 25
"""operands: expr*. Evaluated in order; the last one is the value."""

# Statements
EXPR: Final = 40
"""value: expr"""
ASSIGN: Final = 41
"""targets: tuple of targets (`a = b = value` has two), value: expr? (None: declared only),
annotation: expr?. Targets are NAME, ATTR, INDEX, SEQ, MAP, STAR, DEFAULT."""
AUGMENT: Final = 42
"""target, operator: str (without `=`), value: expr"""
IF: Final = 43
"""test: expr, body: stmt*, otherwise: stmt*"""
FOR: Final = 44
"""target, iterable: expr, body: stmt*, otherwise: stmt*, over: `items` | `keys` (JavaScript's
`for … in`). A counting loop is its start, then a WHILE."""
WHILE: Final = 45
"""test: expr, body: stmt*, otherwise: stmt*, first: bool (the body runs before the test)"""
TRY: Final = 46
"""body: stmt*, handlers: tuple of (type: expr?, name: str | None, body: stmt*), otherwise: stmt*,
finally: stmt*"""
WITH: Final = 47
"""items: tuple of (context: expr, target?), body: stmt*"""
RETURN: Final = 48
"""value: expr?"""
RAISE: Final = 49
"""value: expr?"""
MATCH: Final = 50
"""subject: expr, cases: tuple of (pattern, guard: expr?, body: stmt*), falls: bool (a case without
`break` runs on into the next, as JavaScript's `switch` does; the BREAKs are in the bodies)"""
FUNCTION: Final = 51
"""name: str (empty for lambdas), parameters: tuple of PARAMETER, body: stmt*, decorators: expr*,
returns: expr? (annotation), flags: int (ASYNC | GENERATOR | …), locals: tuple of str (names that
the body binds, parameters included, `global` and `nonlocal` ones not), size: int (statements in
it, nested ones included), mentions: frozenset of str (every name, attribute name and keyword in
it). An arrow function with an expression as body has one RETURN."""
CLASS: Final = 52
"""name: str, bases: expr*, keywords: tuple of (str, expr), decorators: expr*, body: stmt*. Fields
are ASSIGNs to NAMEs in the body; JavaScript's constructor is the method `constructor`."""
IMPORT: Final = 53
"""entries: tuple of (module: str, name: str, alias: str, level: int). name empty: the module
itself, bound to alias (`import a.b` without `as` binds `a`: alias is `a`, and module `a.b`; then
`first` names are resolved from the root). name `*`: everything. level: dots of a relative import.
JavaScript: module as written (`./db`), name `default` for default imports; `require` at the top of
a declaration is lowered to it too."""
EXPORT: Final = 54
"""entries: tuple of (name: str, expr). JavaScript's exports, `module.exports = …` (name `default`)
and `exports.x = …` included."""
DELETE: Final = 55
"""targets: expr*"""
GLOBAL: Final = 56
"""names: tuple of str"""
NONLOCAL: Final = 57
"""names: tuple of str"""
BREAK: Final = 58
""""""
CONTINUE: Final = 59
""""""
ASSERT: Final = 60
"""test: expr"""
BLOCK: Final = 61
"""body: stmt*"""

# Patterns of MATCH
P_VALUE: Final = 80
"""value: expr"""
P_CAPTURE: Final = 81
"""pattern?, name: str | None. `case x`, `case _` (both None), `case P as x`, `default:`."""
P_OR: Final = 82
"""patterns"""
P_SEQ: Final = 83
"""patterns (STAR of a P_CAPTURE for `*rest`)"""
P_MAP: Final = 84
"""entries: tuple of (key: expr, pattern), rest: str | None"""
P_CLASS: Final = 85
"""class: expr, positional patterns, keywords: tuple of (str, pattern)"""

# Parameters
PARAMETER: Final = 90
"""target: NAME or a destructuring target, default: expr?, annotation: expr?, kind: int"""
PLAIN: Final = 0
POSITIONAL_ONLY: Final = 1
REST: Final = 2
"""`*args`, JavaScript's `...args`."""
KEYWORD_ONLY: Final = 3
KEYWORDS: Final = 4
"""`**kwargs`"""

# Flags of functions
ASYNC: Final = 1
GENERATOR: Final = 2
ARROW: Final = 4
"""An arrow function: `this` is that of the function around it."""
STATIC: Final = 8
"""A JavaScript method that is `static`; Python's is a decorator."""
GETTER: Final = 16
SETTER: Final = 32


@record
class Module:
    """One file, lowered."""

    language: str
    """`python`, `javascript` (TypeScript and JSX too)."""
    body: tuple[Node, ...]
    imports: tuple[str, ...]
    """Modules that it imports, anywhere in it, as written, relative ones with their dots."""
    mentions: frozenset[str]
    """Every name, attribute name, keyword and short constant text in it."""
    broken: tuple[tuple[int, int], ...] = field(default=())
    """Byte ranges that could not be understood; at most a hundred of them."""


def as_plain(module: Module) -> tuple[Any, ...]:
    """What `marshal` can write."""
    return (module.language, module.body, module.imports, module.mentions, module.broken)


def from_plain(plain: tuple[Any, ...]) -> Module:
    """The inverse of `as_plain`."""
    return Module(*plain)
