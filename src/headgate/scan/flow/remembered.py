"""Outcomes of parts of a project, kept between runs.

A part is known by everything that its outcome depends on: the paths and the contents of its files,
the packs and kinds that apply, the mode, the routes that descriptions tell of, and the program that
analyses. What has another key was never there.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from headgate import __version__
from headgate.model.finding import Confidence, Severity
from headgate.scan.flow.findings import Found, Step
from headgate.scan.flow.project import Outcome, Source
from headgate.scan.flow.shelf import Shelf
from headgate.scan.kept import keep_values, program, take_values, tidy
from headgate.scan.packs.schema import KindName

_PROGRAM = ("flow", "front", "ir", "packs", "patterns")
"""Rooms whose code an outcome depends on."""


class Remembered:
    """Outcomes in a directory of ours; nothing in it is ever told of."""

    def __init__(self, place: Path, *settings: Any) -> None:
        """`settings`: what all outcomes depend on besides the files; has to be picklable."""
        self._place = place
        sum_ = hashlib.sha256(f"{__version__}\0{program(*_PROGRAM)}".encode())
        sum_.update(_written(settings))
        self._settings = sum_.digest()
        self.shelf = Shelf(place, self._settings)
        """Of what analyses did, for when a few files change."""

    def key(self, part: Sequence[str], files: Mapping[str, Source]) -> str:
        """Of a part."""
        sum_ = hashlib.sha256(self._settings)
        for path in part:
            sum_.update(path.encode("utf-8", "surrogateescape") + b"\0")
            sum_.update(hashlib.sha256(files[path].data).digest())
        return sum_.hexdigest()

    def take(self, key: str) -> Outcome | None:
        """What was kept, when there is such a thing."""
        try:
            return _outcome(take_values(self._file(key)))
        except (TypeError, ValueError, KeyError):
            return None

    def keep(self, key: str, outcome: Outcome) -> None:
        keep_values(self._file(key), _plain(outcome))

    def tidy(self) -> None:
        """Delete what is too old, or too much."""
        tidy(self._place)

    def _file(self, key: str) -> Path:
        return self._place / key[:2] / key[2:]


def _written(settings: Any) -> bytes:
    """The same for equal settings, whichever of their parts are one object: packs that were read
    just now and packs that were kept are equal only."""
    out = io.BytesIO()
    pickler = pickle.Pickler(out, 5)
    pickler.fast = True
    pickler.dump(settings)
    return out.getvalue()


def _plain(outcome: Outcome) -> Any:
    return [_plain_found(one) for one in outcome.found], outcome.cut


def _plain_found(one: Found) -> Any:
    return (
        one.kind, one.path, one.start, one.end, int(one.severity), int(one.confidence),
        one.message, _plain_steps(one.steps), one.label, one.assumed, one.code,
        {where: _plain_steps(steps) for where, steps in one.ways.items()},
    )  # fmt: skip


def _plain_steps(steps: Iterable[Step]) -> list[tuple[str, int, int, str]]:
    return [(step.path, step.start, step.end, step.reason) for step in steps]


def _outcome(values: Any) -> Outcome | None:
    if values is None:
        return None
    found, cut = values
    return Outcome([_found(*one) for one in found], cut)


def _found(
    kind: str,
    path: str,
    start: int,
    end: int,
    severity: int,
    confidence: int,
    message: str,
    steps: Iterable[tuple[str, int, int, str]],
    label: str,
    assumed: tuple[str, ...],
    code: str,
    ways: Mapping[tuple[str, int], Iterable[tuple[str, int, int, str]]],
) -> Found:
    return Found(
        KindName(kind), path, start, end, Severity(severity), Confidence(confidence), message,
        _steps(steps), label, assumed, code,
        {where: _steps(way) for where, way in ways.items()},
    )  # fmt: skip


def _steps(plain: Iterable[tuple[str, int, int, str]]) -> tuple[Step, ...]:
    return tuple(Step(*step) for step in plain)
