"""Pairs of programs of which one is harmful: the harmful one is found, the other one is not."""

from __future__ import annotations

import ast

import pytest
from twin_suite import Program, scores, twins

from headgate.scan.flow.analysis import analyse
from headgate.scan.front.lowered import lowered
from headgate.scan.packs.load import shipped, shipped_kinds


def found(program: Program) -> set[str]:
    files = {path: text.encode() for path, text in program.items()}
    return {one.kind for one in analyse(lowered(files, None), PACKS, KINDS).found}


PACKS = shipped("python")
KINDS = shipped_kinds()


def test_the_suite_is_large_and_its_programs_are_programs() -> None:
    pairs = list(twins())
    assert len(pairs) >= 400
    assert len({pair.name.rpartition("/")[2].partition("-")[0] for pair in pairs}) >= 6
    assert len({pair.name for pair in pairs}) == len(pairs)
    for pair in pairs:
        assert pair.bad != pair.good
        for text in (*pair.bad.values(), *pair.good.values()):
            ast.parse(text)


def test_harmful_programs_are_told_from_their_harmless_twins(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table, wrong = scores(found)
    macro = sum(one.youden for one in table.values()) / len(table)
    false = (
        100 * sum(one.false for one in table.values()) / sum(one.pairs for one in table.values())
    )
    with capsys.disabled():
        print(f"\n{'kind':26} pairs  Youden   FPR")
        for kind, score in sorted(table.items()):
            print(f"{kind:26} {score.pairs:5} {score.youden:7.1f} {score.false_rate:5.1f}")
        print(f"{'macro Youden, FPR':26} {'':5} {macro:7.1f} {false:5.1f}")
    assert macro >= 90, wrong
    assert false <= 2, wrong
