"""Rule packs that a project brings along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from headgate.model.errors import BadInput
from headgate.model.finding import Outcome
from headgate.scan.analyzers.flow import Flow
from headgate.scan.analyzers.flow_javascript import JavaScriptFlow
from headgate.scan.analyzers.interface import Analysis, Analyzer, SourceFile
from headgate.scan.packs.load import (
    kinds_with,
    packs_with,
    parse_pack,
    shipped,
    shipped_kinds,
)
from headgate.scan.packs.schema import Pack


@dataclass(frozen=True, slots=True)
class Unusable:
    """Says that the rules of a project cannot be used, so that its source was not examined."""

    why: str

    name = "rules"
    check = "source"

    def wants(self, path: str, start: bytes) -> bool:
        return False

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        return Analysis(Outcome.NOT_RUN, self.why)


def project_packs(files: Sequence[SourceFile]) -> list[Pack]:
    """The packs in files of a project. Raises BadInput for what is no pack, and for one of the name
    of a pack that Headgate ships: a project adds rules, and takes none away."""
    packs: list[Pack] = []
    seen: dict[tuple[str, str], str] = {}
    for file in files:
        pack = parse_pack(file.data, file.path, shipped_kinds())
        if any(one.name == pack.name for one in shipped(pack.language)):
            raise BadInput(
                f"{file.path}: pack: {pack.name!r} is a pack that Headgate ships.",
                "Give it another name.",
            )
        other = seen.setdefault((pack.name, pack.language), file.path)
        if other != file.path:
            raise BadInput(
                f"{file.path}: pack: {pack.name!r} is the name of {other} as well.",
                "Give one of them another name.",
            )
        packs.append(pack)
    kinds_with(packs)
    return packs


def with_rules(tools: Sequence[Analyzer], files: Sequence[SourceFile]) -> tuple[Analyzer, ...]:
    """The analyzers, with the packs of a project besides those that Headgate ships. When these
    cannot be used, the others still look, and the check did not run."""
    try:
        own = project_packs(files)
    except BadInput as error:
        return (*tools, Unusable(error.message))
    kinds = kinds_with(own)

    def packs(language: str) -> Sequence[Pack]:
        return packs_with(own, language)

    return tuple(
        replace(one, packs=packs, kinds=lambda: kinds)
        if isinstance(one, Flow | JavaScriptFlow)
        else one
        for one in tools
    )
