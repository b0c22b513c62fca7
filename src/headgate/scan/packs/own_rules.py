"""Reads the taint rules of a user's own: what code looks like at sources, sinks and sanitizers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from headgate.model.errors import BadInput
from headgate.model.finding import Severity
from headgate.scan.ir import nodes as ir
from headgate.scan.packs.reading import Table
from headgate.scan.packs.schema import Kind, KindName
from headgate.scan.patterns.code import compiled
from headgate.scan.patterns.schema import Formula, Op, Passing, Selected, TaintRule

OWN = "own"
"""Family of the rules."""
MAX_RULES = 500
"""In one pack."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_VARIABLE = re.compile(r"\$(?:\.\.\.)?([A-Z_][A-Z_0-9]*)")
_CHOOSING = ("match", "any", "all")
_ITEMS = (*_CHOOSING, "inside", "not", "not_inside", "focus", "where", "like")


def taint_rule(table: Table, language: str, taken: Any) -> tuple[TaintRule, Kind]:
    """One rule, and what it finds. Raises BadInput that names file, line and key."""
    table.known(
        (
            "rule", "title", "message", "remedy", "severity", "cwe", "files", "unless_files",
            "sources", "sinks", "sanitizers", "propagators", "partial",
        )
    )  # fmt: skip
    name = table.text("rule")
    if not _NAME.fullmatch(name):
        raise table.error("rule", "has to be small letters, digits, `.`, `-` and `_`")
    if name in taken:
        raise table.error("rule", f"{name!r} is a kind that Headgate ships", "Take another name.")
    rule = TaintRule(
        name=name,
        sources=_selected(table, "sources", language),
        sinks=_selected(table, "sinks", language),
        sanitizers=_selected(table, "sanitizers", language),
        propagators=_passing(table, language),
        files=table.regex("files"),
        unless_files=table.regex("unless_files"),
    )
    for key, given in (("sources", rule.sources), ("sinks", rule.sinks)):
        if not given:
            raise table.error(key, "at least one is needed")
    severity = table.choice(
        "severity",
        lambda word: Severity[word.upper()],
        "info, low, medium, high, critical",
        Severity.MEDIUM,
    )
    message = table.text("message")
    partial = table.texts("partial")
    if partial:
        # Whoever reads the finding is told that the rule it came from said more.
        message += f" (This rule was carried over in part: without {'; '.join(partial)}.)"
    return rule, Kind(
        name=KindName(name),
        cwe=table.number("cwe", 0),
        severity=severity,
        title=table.text("title", "") or re.sub(r"[._-]+", " ", name).strip().capitalize(),
        message=message,
        remedy=table.text("remedy", ""),
        labels={rule.label: severity},
        family=OWN,
    )


def own_kinds(table: Table, rules: Sequence[tuple[TaintRule, Kind]]) -> dict[KindName, Kind]:
    """What the rules of a pack find, by name. Raises BadInput for a name that is given twice."""
    if len(rules) > MAX_RULES:
        raise table.error("rules", f"there are more than {MAX_RULES}", "Write several packs.")
    out: dict[KindName, Kind] = {}
    for _, kind in rules:
        if kind.name in out:
            raise table.error("rules", f"there are two rules {kind.name!r}", "Rename one of them.")
        out[kind.name] = kind
    return out


def _selected(table: Table, key: str, language: str) -> tuple[Selected, ...]:
    out: list[Selected] = []
    for one in table.tables(key):
        one.known((*_CHOOSING, "exact", "in_place"))
        place = one.values.get("in_place", False)
        if place not in (True, False, "later"):
            raise one.error("in_place", "has to be true, false or later")
        if key == "sinks" and ("exact" in one or "in_place" in one):
            raise one.error("", "exact and in_place are for sources and sanitizers")
        formula = _choosing(one, language)
        why = not_one_expression(formula, language, assigned=key == "sinks")
        if why:
            raise one.error("", why, "Say with `focus` which variable is meant.")
        out.append(
            Selected(formula, one.flag("exact"), in_place=bool(place), later=place == "later")
        )
    return tuple(out)


def _passing(table: Table, language: str) -> tuple[Passing, ...]:
    out: list[Passing] = []
    for one in table.tables("propagators"):
        one.known((*_CHOOSING, "from", "to"))
        formula = _choosing(one, language)
        names = {key: _variable(one, key) for key in ("from", "to")}
        for key, name in names.items():
            if name not in variables_of(formula, language):
                raise one.error(key, f"no pattern has ${name} in it")
        out.append(Passing(formula, names["from"], names["to"]))
    return tuple(out)


def _variable(table: Table, key: str) -> str:
    match = _VARIABLE.fullmatch(table.text(key))
    if match is None:
        raise table.error(key, "has to be a variable of the pattern: `$X`")
    return match[1]


def _choosing(table: Table, language: str) -> Formula:
    """A table that has one of match, any and all."""
    given = [key for key in _CHOOSING if key in table]
    if len(given) != 1:
        raise table.error("", f"exactly one of {', '.join(_CHOOSING)} has to be given")
    return _formula(table, given[0], language)


def _formula(table: Table, key: str, language: str) -> Formula:
    if key == "match":
        text = table.text("match")
        try:
            compiled(text, language)
        except BadInput as error:
            raise table.error("match", f"the pattern {error.message}") from error
        return Formula(Op.MATCH, text)
    items = tuple(
        _item(one, language) if key == "all" else _choosing(_only(one), language)
        for one in table.tables(key)
    )
    if not items:
        raise table.error(key, "has nothing in it")
    if key == "any":
        return Formula(Op.ANY, items=items)
    if not any(one.op in (Op.MATCH, Op.ANY, Op.ALL, Op.INSIDE) for one in items):
        raise table.error(key, "nothing in it says what to look for", "Add `match` or `inside`.")
    formula = Formula(Op.ALL, items=items)
    known = variables_of(formula, language)
    for one in items:
        for name in one.names:
            if name not in known:
                raise table.error(key, f"no pattern has ${name} in it")
    return formula


def _only(table: Table) -> Table:
    table.known(_CHOOSING)
    return table


def _item(table: Table, language: str) -> Formula:
    """One thing that all has to hold."""
    table.known(_ITEMS)
    given = [key for key in _ITEMS if key in table and key != "like"]
    if len(given) != 1 or ("like" in table) != (given == ["where"]):
        raise table.error(
            "", "one of match, any, all, inside, not, not_inside, focus, where + like"
        )
    (key,) = given
    if key in _CHOOSING:
        return _formula(table, key, language)
    if key == "where":
        return Formula(Op.WHERE, table.regex("like"), names=(_variable(table, "where"),))
    if key == "focus":
        names: list[str] = []
        for text in table.texts("focus"):
            match = _VARIABLE.fullmatch(text)
            if match is None:
                raise table.error("focus", "has to be a variable of a pattern: `$X`")
            names.append(match[1])
        return Formula(Op.FOCUS, names=tuple(names))
    value = table.values[key]
    if isinstance(value, Table):
        inner = _choosing(_only(value), language)
    else:
        wrapped = Table(table.file, key, table.lines.get(key, table.line))
        wrapped.values = {"match": cast("object", value)}
        inner = _formula(wrapped, "match", language)
    return Formula(Op(key), items=(inner,))


def variables_of(formula: Formula, language: str) -> frozenset[str]:
    """The variables that a place which the formula selects has something for, at least in one
    way."""
    if formula.op is Op.MATCH:
        return compiled(formula.text, language).variables
    if formula.op in (Op.ANY, Op.ALL, Op.INSIDE):
        none: frozenset[str] = frozenset()
        return none.union(*(variables_of(one, language) for one in formula.items))
    return frozenset()


def not_one_expression(formula: Formula, language: str, *, assigned: bool = False) -> str:
    """Why what a formula selects is not always one expression; empty when it is. `assigned`: an
    assignment stands for what is assigned."""
    if formula.op is Op.MATCH:
        code = compiled(formula.text, language)
        statements = (ir.RETURN, ir.ASSIGN) if assigned else (ir.RETURN,)
        if code.is_expression or (len(code.body) == 1 and code.body[0][0] in statements):
            return ""
        return "selects statements, not an expression"
    if formula.op is Op.ANY:
        whys = (not_one_expression(one, language, assigned=assigned) for one in formula.items)
        return next(filter(None, whys), "")
    if formula.op is Op.ALL:
        focus = [name for one in formula.items if one.op is Op.FOCUS for name in one.names]
        if focus:
            named = _names_only(formula, language)
            bad = next((name for name in focus if name in named), "")
            return f"the focus ${bad} stands for a name, not for an expression" if bad else ""
        chosen = [one for one in formula.items if one.op in (Op.MATCH, Op.ANY, Op.ALL)]
        if chosen:
            # Of several patterns the inner one counts.
            found = [not_one_expression(one, language, assigned=assigned) for one in chosen]
            return "" if "" in found else found[0]
    return "selects everything inside of something, without a focus"


def _names_only(formula: Formula, language: str) -> frozenset[str]:
    if formula.op is Op.MATCH:
        return compiled(formula.text, language).named
    if formula.op in (Op.ANY, Op.ALL, Op.INSIDE):
        none: frozenset[str] = frozenset()
        return none.union(*(_names_only(one, language) for one in formula.items))
    return frozenset()
