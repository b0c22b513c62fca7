"""Reads rule packs and checks every key of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar, cast

from headgate.model.errors import BadInput
from headgate.model.finding import Confidence, Severity
from headgate.scan.packs.own_rules import own_kinds, taint_rule
from headgate.scan.packs.reading import Table, read
from headgate.scan.packs.schema import (
    ALL,
    Absence,
    Condition,
    Entry,
    Example,
    Guard,
    Kind,
    KindName,
    Literal,
    Model,
    Pack,
    Propagator,
    Requirement,
    Sanitizer,
    Selector,
    Sink,
    Source,
)

T = TypeVar("T")
Kinds = Mapping[KindName, Kind]
_CONFIDENCES = "low, medium, high"
_SEVERITIES = "info, low, medium, high, critical"
_TOP = (
    "pack", "language", "version", "when", "aliases", "sources", "sinks", "sanitizers", "guards",
    "propagators", "models", "entries", "literals", "absences",
    "never_returns", "tests", "rules",
)  # fmt: skip


def parse_kinds(data: bytes, file: str) -> dict[KindName, Kind]:
    """The kinds in a `kinds.yaml`. Raises BadInput."""
    kinds: dict[KindName, Kind] = {}
    table = read(data, file)
    for key in table.values:
        one = table.table(key)
        one.known(
            ("cwe", "severity", "title", "message", "remedy", "labels", "confidence", "taint")
        )
        labels = {
            label: _severity_or_none(one.table("labels"), label)
            for label in one.table("labels").values
        }
        default = labels.pop("default", None)
        name = KindName(key)
        kinds[name] = Kind(
            name=name,
            cwe=one.number("cwe"),
            severity=_severity(one, "severity") or Severity.MEDIUM,
            title=one.text("title"),
            message=one.text("message"),
            remedy=one.text("remedy"),
            labels=labels,
            default_label=default,
            confidence=_confidence(one, "confidence", Confidence.HIGH),
            taint=one.values.get("taint") is not False,
        )
    return kinds


def parse_pack(data: bytes, file: str, kinds: Kinds) -> Pack:
    """One pack. Raises BadInput that names file, line and key for anything it does not know."""
    table = read(data, file)
    table.known(_TOP)

    def every(key: str, convert: Callable[[Table, Kinds], T]) -> tuple[T, ...]:
        return tuple(convert(one, kinds) for one in table.tables(key))

    language = table.text("language")
    if language not in ("python", "javascript"):
        raise table.error("language", "has to be python or javascript")
    aliases = table.table("aliases")
    own = [taint_rule(one, language, kinds) for one in table.tables("rules")]
    named = own_kinds(table, own)
    kinds = {**kinds, **named}
    return Pack(
        name=table.text("pack"),
        language=language,
        version=table.number("version"),
        path=file,
        when=table.texts("when"),
        aliases={key: aliases.text(key) for key in aliases.values},
        sources=every("sources", _source),
        sinks=every("sinks", _sink),
        sanitizers=every("sanitizers", _sanitizer),
        guards=every("guards", _guard),
        propagators=every("propagators", _propagator),
        models=every("models", _model),
        entries=every("entries", _entry),
        literals=every("literals", _literal),
        absences=every("absences", _absence),
        never_returns=table.texts("never_returns"),
        tests=every("tests", _example),
        rules=tuple(rule for rule, _ in own),
        kinds=named,
    )


@functools.cache
def shipped_kinds() -> Kinds:
    """The kinds that Headgate ships."""
    return parse_kinds((_data() / "kinds.yaml").read_bytes(), "kinds.yaml")


@functools.cache
def remedies(language: str) -> Mapping[KindName, str]:
    """How kinds are mended in a language, where that is not what `kinds.yaml` says."""
    file = f"remedies_{language}.yaml"
    place = _data() / file
    if not place.is_file():
        return {}
    table = read(place.read_bytes(), file)
    return {KindName(name): table.text(name) for name in table.values}


@functools.cache
def shipped(language: str) -> tuple[Pack, ...]:
    """The packs that Headgate ships for a language, by name."""
    folder = _data() / language
    files = sorted(
        (one for one in folder.iterdir() if one.name.endswith(".yaml")), key=lambda one: one.name
    )
    return tuple(
        parse_pack(one.read_bytes(), f"{language}/{one.name}", shipped_kinds()) for one in files
    )


def packs_with(own: Sequence[Pack], language: str) -> tuple[Pack, ...]:
    """The packs that Headgate ships for a language, and these; one of the same name takes the
    place of the shipped one."""
    mine = [pack for pack in own if pack.language == language]
    names = {pack.name for pack in mine}
    return (*(pack for pack in shipped(language) if pack.name not in names), *mine)


def kinds_with(own: Sequence[Pack]) -> Kinds:
    """The kinds that Headgate ships, and those of the rules in these packs. Raises BadInput when
    two packs have rules of one name."""
    if not any(pack.kinds for pack in own):
        return shipped_kinds()
    out = dict(shipped_kinds())
    where: dict[tuple[KindName, str], str] = {}
    for pack in own:
        for name, kind in pack.kinds.items():
            other = where.setdefault((name, pack.language), pack.path)
            if other != pack.path:
                raise BadInput(
                    f"{pack.path}: rules: there is a rule {name!r} in {other}, too.",
                    "Give one of them another name.",
                )
            out[name] = kind
    return out


def load_folder(folder: Path, kinds: Kinds) -> tuple[Pack, ...]:
    """The packs `*.yaml` of a folder of the user's, by name. Raises BadInput."""
    packs: list[Pack] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path.name}: {error.strerror}.", "Make it readable.") from error
        packs.append(parse_pack(data, path.name, kinds))
    return tuple(packs)


def _data() -> Traversable:
    return resources.files("headgate.scan.packs").joinpath("data")


def _severity(table: Table, key: str) -> Severity | None:
    return table.choice(key, lambda word: Severity[word.upper()], _SEVERITIES, None)


def _severity_or_none(table: Table, key: str) -> Severity | None:
    return None if table.values[key] in (None, "none") else _severity(table, key)


def _confidence(table: Table, key: str, default: Confidence) -> Confidence:
    return table.choice(key, lambda word: Confidence[word.upper()], _CONFIDENCES, default)


def _kind(table: Table, kinds: Kinds) -> KindName:
    name = KindName(table.text("kind"))
    if name not in kinds:
        raise table.error("kind", f"there is no kind {name!r}", "Take one of kinds.yaml.")
    return name


def _safe_for(table: Table, kinds: Kinds) -> tuple[str, ...]:
    names = table.texts("safe_for")
    for name in names:
        if name != ALL and name not in kinds:
            raise table.error("safe_for", f"there is no kind {name!r}", "Take one of kinds.yaml.")
    return names


def _exactly(table: Table, *keys: str) -> None:
    given = [key for key in keys if key in table]
    if len(given) != 1:
        raise table.error("", f"exactly one of {', '.join(keys)} has to be given")


def _selector(table: Table) -> Selector:
    table.known(
        (
            "decorator", "base", "method", "annotation", "default", "named", "first", "call",
            "handler",
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
        first=table.flag("first"),
        call=table.texts("call"),
        handler=tuple(places),
    )


_OPERATIONS = ("equals", "not", "in", "matches", "present", "absent", "constant", "below", "type")


def _condition(table: Table, key: str) -> Condition:
    value = table.values[key]
    if isinstance(value, Table):
        value.known(_OPERATIONS)
        _exactly(value, *_OPERATIONS)
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


def _conditions(table: Table, key: str) -> dict[str, Condition]:
    inner = table.table(key)
    return {name: _condition(inner, name) for name in inner.values}


def _source(table: Table, kinds: Kinds) -> Source:
    table.known(
        (
            "attr", "call", "param", "label", "what", "names", "skip", "injected", "safe_for",
            "type", "confidence", "arg", "keys", "body_only", "route_path",
            "exception",
        )
    )  # fmt: skip
    _exactly(table, "attr", "call", "param", "exception")
    names = table.values.get("names", "all")
    return Source(
        label=table.text("label"),
        what=table.text("what"),
        attr=table.texts("attr"),
        call=table.texts("call"),
        param=_selector(table.table("param")) if "param" in table else None,
        names=names if isinstance(names, str) else table.texts("names"),
        skip=table.texts("skip"),
        injected=table.texts("injected"),
        safe_for=_safe_for(table, kinds),
        type=table.text("type", ""),
        confidence=_confidence(table, "confidence", Confidence.HIGH),
        arg=table.place("arg"),
        body_only=table.flag("body_only"),
        route_path=table.flag("route_path"),
        exception=table.flag("exception"),
    )


def _sink(table: Table, kinds: Kinds) -> Sink:
    table.known(
        (
            "call", "assign", "return", "args", "kind", "when", "confidence", "unknown_receiver",
            "unless", "receiver_like", "unless_type", "text", "unless_text", "what", "severity",
        )
    )  # fmt: skip
    _exactly(table, "call", "assign", "return")
    return Sink(
        kind=_kind(table, kinds),
        call=table.texts("call"),
        assign=table.texts("assign"),
        returned=_selector(table.table("return")) if "return" in table else None,
        args=table.texts("args") or ("*",),
        when=_conditions(table, "when"),
        confidence=_confidence(table, "confidence", Confidence.HIGH),
        unknown_receiver=_confidence(table, "unknown_receiver", Confidence.LOW),
        unless=_conditions(table, "unless"),
        receiver_like=table.regex("receiver_like"),
        unless_type=table.texts("unless_type"),
        text=table.regex("text"),
        unless_text=table.regex("unless_text"),
        what=table.text("what", ""),
        severity=_severity(table, "severity"),
    )


def _sanitizer(table: Table, kinds: Kinds) -> Sanitizer:
    table.known(("call", "safe_for", "arg", "when"))
    return Sanitizer(
        call=table.texts("call"),
        safe_for=_safe_for(table, kinds),
        arg=table.place("arg"),
        when=_conditions(table, "when"),
    )


def _guard(table: Table, kinds: Kinds) -> Guard:
    table.known(("call", "safe_for", "on", "raises", "when_false", "when"))
    return Guard(
        call=table.texts("call"),
        safe_for=_safe_for(table, kinds),
        on=str(table.place("on") if "on" in table else "0"),
        raises=table.flag("raises"),
        when_false=table.flag("when_false"),
        when=_conditions(table, "when"),
    )


def _propagator(table: Table, kinds: Kinds) -> Propagator:
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


def _model(table: Table, kinds: Kinds) -> Model:
    table.known(
        ("type", "from", "attrs", "params", "bases", "methods", "store", "put", "take", "inert")
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
        params=_selector(table.table("params")) if "params" in table else None,
        bases=table.texts("bases"),
        methods={key: methods.text(key) for key in methods.values},
        put=put,
        take=take,
        inert=table.flag("inert"),
    )


def _entry(table: Table, kinds: Kinds) -> Entry:
    names = ("decorator", "base", "method", "call", "handler", "annotation", "named", "first")
    table.known((*names, "kind", "path", "methods", "method_names"))
    selector = Table(table.file, "", table.line)
    selector.values = {key: table.values[key] for key in names if key in table}
    selector.lines = table.lines
    given = table.table("method_names")
    return Entry(
        selector=_selector(selector),
        kind=table.text("kind", "route"),
        path=table.place("path"),
        methods=table.text("methods", ""),
        method_names={key: given.text(key) for key in given.values},
    )


def _literal(table: Table, kinds: Kinds) -> Literal:
    table.known(
        (
            "call", "attr", "assign", "named", "compare", "value", "when_value", "when", "unless",
            "into", "files", "kind", "confidence", "severity", "message",
        )
    )  # fmt: skip
    kind = _kind(table, kinds)
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
        value=_condition(table, key) if key in table else None,
        when=_conditions(table, "when"),
        unless=_conditions(table, "unless"),
        into=table.regex("into"),
        files=table.regex("files"),
        confidence=_confidence(table, "confidence", kinds[kind].confidence),
        severity=_severity(table, "severity"),
        message=table.text("message", ""),
    )


def _requirement(table: Table) -> Requirement:
    keys = ("decorator", "call", "attr", "mentions", "parameter", "base", "app")
    table.known(keys)
    _exactly(table, *keys)
    return Requirement(
        decorator=table.texts("decorator"),
        call=table.texts("call"),
        attr=table.texts("attr"),
        mentions=table.regex("mentions"),
        parameter=table.texts("parameter"),
        base=table.texts("base"),
        app=table.texts("app"),
    )


def _absence(table: Table, kinds: Kinds) -> Absence:
    table.known(
        (
            "kind", "rule", "on", "methods", "path", "unless_path", "where", "parameters",
            "require_any", "siblings", "question", "severity", "confidence",
        )
    )  # fmt: skip
    if "kind" not in table and "rule" in table:
        table.values["kind"] = table.values["rule"]
        table.lines["kind"] = table.lines["rule"]
    kind = _kind(table, kinds)
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
        severity=_severity(table, "severity"),
        confidence=_confidence(table, "confidence", Confidence.LOW),
    )


def _example(table: Table, kinds: Kinds) -> Example:
    table.known(("bad", "good"))
    sides: list[dict[str, str]] = []
    for side in ("bad", "good"):
        value = table.values.get(side, "")
        if isinstance(value, Table):
            sides.append({name: value.text(name) for name in value.values})
        else:
            sides.append({"app.py": table.text(side, "")} if value else {})
    return Example(bad=sides[0], good=sides[1], line=table.line)
