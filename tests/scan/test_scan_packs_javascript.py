"""Every JavaScript pack finds what its examples say, on the lines that say so, and nothing else."""

from __future__ import annotations

import re

import pytest

from headgate.scan.analyzers.flow_javascript import JavaScriptFlow
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.packs.load import remedies, shipped, shipped_kinds
from headgate.scan.packs.schema import Example

EXAMPLES = [
    pytest.param(example, id=f"{pack.name}-{index}")
    for pack in shipped("javascript")
    for index, example in enumerate(pack.tests)
]
_BAD = re.compile(r"BAD: (?P<kinds>[a-z, -]+?)\s*(\*/\}?)?$")
FLOW = JavaScriptFlow()


def found(files: dict[str, str]) -> set[tuple[str, int, str]]:
    sources = [SourceFile(path, text.encode()) for path, text in files.items()]
    hits = FLOW.scan(sources).hits
    return {
        (f.span.path, f.span.line, f.rule.removeprefix("javascript/"))
        for f in (hit.finding for hit in hits)
    }


def expected(files: dict[str, str]) -> set[tuple[str, int, str]]:
    return {
        (path, number, kind.strip())
        for path, text in files.items()
        for number, line in enumerate(text.split("\n"), 1)
        if (match := _BAD.search(line))
        for kind in match["kinds"].split(",")
    }


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example(example: Example) -> None:
    assert found(dict(example.bad)) == expected(dict(example.bad))
    assert found(dict(example.good)) == set()


def test_every_kind_that_a_pack_names_has_a_remedy_in_javascript() -> None:
    named = {one.kind for pack in shipped("javascript") for one in (*pack.sinks, *pack.literals)}
    assert named - remedies("javascript").keys() == set()
    assert remedies("javascript").keys() <= shipped_kinds().keys()
