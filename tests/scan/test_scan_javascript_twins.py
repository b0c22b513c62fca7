"""Pairs of JavaScript programs, one harmful and one not, over frameworks, ways and uses."""

from __future__ import annotations

from collections.abc import Iterator

from js_twin_frames import FRAMES
from js_twin_shapes import SHAPES
from js_twin_sinks import HARMS, PAIRS

from headgate.scan.analyzers.flow_javascript import JavaScriptFlow
from headgate.scan.analyzers.interface import SourceFile

Program = dict[str, str]
FLOW = JavaScriptFlow()


def twins() -> Iterator[tuple[str, str, Program, Program]]:
    """Name, kind, the harmful program and the other: every shape with a third of the uses, turning
    over the frames; and the single pairs with two frames each."""
    turn = 0
    for number, shape in enumerate(SHAPES):
        for place, harm in enumerate(HARMS):
            if (number + place) % 3 or (shape.kinds and harm.kind not in shape.kinds):
                continue
            frame = FRAMES[turn % len(FRAMES)]
            turn += 1
            module = f"{shape.module}\n{harm.module}"
            good_module = shape.module if shape.good_module is None else shape.good_module
            yield (
                f"{harm.kind}/{harm.name}/{shape.name}/{frame.name}",
                harm.kind,
                frame.program(harm.imports, module, f"{shape.bad}\n  {harm.lines}"),
                frame.program(
                    harm.imports, f"{good_module}\n{harm.module}", f"{shape.good}\n  {harm.lines}"
                ),
            )
    for pair in PAIRS:
        for step in (0, 3):
            frame = FRAMES[(turn + step) % len(FRAMES)]
            turn += 1
            yield (
                f"{pair.kind}/{pair.name}/{frame.name}",
                pair.kind,
                frame.program(pair.imports, pair.module, pair.bad),
                frame.program(pair.imports, pair.module, pair.good),
            )


def kinds(program: Program) -> set[str]:
    files = [SourceFile(path, text.encode()) for path, text in program.items()]
    analysis = FLOW.scan(files)
    assert analysis.reduced == ()
    return {hit.finding.rule.removeprefix("javascript/") for hit in analysis.hits}


def test_the_harmful_twins_are_found_and_the_others_are_not() -> None:
    pairs = list(twins())
    assert len(pairs) >= 300
    missed = [name for name, kind, bad, _ in pairs if kind not in kinds(bad)]
    false = [name for name, kind, _, good in pairs if kind in kinds(good)]
    assert missed == []
    assert false == []
