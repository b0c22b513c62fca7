"""SARIF 2.1.0 from any tool: read with care, as strangers write it.

Every value is checked before it is used. What cannot be taken is counted and said; a log that says
that its tool failed is *not run*.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from headgate.model.errors import BadInput
from headgate.model.finding import (
    Confidence,
    Finding,
    Outcome,
    Severity,
    Span,
    StepRole,
    TraceStep,
)
from headgate.scan.hub.sarif_paths import Places, Refused
from headgate.scan.text import printable

MOST_BYTES = 64 << 20
MOST_RESULTS = 20_000
MOST_STEPS = 100
_LONGEST = 4000
"""Characters of a text that are kept."""

Object = Mapping[str, Any]

_LEVELS = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "note": Severity.LOW,
    "none": Severity.INFO,
}
_CWE = re.compile(r"cwe[-_/: ]{0,2}(\d{1,5})", re.IGNORECASE)
_NO_DEFECT = frozenset({"pass", "notApplicable", "informational"})


@dataclass(frozen=True, slots=True)
class ForeignRun:
    """What one tool says in one run."""

    tool: str
    """A short name in lower case, which its rules and its check are called by."""
    findings: tuple[Finding, ...]
    outcome: Outcome
    """`passed` when it ran to its end, whatever it found."""
    reason: str = ""
    skipped: tuple[str, ...] = ()
    """`path: reason` of what it says not to have examined."""
    refused: tuple[str, ...] = ()
    """About results that could not be taken: `2 results of x: no rule is named`."""


def read_sarif(data: bytes, name: str, root: str = "") -> tuple[ForeignRun, ...]:
    """The runs of a log. `name`: the file, for messages; `root`: absolute path of the project, so
    that absolute paths below it are understood. Raises BadInput when it is no such log."""
    if len(data) > MOST_BYTES:
        raise BadInput(
            f"{name} has {len(data) >> 20} MB; at most {MOST_BYTES >> 20} MB are read.",
            "Run the tool on a part of the project, or without code snippets.",
        )
    try:
        log: Any = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadInput(f"{name} is not UTF-8 text.", "SARIF is JSON in UTF-8.") from None
    except RecursionError:
        raise BadInput(f"{name} is nested too deeply.", "Is it SARIF?") from None
    except json.JSONDecodeError as error:
        raise BadInput(f"{name} is not JSON: {error}.", "Is it SARIF?") from None
    except ValueError:
        raise BadInput(f"{name} has a number of too many digits.", "Is it SARIF?") from None
    if not isinstance(log, dict):
        raise BadInput(f"{name} is not SARIF: it is no JSON object.", "Export SARIF 2.1.0.")
    fields = cast("dict[str, Any]", log)
    version = fields.get("version")
    if version != "2.1.0":
        shown = printable(str(version))[:40] if version is not None else "none"
        raise BadInput(
            f"{name}: version: only SARIF 2.1.0 can be read, and this says {shown}.",
            "Have the tool write 2.1.0, or convert the file with Microsoft's sarif-multitool.",
        )
    runs = fields.get("runs")
    if not isinstance(runs, list):
        raise BadInput(f"{name}: runs: there is no list of runs.", "Export SARIF 2.1.0.")
    given = cast("list[Any]", runs)
    if not all(isinstance(run, dict) for run in given):
        raise BadInput(f"{name}: runs: one of them is no object.", "Export SARIF 2.1.0.")
    if not given:
        # Nobody looked at anything, which is not the same as nothing found.
        raise BadInput(
            f"{name}: runs: the list is empty, so no tool says anything.",
            "Have the tool write its run also when it found nothing.",
        )
    total = sum(len(_objects(_object(run), "results")) for run in given)
    if total > MOST_RESULTS:
        raise BadInput(
            f"{name} has {total} results; at most {MOST_RESULTS} are read.",
            "Narrow the rules of the tool, or split the log.",
        )
    return tuple(_Run(_object(run), root).read() for run in given)


@dataclass(slots=True)
class _Run:
    run: Object
    root: str
    refused: Counter[str] = field(default_factory=Counter[str])
    examples: dict[str, str] = field(default_factory=dict[str, str])

    def read(self) -> ForeignRun:
        driver = _object(_object(self.run.get("tool")).get("driver"))
        tool = slug(_text(driver.get("name"))) or "unknown-tool"
        places = Places(_object(self.run.get("originalUriBaseIds")), self.root)
        extensions = _objects(_object(self.run.get("tool")), "extensions")
        components = [driver, *extensions]
        findings: list[Finding] = []
        for result in _objects(self.run, "results"):
            finding = self._finding(result, tool, components, places)
            if finding is not None:
                findings.append(finding)
        outcome, reason, skipped = self._invocations(places)
        refused = tuple(
            f"{count} {'result' if count == 1 else 'results'} of {tool}: {why}"
            + (f", e.g. {self.examples[why]}" if self.examples[why] else "")
            for why, count in sorted(self.refused.items())
        )
        return ForeignRun(tool, tuple(findings), outcome, reason, skipped, refused)

    def _refuse(self, why: str, example: str = "") -> None:
        self.refused[why] += 1
        self.examples.setdefault(why, printable(example)[:120])

    def _finding(
        self, result: Object, tool: str, components: Sequence[Object], places: Places
    ) -> Finding | None:
        if _text(result.get("kind")) in _NO_DEFECT or result.get("baselineState") == "absent":
            return None
        rule_id, rule = _rule(result, components)
        if not rule_id:
            self._refuse("no rule is named")
            return None
        locations = _objects(result, "locations")
        if not locations:
            self._refuse("no place is named", rule_id)
            return None
        try:
            span = _span(locations[0], places)
        except Refused as refusal:
            self._refuse(str(refusal), _uri(locations[0]))
            return None
        title = _message(rule.get("shortDescription")) or _text(rule.get("name")) or rule_id
        return Finding(
            rule=f"{tool}/{_identifier(rule_id)}",
            title=_one_line(title)[:200],
            message=_message(result.get("message"), rule) or _message(rule.get("fullDescription")),
            remedy=_message(rule.get("help")) if len(_message(rule.get("help"))) <= 600 else "",
            severity=_severity(result, rule),
            # What another tool says never denies by itself.
            confidence=_confidence(result, rule),
            span=span,
            cwe=_cwe(result, rule),
            check="source",
            url=_url(rule.get("helpUri")),
            trace=_trace(result, places),
            engines=(tool,),
            allowed=_suppression(result),
        )

    def _invocations(self, places: Places) -> tuple[Outcome, str, tuple[str, ...]]:
        outcome, reasons = Outcome.PASSED, list[str]()
        skipped: list[str] = []
        for invocation in _objects(self.run, "invocations"):
            notes = [
                note
                for key in ("toolExecutionNotifications", "toolConfigurationNotifications")
                for note in _objects(invocation, key)
            ]
            if invocation.get("executionSuccessful") is False:
                outcome = Outcome.NOT_RUN
                why = _text(invocation.get("exitCodeDescription"))
                reasons.append(why or "the tool says that it did not run to its end")
            for note in notes:
                level = _text(note.get("level")) or "warning"
                message = _one_line(_message(note.get("message")))[:300]
                located = _objects(note, "locations")
                for location in located[:1]:
                    try:
                        skipped.append(f"{_span(location, places).path}: {message or level}")
                    except Refused:
                        reasons.append(message)
                if level == "error":
                    outcome = outcome if outcome is Outcome.NOT_RUN else Outcome.UNKNOWN
                    reasons.append(message)
        told = list(dict.fromkeys(reason for reason in reasons if reason))
        more = f" and {len(told) - 3} more" if len(told) > 3 else ""
        return outcome, "; ".join(told[:3]) + more, tuple(dict.fromkeys(skipped))


def slug(text: str) -> str:
    """A tool's name as the first part of its rules."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40]


def _identifier(text: str) -> str:
    return re.sub(r"[^\w.:@-]+", "-", text, flags=re.ASCII).strip("-")[:120] or "rule"


def _object(value: Any) -> Object:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _objects(value: Object, key: str) -> list[Object]:
    found = value.get(key)
    if not isinstance(found, list):
        return []
    return [_object(one) for one in cast("list[Any]", found) if isinstance(one, dict)]


def _text(value: Any) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _number(value: Any) -> int:
    """A line or column; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 < value < 1 << 31 else 0


def _message(value: Any, rule: Object | None = None) -> str:
    fields = _object(value)
    text = _text(fields.get("text")) or _text(fields.get("markdown"))
    if not text and rule is not None:
        strings = _object(rule.get("messageStrings"))
        text = _message(strings.get(_text(fields.get("id"))))
    arguments = fields.get("arguments")
    if isinstance(arguments, list):
        for index, argument in enumerate(cast("list[Any]", arguments)[:20]):
            text = text.replace(f"{{{index}}}", _text(argument)[:300])
    return _one_line(text)[:_LONGEST]


def _rule(result: Object, components: Sequence[Object]) -> tuple[str, Object]:
    reference = _object(result.get("rule"))
    named = _text(result.get("ruleId")) or _text(reference.get("id"))
    index = result.get("ruleIndex", reference.get("index"))
    component = _object(reference.get("toolComponent")).get("index")
    held = components[0]
    if isinstance(component, int) and 0 <= component < len(components) - 1:
        held = components[component + 1]
    rules = _objects(held, "rules")
    if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(rules):
        rule = rules[index]
        return named or _text(rule.get("id")), rule
    everything = [rule for one in components for rule in _objects(one, "rules")]
    nothing: Object = {}
    return named, next((rule for rule in everything if rule.get("id") == named), nothing)


def _uri(location: Object) -> str:
    artifact = _object(_object(location.get("physicalLocation")).get("artifactLocation"))
    return _text(artifact.get("uri"))


def _span(location: Object, places: Places) -> Span:
    """Raises Refused."""
    physical = _object(location.get("physicalLocation"))
    artifact = _object(physical.get("artifactLocation"))
    path = places.path(_text(artifact.get("uri")), _text(artifact.get("uriBaseId")))
    region = _object(physical.get("region"))
    line = _number(region.get("startLine")) or 1
    end = _number(region.get("endLine"))
    column = _number(region.get("startColumn")) or 1
    end_column = _number(region.get("endColumn"))
    if end and end < line:
        end, end_column = 0, 0
    return Span(path, line, column, end or (line if end_column else 0), end_column)


def _severity(result: Object, rule: Object) -> Severity:
    given = _object(result.get("properties")).get("security-severity")
    given = given or _object(rule.get("properties")).get("security-severity")
    try:
        score = float(given) if isinstance(given, str | int | float) else None
    except (ValueError, OverflowError):
        score = None
    if score is not None:
        bands = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM))
        return next((s for least, s in bands if score >= least), Severity.LOW)
    level = _text(result.get("level"))
    if not level:
        level = _text(_object(rule.get("defaultConfiguration")).get("level")) or "warning"
    return _LEVELS.get(level, Severity.MEDIUM)


def _confidence(result: Object, rule: Object) -> Confidence:
    words = _text(_object(result.get("properties")).get("confidence"))
    words = words or _text(_object(result.get("properties")).get("issue_confidence"))
    words = words or _text(_object(rule.get("properties")).get("precision"))
    return Confidence.LOW if words.lower() == "low" else Confidence.MEDIUM


def _cwe(result: Object, rule: Object) -> int | None:
    texts: list[str] = []
    for holder in (result, rule):
        properties = _object(holder.get("properties"))
        for key in ("tags", "cwe", "cwes", "CWE"):
            value = properties.get(key)
            listed = cast("list[Any]", value) if isinstance(value, list) else [value]
            texts += [one for one in listed[:50] if isinstance(one, str)]
        for target in (*_objects(holder, "taxa"), *_objects(holder, "relationships")):
            reference = _object(target.get("target")) or target
            component = _text(_object(reference.get("toolComponent")).get("name"))
            if component.upper() == "CWE":
                texts.append(f"CWE-{_text(reference.get('id')).upper().removeprefix('CWE-')}")
    numbers = (int(match[1]) for text in texts if (match := _CWE.search(text)))
    return next((number for number in numbers if number), None)


def _url(value: Any) -> str:
    text = _text(value)
    return text if text.startswith("https://") and len(text) < 500 else ""


def _trace(result: Object, places: Places) -> tuple[TraceStep, ...]:
    """The first flow that is wholly inside of the project; none when there is no such."""
    for flow in _objects(result, "codeFlows")[:10]:
        for thread in _objects(flow, "threadFlows")[:10]:
            try:
                steps = _steps(_objects(thread, "locations"), places)
            except Refused:
                continue
            if len(steps) > 1:
                return steps
    return ()


def _steps(locations: Sequence[Object], places: Places) -> tuple[TraceStep, ...]:
    if len(locations) > MOST_STEPS:
        locations = [*locations[: MOST_STEPS - 1], locations[-1]]
    steps: list[TraceStep] = []
    for index, one in enumerate(locations):
        place = _object(one.get("location"))
        role = StepRole.STEP
        if index == 0:
            role = StepRole.SOURCE
        elif index == len(locations) - 1:
            role = StepRole.SINK
        text = _message(place.get("message"))[:300] or role.value
        steps.append(TraceStep(_span(place, places), text, role))
    return tuple(steps)


def _suppression(result: Object) -> str:
    """Why the tool calls it suppressed; empty when it does not."""
    for one in _objects(result, "suppressions"):
        if _text(one.get("status")) in ("", "accepted"):
            return _one_line(_text(one.get("justification")))[:300] or "suppressed by the tool"
    return ""
