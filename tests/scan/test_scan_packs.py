"""Every pack is tested by the examples that it carries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from headgate.scan.flow.analysis import analyse
from headgate.scan.front.lowered import lowered
from headgate.scan.packs.load import shipped, shipped_kinds
from headgate.scan.packs.schema import Example, Pack

PACKS = shipped("python")
_MARK = re.compile(r"# BAD: (?P<kinds>[a-z, -]+)$")


def found(files: Mapping[str, str]) -> set[tuple[str, int, str]]:
    """Path, line and kind of everything that is found in a small project."""
    sources = {path: text.encode() for path, text in files.items()}
    outcome = analyse(lowered(sources, None), PACKS, shipped_kinds())
    return {
        (one.path, sources[one.path].count(b"\n", 0, one.start) + 1, one.kind)
        for one in outcome.found
    }


def marked(files: Mapping[str, str]) -> set[tuple[str, int, str]]:
    return {
        (path, number, kind.strip())
        for path, text in files.items()
        for number, line in enumerate(text.split("\n"), 1)
        if (match := _MARK.search(line))
        for kind in match["kinds"].split(",")
    }


def examples() -> Iterator[object]:
    for pack in PACKS:
        for example in pack.tests:
            yield pytest.param(pack, example, id=f"{pack.name}:{example.line}")


@pytest.mark.parametrize(("pack", "example"), list(examples()))
def test_the_examples_of_a_pack_hold(pack: Pack, example: Example) -> None:
    assert found(example.bad) == marked(example.bad)
    assert not marked(example.good)
    assert found(example.good) == set()


def test_every_pack_has_examples_and_a_name_that_is_its_file() -> None:
    assert all(pack.tests for pack in PACKS)
    assert {pack.name.replace("-", "_") for pack in PACKS} == {
        pack.path.rpartition("/")[2].removesuffix(".yaml") for pack in PACKS
    }


def test_every_kind_says_what_to_do_and_has_an_official_number() -> None:
    for kind in shipped_kinds().values():
        assert kind.cwe > 0
        assert kind.title
        assert kind.message.endswith(".")
        assert kind.remedy.endswith(".")
        assert set(re.findall(r"\{(\w+)\}", kind.message)) <= {"source", "sink"}
