"""Reads rule packs and checks every key of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from headgate.model.errors import BadInput
from headgate.model.finding import Confidence, Severity
from headgate.scan.packs.own_rules import own_kinds, taint_rule
from headgate.scan.packs.reading import Table, read
from headgate.scan.packs.schema import (
    Kind,
    KindName,
    Pack,
)
from headgate.scan.packs.shipped import kinds_with, packs_with, remedies, shipped, shipped_kinds
from headgate.scan.packs.sorts import (
    absence_in,
    entry_in,
    example_in,
    guard_in,
    literal_in,
    model_in,
    propagator_in,
    sanitizer_in,
    sink_in,
    source_in,
)
from headgate.scan.packs.terms import (
    Kinds,
    confidence_in,
    severity_in,
    severity_or_none,
)

T = TypeVar("T")
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
            (
                "cwe",
                "severity",
                "title",
                "message",
                "remedy",
                "labels",
                "confidence",
                "taint",
                "told_as",
            )
        )
        labels = {
            label: severity_or_none(one.table("labels"), label)
            for label in one.table("labels").values
        }
        default = labels.pop("default", None)
        name = KindName(key)
        kinds[name] = Kind(
            name=name,
            cwe=one.number("cwe"),
            severity=severity_in(one, "severity") or Severity.MEDIUM,
            title=one.text("title"),
            message=one.text("message"),
            remedy=one.text("remedy"),
            labels=labels,
            default_label=default,
            confidence=confidence_in(one, "confidence", Confidence.HIGH),
            taint=one.values.get("taint") is not False,
            told_as=KindName(one.text("told_as", "")),
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
        sources=every("sources", source_in),
        sinks=every("sinks", sink_in),
        sanitizers=every("sanitizers", sanitizer_in),
        guards=every("guards", guard_in),
        propagators=every("propagators", propagator_in),
        models=every("models", model_in),
        entries=every("entries", entry_in),
        literals=every("literals", literal_in),
        absences=every("absences", absence_in),
        never_returns=table.texts("never_returns"),
        tests=tuple(example_in(one, language) for one in table.tables("tests")),
        rules=tuple(rule for rule, _ in own),
        kinds=named,
    )


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


__all__ = [
    "Kinds",
    "kinds_with",
    "load_folder",
    "packs_with",
    "parse_kinds",
    "parse_pack",
    "remedies",
    "shipped",
    "shipped_kinds",
]
