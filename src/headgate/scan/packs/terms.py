"""The words that rules of every sort share: kinds, severities, selectors, conditions."""

from __future__ import annotations

from typing import Any, cast

from headgate.model.finding import Confidence, Severity
from headgate.scan.packs.reading import Table
from headgate.scan.packs.schema import (
    ALL,
    Condition,
    KindName,
    Kinds,
    Selector,
)

_CONFIDENCES = "low, medium, high"
_SEVERITIES = "info, low, medium, high, critical"


def severity_in(table: Table, key: str) -> Severity | None:
    return table.choice(key, lambda word: Severity[word.upper()], _SEVERITIES, None)


def severity_or_none(table: Table, key: str) -> Severity | None:
    return None if table.values[key] in (None, "none") else severity_in(table, key)


def confidence_in(table: Table, key: str, default: Confidence) -> Confidence:
    return table.choice(key, lambda word: Confidence[word.upper()], _CONFIDENCES, default)


def kind_in(table: Table, kinds: Kinds) -> KindName:
    name = KindName(table.text("kind"))
    if name not in kinds:
        raise table.error("kind", f"there is no kind {name!r}", "Take one of kinds.yaml.")
    return name


def safe_for(table: Table, kinds: Kinds, key: str = "safe_for") -> tuple[str, ...]:
    names = table.texts(key)
    for name in names:
        if name != ALL and name not in kinds:
            raise table.error(key, f"there is no kind {name!r}", "Take one of kinds.yaml.")
    return names


def exactly(table: Table, *keys: str) -> None:
    given = [key for key in keys if key in table]
    if len(given) != 1:
        raise table.error("", f"exactly one of {', '.join(keys)} has to be given")


def selector_in(table: Table) -> Selector:
    table.known(
        (
            "decorator", "base", "method", "annotation", "default", "named", "beside", "first",
            "call", "handler", "given",
        )
    )  # fmt: skip
    if not table.values:
        raise table.error("", "selects nothing", "Say which functions, e.g. `decorator: NAME`.")
    handler = table.values.get("handler", [])
    places = cast("list[Any]", handler) if isinstance(handler, list) else [handler]
    return Selector(
        decorator=table.texts("decorator"),
        base=table.texts("base"),
        method=table.texts("method"),
        annotation=table.texts("annotation"),
        default=table.texts("default"),
        named=table.texts("named"),
        beside=table.texts("beside"),
        first=table.flag("first"),
        given=conditions_in(table, "given"),
        call=table.texts("call"),
        handler=tuple(places),
    )


_OPERATIONS = (
    "equals",
    "not",
    "in",
    "matches",
    "present",
    "absent",
    "constant",
    "below",
    "type",
    "exponential",
)


def condition_in(table: Table, key: str) -> Condition:
    value = table.values[key]
    if isinstance(value, Table):
        value.known(_OPERATIONS)
        exactly(value, *_OPERATIONS)
        (op,) = value.values
        given = value.values[op]
        if op == "equals":
            return Condition(equals=given)
        if op == "not":
            return Condition(negated=given, op="negated")
        if op == "in":
            items = cast("list[Any]", given) if isinstance(given, list) else [given]
            return Condition(among=tuple(items), op="among")
        if op == "matches":
            return Condition(matches=value.regex(op), op="matches")
        if op == "below":
            return Condition(below=float(given), op="below")
        if op == "exponential":
            words = {"any": "any", "whole": "whole"}
            word = value.choice(op, lambda one: words[one], "any, whole", "any")
            return Condition(exponential=word, op=op)
        if op == "type":
            return Condition(type=value.text(op), op="type")
        if op == "constant":
            return Condition(constant=value.flag(op), op="constant")
        return Condition(present=value.flag(op) is (op == "present"), op="present")
    if isinstance(value, list):
        return Condition(among=tuple(cast("list[Any]", value)), op="among")
    if value in ("present", "absent"):
        return Condition(present=value == "present", op="present")
    return Condition(equals=value)


def conditions_in(table: Table, key: str) -> dict[str, Condition]:
    inner = table.table(key)
    return {name: condition_in(inner, name) for name in inner.values}
