"""Queries that are put together, made constant, with their values as parameters."""

from __future__ import annotations

import re

from tree_sitter import Node

from headgate.scan.fixes.source import Edit, Source, arguments, walk
from headgate.scan.fixes.texts import Part, parts_of, quoted

_STYLES = {
    "sqlite3": "?", "aiosqlite": "?", "psycopg2": "%s", "psycopg": "%s", "MySQLdb": "%s",
    "pymysql": "%s", "mysql": "%s", "aiomysql": "%s", "aiopg": "%s", "django": "%s",
    "asyncpg": "$",
}  # fmt: skip
"""How a driver writes parameters, by the module whose import tells it."""
_VALUE = re.compile(
    r"(=|<|>|\(|,|\blike|\bbetween|\band|\blimit|\boffset|\bthen|\belse|\bvalues)\s*$",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"\b(from|into|update|table|by|join|index|view)\s*[\"'`(]?\s*$|order\s+by.*$", re.IGNORECASE
)


def parameterised(source: Source, call: Node) -> list[Edit] | None:
    """Edits that turn `execute("… '" + value + "'")` into `execute("… ?", (value,))`."""
    try:
        positional, named = arguments(call)
    except LookupError:
        return None
    if len(positional) != 1 or named:
        return None
    query = positional[0]
    style = _style(source)
    if query.type == "call" and source.text(query).startswith(("text(", "sqlalchemy.text(")):
        inner, extra = arguments(query)
        if len(inner) != 1 or extra:
            return None
        query, style = inner[0], ":"
    if not style:
        return None
    if query.type == "identifier":
        made = _assigned(source, call, source.text(query))
        if made is None:
            return None
        query = made
    parts = parts_of(source, query)
    made_of = _separated(source, parts, style) if parts is not None else None
    if made_of is None:
        return None
    literal, values = made_of
    place = positional[0].end_byte
    if style == "$":
        given = ", " + ", ".join(values)
    elif style == ":":
        given = ", {" + ", ".join(f'"p{i}": {one}' for i, one in enumerate(values, 1)) + "}"
    else:
        given = f", ({values[0]},)" if len(values) == 1 else f", ({', '.join(values)})"
    return [source.replaced(query, literal), Edit(place, place, given)]


def _style(source: Source) -> str:
    styles = {_STYLES[one] for one in source.mentions(*_STYLES)}
    return styles.pop() if len(styles) == 1 else ""


def _assigned(source: Source, call: Node, name: str) -> Node | None:
    """The value of the only assignment to a name in the function of the call, just before it."""
    scope = call.parent
    while scope is not None and scope.type not in ("function_definition", "module"):
        scope = scope.parent
    found: list[Node] = []
    uses = 0
    for node in walk(scope) if scope is not None else ():
        if node.type in ("assignment", "augmented_assignment", "named_expression"):
            left = node.child_by_field_name("left") or node.child_by_field_name("name")
            if left is not None and source.text(left) == name:
                found.append(node)
        elif node.type == "identifier" and source.text(node) == name:
            uses += 1
    # Once where it is made, once where it is used.
    if len(found) != 1 or found[0].type != "assignment" or uses != 2:
        return None
    if found[0].start_byte > call.start_byte:
        return None
    return found[0].child_by_field_name("right")


def _separated(source: Source, parts: list[Part], style: str) -> tuple[str, list[str]] | None:
    merged: list[Part] = []
    for one in parts:
        if isinstance(one, str) and merged and isinstance(merged[-1], str):
            merged[-1] += one
        else:
            merged.append(one)
    texts: list[str] = [one if isinstance(one, str) else "" for one in merged]
    values: list[str] = []
    for index, one in enumerate(merged):
        if isinstance(one, str):
            if style == "%s":
                texts[index] = one.replace("%", "%%")
            continue
        before = texts[index - 1] if index else ""
        after = texts[index + 1] if index + 1 < len(merged) else ""
        if isinstance(merged[index - 1], Node) and index:
            return None
        value = source.text(one)
        for quote, percent in (("'", ""), ("'", "%"), ('\\"', ""), ('"', "")):
            sign = percent * (2 if style == "%s" and percent else 1)
            if before.endswith(quote + sign) and after.startswith(sign + quote):
                before = before[: len(before) - len(quote + sign)]
                after = after[len(sign + quote) :]
                if percent:
                    if '"' in value or "\\" in value:
                        return None
                    value = f'f"%{{{value}}}%"'
                break
        if not _VALUE.search(before) or _NAME.search(before):
            return None
        if re.match(r"[\w'\"]", after):
            return None
        values.append(value)
        mark = {"$": f"${len(values)}", ":": f":p{len(values)}"}.get(style, style)
        texts[index - 1], texts[index] = before, mark
        if index + 1 < len(merged):
            # The next text is looked at again as it was, less its quote.
            merged[index + 1] = after
            texts[index + 1] = after
    if not values:
        return None
    literal = quoted("".join(texts))
    return (literal, values) if literal is not None else None
