"""What the analysis found, before it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from headgate.model.finding import Confidence, Severity
from headgate.scan.flow.values import Token, Trace
from headgate.scan.packs.schema import Kind, KindName


@dataclass(slots=True)
class Hit:
    """Data that reaches a sink."""

    kind: KindName
    token: Token
    trace: Trace
    path: str
    start: int
    end: int
    """Where the sink is."""
    sink: str
    """What it is called in the code."""
    confidence: Confidence
    severity: Severity | None = None
    """Instead of the kind's."""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trace."""

    path: str
    start: int
    end: int
    reason: str


@dataclass(slots=True)
class Found:
    """One defect: to be turned into a finding."""

    kind: KindName
    path: str
    start: int
    end: int
    severity: Severity
    confidence: Confidence
    message: str
    steps: tuple[Step, ...] = ()
    label: str = ""
    assumed: tuple[str, ...] = ()
    """What the analysis took for true without knowing it."""


@dataclass(slots=True)
class Recorder:
    """Collects what is found, once per place and kind."""

    kinds: Any
    found: dict[tuple[str, str, int, int], Found] = field(
        default_factory=dict[tuple[str, str, int, int], Found]
    )
    cut: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Path → names of functions whose analysis was cut off."""

    def hit(self, hit: Hit) -> None:
        """A source that reaches a sink."""
        kind: Kind = self.kinds[hit.kind]
        token = hit.token.root()
        severity = severity_of(kind, token.label)
        if severity is None:
            return
        if hit.severity is not None:
            severity = min(severity, hit.severity)
        steps = steps_of(hit.trace)
        confidence = min(hit.confidence, token.confidence, most_sure(token.label))
        assumed = [one.reason for one in steps if ASSUMED in one.reason]
        if assumed:
            confidence = min(confidence, Confidence.MEDIUM)
        if hit.confidence < Confidence.HIGH:
            assumed.append(f"it is not known what `{hit.sink}` belongs to")
        sink = Step(hit.path, hit.start, hit.end, f"it reaches `{hit.sink}`")
        message = kind.message.replace("{source}", _capital(hit.token.what))
        message = message.replace("{sink}", hit.sink)
        self.add(
            Found(
                hit.kind, hit.path, hit.start, hit.end, severity, confidence, message,
                (*steps, sink), token.label, tuple(assumed),
            )
        )  # fmt: skip

    def add(self, found: Found) -> None:
        key = (found.kind, found.path, found.start, found.end)
        old = self.found.get(key)
        if old is None or _rank(found) > _rank(old):
            self.found[key] = found

    def cut_off(self, path: str, name: str) -> None:
        names = self.cut.setdefault(path, [])
        if name not in names:
            names.append(name)


ASSUMED = "assumed to "
"""How the reason of a step begins that the analysis does not know, and assumes."""


_SURE = frozenset({"web", "model", "stack"})
_UNSURE = frozenset({"library", "env", "argv"})


def most_sure(label: str) -> Confidence:
    """The most that is claimed of data with this label: that somebody hostile writes it."""
    if label in _SURE:
        return Confidence.HIGH
    return Confidence.LOW if label in _UNSURE else Confidence.MEDIUM


def severity_of(kind: Kind, label: str) -> Severity | None:
    """By the label of the source; None: not reported."""
    if not kind.labels and kind.default_label is None:
        return kind.severity
    if label in kind.labels:
        return kind.labels[label]
    return kind.default_label


def steps_of(trace: Trace) -> tuple[Step, ...]:
    """The steps, the first one first."""
    out: list[Step] = []
    while trace is not None:
        before, reason, path, start, end, _ = trace
        out.append(Step(path, start, end, reason))
        trace = before
    return tuple(reversed(out))


def _rank(found: Found) -> tuple[int, int, int]:
    return (found.severity, found.confidence, -len(found.steps))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
