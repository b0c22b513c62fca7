"""Puts shapes, uses and frames together into pairs of programs, always the same ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from twin_frames import FRAMES, Body, Frame
from twin_pairs import PAIRS, Pair
from twin_shapes import SHAPES, Shape
from twin_shapes_more import MORE_SHAPES
from twin_sinks import HARMS, Harm

Program = dict[str, str]
Found = Callable[[Program], set[str]]
"""The kinds that a scanner finds in a program."""


@dataclass(frozen=True)
class Twins:
    """A harmful program and one that differs from it by what makes it harmless."""

    name: str
    kind: str
    bad: Program
    good: Program


@dataclass
class Score:
    """How a scanner did on one kind."""

    pairs: int = 0
    hits: int = 0
    false: int = 0

    @property
    def youden(self) -> float:
        """True-positive rate less false-positive rate, in percent."""
        return 100 * (self.hits - self.false) / self.pairs

    @property
    def false_rate(self) -> float:
        return 100 * self.false / self.pairs


def _indented(text: str, statement: str, replacement: str) -> str:
    """Replace a statement that stands alone on its line, keeping the depth."""
    return "\n".join(
        line.replace(statement, replacement) if line.strip() == statement else line
        for line in text.split("\n")
    )


def _answers(frame: Frame, text: str, value: str) -> str:
    text = _indented(text, "REJECT", frame.reject)
    text = _indented(text, "PAGE", frame.page.replace("{v}", value))
    return _indented(text, "REDIRECT", frame.redirect.replace("{v}", value))


def _through(frame: Frame, shape: Shape, harm: Harm, *, good: bool) -> Program:
    use = harm.lines.replace("{v}", "bar").replace("{{", "{").replace("}}", "}")
    lines = [shape.good if good else shape.bad, use]
    if not harm.answers:
        lines.append(frame.done)
    module = shape.good_module if good and shape.good_module is not None else shape.module
    files = shape.good_files if good and shape.good_files is not None else shape.files
    return frame.program(
        Body(
            lines=_answers(frame, "\n".join(lines), "bar"),
            imports=shape.imports + "\n" + harm.imports,
            module=module + "\n" + harm.module,
            files=files,
        )
    )


def _alone(frame: Frame, pair: Pair, *, good: bool) -> Program:
    lines = [pair.good if good else pair.bad]
    if not pair.answers:
        lines.append(frame.done)
    return frame.program(Body(_answers(frame, "\n".join(lines), "bar"), pair.imports, pair.module))


def _frames(prefix: str, *, asynchronous: bool = False) -> list[Frame]:
    return [
        frame
        for frame in FRAMES
        if frame.name.startswith(prefix) and (frame.is_async or not asynchronous)
    ]


_EVERY = {False: (2, 5), True: (3, 8)}
"""Each shape meets every such kind: weighty ones, others; common shapes, rarer ones."""


def twins() -> Iterator[Twins]:
    """Every shape with some uses of every kind, turning over the frames; and the single pairs."""
    kinds: dict[str, list[Harm]] = {}
    for harm in HARMS:
        kinds.setdefault(harm.kind, []).append(harm)
    turn = 0
    for number, shape in enumerate((*SHAPES, *MORE_SHAPES)):
        rare = number >= len(SHAPES)
        for place, (kind, harms) in enumerate(kinds.items()):
            if kind in shape.not_kinds or (shape.kinds and kind not in shape.kinds):
                continue
            if (number + place) % (_EVERY[rare][place >= 6]):
                continue
            harm = harms[(number + place) % len(harms)]
            frames = _frames(harm.frames, asynchronous=shape.asynchronous)
            if not frames:
                continue
            frame = frames[turn % len(frames)]
            turn += 1
            yield Twins(
                f"{kind}/{shape.name}/{frame.name}",
                kind,
                _through(frame, shape, harm, good=False),
                _through(frame, shape, harm, good=True),
            )
    for pair in PAIRS:
        frames = _frames(pair.frames)
        for number in sorted({turn % len(frames), (turn + 3) % len(frames)}):
            frame = frames[number]
            turn += 1
            yield Twins(
                f"{pair.kind}/{pair.name}/{frame.name}",
                pair.kind,
                _alone(frame, pair, good=False),
                _alone(frame, pair, good=True),
            )


def scores(found: Found) -> tuple[Mapping[str, Score], list[str]]:
    """What a scanner reaches by kind, and what it got wrong (`missed NAME`, `false NAME`)."""
    table: dict[str, Score] = {}
    wrong: list[str] = []
    for pair in twins():
        score = table.setdefault(pair.kind, Score())
        score.pairs += 1
        if pair.kind in found(pair.bad):
            score.hits += 1
        else:
            wrong.append(f"missed {pair.name}")
        if pair.kind in found(pair.good):
            score.false += 1
            wrong.append(f"false {pair.name}")
    return table, wrong
