"""What the analysis found, before it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any, Protocol

from headgate.model.finding import Confidence, Severity
from headgate.model.record import record
from headgate.scan.flow.values import Token, Trace
from headgate.scan.packs.schema import Kind, KindName, Sink


@record(frozen=False)
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
    text: str = ""
    """What is known of the text that reaches the sink, `\\0` for every unknown part."""
    rule: Sink | None = None


@record
class Step:
    """One step of a trace."""

    path: str
    start: int
    end: int
    reason: str


@record(frozen=False)
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
    code: str = ""
    """In the table `injection`, for what is told by it and not by the kind."""
    ways: dict[tuple[str, int], tuple[Step, ...]] = field(
        default_factory=dict[tuple[str, int], "tuple[Step, ...]"]
    )
    """By where data comes in: the shortest way from there, its own among them."""


OWN = "own:"
"""How the labels of sources begin that a rule of a user's own names."""
MAX_ASSUMED = 2
"""Different things that may be taken for true on one way before it is a guess."""
MAX_WAYS = 30
"""Ways to one place that are remembered."""
PARAMETER = "library"
"""Label of the parameters of functions that nobody in the project calls."""
BUILT = frozenset(
    {
        "it is put into a text", "it is appended to a text", "it is formatted into a text",
        "it is joined to a text", "it is formatted",
    }
)  # fmt: skip
"""Reasons of the steps that put a text together."""


class Judgement(Protocol):
    """What is told of a parameter that reaches a sink."""

    @property
    def code(self) -> str: ...
    @property
    def severity(self) -> Severity | None: ...
    @property
    def confidence(self) -> Confidence: ...
    @property
    def built(self) -> Step | None: ...


@record(frozen=False)
class Recorder:
    """Collects what is found, once per place and kind."""

    kinds: Any
    found: dict[tuple[str, str, int, int], Found] = field(
        default_factory=dict[tuple[str, str, int, int], Found]
    )
    cut: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Path → names of functions whose analysis was cut off."""

    judge: Callable[[Hit], Judgement | None] | None = None
    """Judges parameters of functions that nobody calls; None: they are data from outside."""
    parameters: list[Found] = field(default_factory=list["Found"])
    """What is told of such parameters, where nothing better is found."""

    def hit(self, hit: Hit) -> None:
        """A source that reaches a sink."""
        if hit.token.root().label == PARAMETER and self.judge is not None:
            self._parameter(hit, self.judge(hit))
            return
        kind: Kind = self.kinds[hit.kind]
        token = hit.token.root()
        severity = severity_of(kind, token.label)
        if severity is None:
            return
        if hit.severity is not None:
            severity = min(severity, hit.severity)
        steps = steps_of(hit.trace)
        confidence = min(hit.confidence, token.confidence, self._most_sure(token.label))
        assumed = [one.reason for one in steps if ASSUMED in one.reason]
        if assumed:
            many = len(set(assumed)) > MAX_ASSUMED
            confidence = min(confidence, Confidence.LOW if many else Confidence.MEDIUM)
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

    def _most_sure(self, label: str) -> Confidence:
        return Confidence.MEDIUM if label == PARAMETER else most_sure(label)

    def _parameter(self, hit: Hit, judged: Judgement | None) -> None:
        if judged is None:
            return
        kind: Kind = self.kinds[hit.kind]
        sink = Step(hit.path, hit.start, hit.end, f"it reaches `{hit.sink}`")
        place = judged.built or sink
        severity = kind.severity if judged.severity is None else judged.severity
        assumed = "the callers of the function may pass on what comes from outside"
        self.add_parameter(
            Found(
                hit.kind, place.path, place.start, place.end, severity, judged.confidence, "",
                (*steps_of(hit.trace), sink), PARAMETER, (assumed,), judged.code,
            )
        )  # fmt: skip

    def add_parameter(self, found: Found) -> None:
        """What is told of a parameter, where nothing better is found."""
        self.parameters.append(found)

    def all(self) -> list[Found]:
        """Everything, by place; of parameters what is not told better."""
        told = {(one.kind, *_place(one.steps[-1])) for one in self.found.values() if one.steps}
        told |= {
            (one.kind, *_place(step)) for one in self.found.values() for step in one.steps[:-1]
        }
        out = list(self.found.values())
        seen: set[tuple[str, str, int, int]] = set()
        for one in self.parameters:
            key = (one.kind, one.path, one.start, one.end)
            if key in told or key in seen or (one.kind, *_place(one.steps[-1])) in told:
                continue
            seen.add(key)
            out.append(one)
        return sorted(out, key=lambda one: (one.path, one.start, one.end, one.kind))

    def add(self, found: Found) -> None:
        key = (found.kind, found.path, found.start, found.end)
        old = self.found.get(key)
        ways = old.ways if old is not None else {}
        if found.steps:
            start = (found.steps[0].path, found.steps[0].start)
            known = ways.get(start)
            if len(found.steps) < len(known or ()) or (known is None and len(ways) < MAX_WAYS):
                ways[start] = found.steps
        if old is None or _rank(found) > _rank(old):
            found.ways = ways
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
    if label in kind.labels:
        return kind.labels[label]
    if label.startswith(OWN):
        # A rule of a user's own tells of its own sources only.
        return None
    if not kind.labels and kind.default_label is None:
        return kind.severity
    return kind.default_label


def _place(step: Step) -> tuple[str, int, int]:
    return step.path, step.start, step.end


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
