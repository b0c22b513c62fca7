"""What units have to tell, kept as it was told, and put together at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headgate.model.finding import Confidence, Severity
from headgate.scan.flow.findings import Found, Recorder, Step
from headgate.scan.flow.uses import MODULE, Key, Tracker, Uses
from headgate.scan.packs.schema import KindName


class Telling(Recorder):
    """Notes what is found with the unit that finds it."""

    def __init__(self, kinds: Any, tracker: Tracker) -> None:
        super().__init__(kinds)
        self._tracker = tracker

    def add(self, found: Found) -> None:
        self._tracker.now.told.append(("found", plain_found(found)))

    def add_parameter(self, found: Found) -> None:
        self._tracker.now.told.append(("parameter", plain_found(found)))

    def cut_off(self, path: str, name: str) -> None:
        self._tracker.now.told.append(("cut", path, name))


def put_together(kinds: Any, units: Mapping[Key, Uses], first: Uses) -> Recorder:
    """What all units told: those of modules first, which run whenever somebody needs them."""
    out = Recorder(kinds)
    modules = sorted(key for key in units if key[0] == MODULE)
    for uses in (
        first,
        *(units[key] for key in modules),
        *(uses for key, uses in units.items() if key[0] != MODULE),
    ):
        _tell(uses.told, out)
    return out


def _tell(told: Iterable[tuple[Any, ...]], recorder: Recorder) -> None:
    for one in told:
        if one[0] == "found":
            recorder.add(_found(*one[1]))
        elif one[0] == "parameter":
            recorder.add_parameter(_found(*one[1]))
        else:
            recorder.cut_off(one[1], one[2])


def plain_found(one: Found) -> tuple[Any, ...]:
    """What `marshal` can write; the steps come last."""
    steps = [(step.path, step.start, step.end, step.reason) for step in one.steps]
    return (
        str(one.kind), one.path, one.start, one.end, int(one.severity), int(one.confidence),
        one.message, one.label, one.assumed, one.code, steps,
    )  # fmt: skip


def _found(
    kind: str,
    path: str,
    start: int,
    end: int,
    severity: int,
    confidence: int,
    message: str,
    label: str,
    assumed: Iterable[str],
    code: str,
    steps: Iterable[tuple[str, int, int, str]],
) -> Found:
    return Found(
        KindName(kind), path, start, end, Severity(severity), Confidence(confidence), message,
        tuple(Step(*step) for step in steps), label, tuple(assumed), code,
    )  # fmt: skip
