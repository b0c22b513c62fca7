"""Runs the examples that packs carry: what has to be found, and what must not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headgate.scan.flow.analysis import analyse
from headgate.scan.front.lowered import lowered
from headgate.scan.packs.schema import Kinds, Pack

_MARK = re.compile(r"BAD: (?P<kinds>[a-z0-9, ._-]+?)\s*(\*/\}?)?$")
Place = tuple[str, int, str]
"""Path, line and kind."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An example that does not hold."""

    pack: str
    file: str
    line: int
    """Where the example begins in the file of the pack."""
    side: str
    """`bad` or `good`."""
    missed: tuple[Place, ...]
    false: tuple[Place, ...]

    def sentence(self) -> str:
        parts = [f"line {line} of {path} is no {kind}" for path, line, kind in self.missed]
        parts += [f"line {line} of {path} is taken for {kind}" for path, line, kind in self.false]
        return f"{self.file}:{self.line}: {self.side}: {'; '.join(parts)}."


def marked(files: Mapping[str, str]) -> set[Place]:
    """What the comments `# BAD: kind` in the files ask for."""
    return {
        (path, number, kind.strip())
        for path, text in files.items()
        for number, line in enumerate(text.split("\n"), 1)
        if (match := _MARK.search(line))
        for kind in match["kinds"].split(",")
    }


def found(
    files: Mapping[str, str], packs: Sequence[Pack], kinds: Kinds, language: str = "python"
) -> set[Place]:
    """What is found in a small project (path → text)."""
    sources = {path: text.encode() for path, text in files.items()}
    outcome = analyse(lowered(sources, None), packs, kinds, language=language)
    return {
        (one.path, sources[one.path].count(b"\n", 0, one.start) + 1, str(one.kind))
        for one in outcome.found
    }


def failures(pack: Pack, packs: Sequence[Pack], kinds: Kinds) -> list[Failure]:
    """The examples of a pack that do not hold with `packs` (of which it is one)."""
    out: list[Failure] = []
    for example in pack.tests:
        for side, files in (("bad", example.bad), ("good", example.good)):
            wanted = marked(files)
            there = found(files, packs, kinds, pack.language) if files else set[Place]()
            if wanted != there:
                missed, false = sorted(wanted - there), sorted(there - wanted)
                out.append(
                    Failure(pack.name, pack.path, example.line, side, tuple(missed), tuple(false))
                )
    return out
