"""Rules of each sort, read from the tables of a pack."""

from __future__ import annotations

from typing import Any, cast

from headgate.model.finding import Confidence
from headgate.scan.packs.reading import Table
from headgate.scan.packs.schema import (
    Absence,
    Entry,
    Example,
    Guard,
    Literal,
    Model,
    Propagator,
    Requirement,
    Sanitizer,
    Sink,
    Source,
)
from headgate.scan.packs.terms import (
    Kinds,
    condition_in,
    conditions_in,
    confidence_in,
    exactly,
    kind_in,
    safe_for,
    selector_in,
    severity_in,
)


def source_in(table: Table, kinds: Kinds) -> Source:
    table.known(
        (
            "attr", "call", "param", "label", "what", "names", "skip", "injected", "safe_for",
            "type", "confidence", "arg", "keys", "body_only", "route_path",
            "exception", "parts_safe_for",
        )
    )  # fmt: skip
    exactly(table, "attr", "call", "param", "exception")
    names = table.values.get("names", "all")
    return Source(
        label=table.text("label"),
        what=table.text("what"),
        attr=table.texts("attr"),
        call=table.texts("call"),
        param=selector_in(table.table("param")) if "param" in table else None,
        names=names if isinstance(names, str) else table.texts("names"),
        skip=table.texts("skip"),
        injected=table.texts("injected"),
        safe_for=safe_for(table, kinds),
        parts_safe_for=safe_for(table, kinds, "parts_safe_for"),
        type=table.text("type", ""),
        confidence=confidence_in(table, "confidence", Confidence.HIGH),
        arg=table.place("arg"),
        body_only=table.flag("body_only"),
        route_path=table.flag("route_path"),
        exception=table.flag("exception"),
    )


def sink_in(table: Table, kinds: Kinds) -> Sink:
    table.known(
        (
            "call", "assign", "return", "args", "kind", "when", "confidence", "unknown_receiver",
            "unless", "receiver_like", "unless_type", "text", "unless_text", "what", "severity",
        )
    )  # fmt: skip
    exactly(table, "call", "assign", "return")
    return Sink(
        kind=kind_in(table, kinds),
        call=table.texts("call"),
        assign=table.texts("assign"),
        returned=selector_in(table.table("return")) if "return" in table else None,
        args=table.texts("args") or ("*",),
        when=conditions_in(table, "when"),
        confidence=confidence_in(table, "confidence", Confidence.HIGH),
        unknown_receiver=confidence_in(table, "unknown_receiver", Confidence.LOW),
        unless=conditions_in(table, "unless"),
        receiver_like=table.regex("receiver_like"),
        unless_type=table.texts("unless_type"),
        text=table.regex("text"),
        unless_text=table.regex("unless_text"),
        what=table.text("what", ""),
        severity=severity_in(table, "severity"),
    )


def sanitizer_in(table: Table, kinds: Kinds) -> Sanitizer:
    table.known(("call", "safe_for", "arg", "when"))
    return Sanitizer(
        call=table.texts("call"),
        safe_for=safe_for(table, kinds),
        arg=table.place("arg"),
        when=conditions_in(table, "when"),
    )


def guard_in(table: Table, kinds: Kinds) -> Guard:
    table.known(("call", "safe_for", "on", "raises", "when_false", "when"))
    return Guard(
        call=table.texts("call"),
        safe_for=safe_for(table, kinds),
        on=str(table.place("on") if "on" in table else "0"),
        raises=table.flag("raises"),
        when_false=table.flag("when_false"),
        when=conditions_in(table, "when"),
    )


def propagator_in(table: Table, kinds: Kinds) -> Propagator:
    table.known(("call", "from", "to", "type", "calls", "marks"))
    for mark in table.texts("marks"):
        if mark not in ("resolved", "host"):
            raise table.error("marks", f"there is no mark {mark!r}", "Take resolved or host.")
    return Propagator(
        call=table.texts("call"),
        sources=table.texts("from") or ("*",),
        to=str(table.place("to") if "to" in table else "return"),
        type=table.text("type", ""),
        calls=table.place("calls"),
        marks=table.texts("marks"),
    )


def _positions(table: Table) -> dict[str, tuple[int, ...]]:
    out: dict[str, tuple[int, ...]] = {}
    for key, value in table.values.items():
        items = cast("list[Any]", value) if isinstance(value, list) else [value]
        if not all(isinstance(i, int) for i in items):
            raise table.error(key, "has to be a list of positions")
        out[key] = tuple(items)
    return out


def model_in(table: Table, kinds: Kinds) -> Model:
    table.known(
        (
            "type",
            "from",
            "attrs",
            "params",
            "bases",
            "methods",
            "store",
            "put",
            "take",
            "inert",
            "kept",
        )
    )
    methods = table.table("methods")
    put, take = _positions(table.table("put")), _positions(table.table("take"))
    for name, places in _positions(table.table("store")).items():
        # Methods whose names begin so put, all others take.
        writes = name.startswith(("set", "add", "put", "push", "append", "insert", "update", "h"))
        (put if writes and name not in ("hget", "hgetall") else take)[name] = places
    return Model(
        type=table.text("type"),
        created=table.texts("from"),
        attrs=table.texts("attrs"),
        params=selector_in(table.table("params")) if "params" in table else None,
        bases=table.texts("bases"),
        methods={key: methods.text(key) for key in methods.values},
        put=put,
        take=take,
        inert=table.flag("inert"),
        kept=table.flag("kept"),
    )


def entry_in(table: Table, kinds: Kinds) -> Entry:
    names = ("decorator", "base", "method", "call", "handler", "annotation", "named", "first")
    table.known((*names, "kind", "path", "methods", "method_names"))
    selector = Table(table.file, "", table.line)
    selector.values = {key: table.values[key] for key in names if key in table}
    selector.lines = table.lines
    given = table.table("method_names")
    return Entry(
        selector=selector_in(selector),
        kind=table.text("kind", "route"),
        path=table.place("path"),
        methods=table.text("methods", ""),
        method_names={key: given.text(key) for key in given.values},
    )


def literal_in(table: Table, kinds: Kinds) -> Literal:
    table.known(
        (
            "call", "attr", "assign", "named", "compare", "value", "when_value", "when", "unless",
            "of", "beside", "outside", "labels", "into", "files", "kind", "confidence", "severity",
            "message",
        )
    )  # fmt: skip
    kind = kind_in(table, kinds)
    key = "value" if "value" in table else "when_value"
    if not any(one in table for one in ("call", "attr", "assign", "named")):
        raise table.error("", "one of call, attr, assign, named has to be given")
    return Literal(
        kind=kind,
        call=table.texts("call"),
        attr=table.texts("attr"),
        assign=table.texts("assign"),
        named=table.regex("named"),
        compare=table.flag("compare"),
        value=condition_in(table, key) if key in table else None,
        when=conditions_in(table, "when"),
        unless=conditions_in(table, "unless"),
        of=table.regex("of"),
        beside=table.texts("beside"),
        outside=table.regex("outside"),
        labels=table.texts("labels"),
        into=table.regex("into"),
        files=table.regex("files"),
        confidence=confidence_in(table, "confidence", kinds[kind].confidence),
        severity=severity_in(table, "severity"),
        message=table.text("message", ""),
    )


def _requirement(table: Table) -> Requirement:
    keys = ("decorator", "call", "attr", "mentions", "parameter", "base", "app")
    table.known(keys)
    exactly(table, *keys)
    return Requirement(
        decorator=table.texts("decorator"),
        call=table.texts("call"),
        attr=table.texts("attr"),
        mentions=table.regex("mentions"),
        parameter=table.texts("parameter"),
        base=table.texts("base"),
        app=table.texts("app"),
    )


def absence_in(table: Table, kinds: Kinds) -> Absence:
    table.known(
        (
            "kind", "rule", "on", "methods", "path", "unless_path", "where", "parameters",
            "require_any", "siblings", "question", "severity", "confidence",
        )
    )  # fmt: skip
    if "kind" not in table and "rule" in table:
        table.values["kind"] = table.values["rule"]
        table.lines["kind"] = table.lines["rule"]
    kind = kind_in(table, kinds)
    return Absence(
        kind=kind,
        on=table.text("on", "route"),
        methods=table.texts("methods"),
        path=table.regex("path"),
        unless_path=table.regex("unless_path"),
        where=tuple(_requirement(one) for one in table.tables("where")),
        parameters=table.text("parameters", ""),
        require_any=tuple(_requirement(one) for one in table.tables("require_any")),
        siblings=table.flag("siblings"),
        question=table.text("question", ""),
        severity=severity_in(table, "severity"),
        confidence=confidence_in(table, "confidence", Confidence.LOW),
    )


_FILES = {"python": "app.py", "javascript": "app.js"}
"""What the file of an example is called that has no name."""


def example_in(table: Table, language: str) -> Example:
    table.known(("bad", "good"))
    sides: list[dict[str, str]] = []
    for side in ("bad", "good"):
        value = table.values.get(side, "")
        if isinstance(value, Table):
            sides.append({name: value.text(name) for name in value.values})
        else:
            sides.append({_FILES[language]: table.text(side, "")} if value else {})
    return Example(bad=sides[0], good=sides[1], line=table.line)
