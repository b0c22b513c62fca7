"""What all files of a project lack, kept while what it depends on stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from headgate.model.finding import Confidence
from headgate.scan.absence.lacks import Lack
from headgate.scan.bundle import FEW, Bundle
from headgate.scan.flow.project import Source
from headgate.scan.kept import tidy


class Whole:
    """Lacks of a project. Files are told by their numbers: their names may hold secrets."""

    def __init__(self, cache: Path | None, files: Mapping[str, Source]) -> None:
        """`cache`: a private directory; None, and for few files: nothing is kept."""
        self._cache = cache
        self._files = files
        self._paths = list(files)
        kept = cache is not None and len(files) >= FEW
        self._bundle = Bundle(cache / "whole", files) if cache is not None and kept else None

    @property
    def keeps(self) -> bool:
        """Whether anything is kept at all."""
        return self._bundle is not None

    def take(self, key: bytes, more: Callable[[], bytes] = bytes) -> list[Lack] | None:
        """What was kept, when the files that it depends on are what they were. `key`: of everything
        else that it always depends on; `more`: makes a digest of what it may depend on."""
        kept = self._bundle.get(key) if self._bundle is not None else None
        if kept is None:
            return None
        needed, asked, found = kept
        if asked and asked != more():
            return None
        if any(self._files[self._paths[number]].digest != digest for number, digest in needed):
            return None
        return [self._lack(*one) for one in found]

    def keep(
        self, key: bytes, found: Sequence[Lack], needed: Iterable[str], more: bytes = b""
    ) -> None:
        """`needed`: the files whose content it depends on; `more`: empty when it does not depend
        on that."""
        if self._bundle is None or self._cache is None:
            return
        numbers = {path: number for number, path in enumerate(self._paths)}
        value: Any = (
            [(numbers[path], self._files[path].digest) for path in needed],
            more,
            [
                (
                    numbers[one.path], one.kind, one.start, one.end, one.subject, one.question,
                    int(one.confidence),
                )
                for one in found
            ],
        )  # fmt: skip
        self._bundle.put(key, value)
        if self._bundle.keep():
            tidy(self._cache)

    def _lack(
        self,
        number: int,
        kind: str,
        start: int,
        end: int,
        subject: str,
        question: str,
        confidence: int,
    ) -> Lack:
        path = self._paths[number]
        return Lack(kind, path, start, end, subject, question, Confidence(confidence))
