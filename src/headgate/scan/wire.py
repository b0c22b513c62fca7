"""How a request and its results travel between the runner and its worker.

A frame is the length of a JSON header in 4 bytes, the header, and the bytes of the files in the
order in which the header names them. JSON and not pickle: the worker reads hostile files, and its
answer must not be able to run code.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from headgate.model.finding import (
    Anchor,
    CheckResult,
    Confidence,
    Finding,
    Outcome,
    Severity,
    Span,
    StepRole,
    TraceStep,
)
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.engine import Past, Request
from headgate.scan.reviewer.interface import Line, Material, Piece, Scope, Source

LENGTH = struct.Struct(">I")


def encode_request(request: Request) -> bytes:
    """The frame of a request."""

    def listing(files: Sequence[SourceFile]) -> list[list[str | int]]:
        return [[file.path, len(file.data)] for file in files]

    header = {
        "head": listing(request.head),
        "base": None if request.base is None else listing(request.base),
        "context": listing(request.context),
        "unfollowed": request.unfollowed,
        "renamed": dict(request.renamed),
        "excluded": sorted(request.excluded),
        "history": [[past.commit, past.file.path, len(past.file.data)] for past in request.history],
        "links": listing(request.links),
        "base_links": listing(request.base_links),
        "messages": listing(request.messages),
        "unread": dict(request.unread),
        "skipped": list(request.skipped),
        "tools": dict(request.tools),
        "rules": listing(request.rules),
        "foreign": None
        if request.foreign is None
        else [finding_as_json(finding) for finding in request.foreign],
        "scope": None if request.scope is None else _scope_as_json(request.scope),
    }
    past = (one.file for one in request.history)
    notes = (*request.links, *request.base_links, *request.messages)
    files = (*request.head, *(request.base or ()), *request.context, *past, *notes)
    files += request.rules
    data = b"".join(file.data for file in files)
    return _frame(header) + data


def read_request(stream: BinaryIO) -> Request | None:
    """The next request; None when the stream ended."""
    header = _read_header(stream)
    if header is None:
        return None

    def files(listing: list[tuple[str, int]]) -> tuple[SourceFile, ...]:
        return tuple(SourceFile(path, _exactly(stream, size)) for path, size in listing)

    head = files(header["head"])
    base = None if header["base"] is None else files(header["base"])
    context = files(header["context"])
    history = tuple(
        Past(commit, SourceFile(path, _exactly(stream, size)))
        for commit, path, size in header["history"]
    )
    return Request(
        head=head,
        base=base,
        context=context,
        unfollowed=header["unfollowed"],
        renamed=header["renamed"],
        excluded=frozenset(header["excluded"]),
        history=history,
        links=files(header["links"]),
        base_links=files(header["base_links"]),
        messages=files(header["messages"]),
        unread=header["unread"],
        skipped=tuple(header["skipped"]),
        tools=header["tools"],
        rules=files(header["rules"]),
        foreign=None
        if header["foreign"] is None
        else tuple(_finding(one) for one in header["foreign"]),
        scope=None if header["scope"] is None else _scope(header["scope"]),
    )


def encode_results(results: Sequence[CheckResult]) -> bytes:
    """The frame of an answer."""
    return _frame({"results": [result_as_json(result) for result in results]})


def encode_material(material: Material) -> bytes:
    """The frame of an answer to a request with a scope."""
    return _frame({"material": _material_as_json(material)})


def encode_error(error: str) -> bytes:
    """The frame of an answer that says why there is none."""
    return _frame({"error": error})


def decode_results(payload: bytes) -> tuple[CheckResult, ...]:
    """The results in an answer's header; RuntimeError with the worker's words when it failed."""
    answer: dict[str, Any] = json.loads(payload)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return tuple(_result(one) for one in answer["results"])


def decode_material(payload: bytes) -> Material:
    """The material in an answer's header; RuntimeError with the worker's words when it failed."""
    answer: dict[str, Any] = json.loads(payload)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return _material(answer["material"])


def result_as_json(result: CheckResult) -> dict[str, Any]:
    """A result as plain JSON values; paths may hold surrogate escapes."""
    return {
        "check": result.check,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "seconds": result.seconds,
        "skipped": list(result.skipped),
        "reduced": list(result.reduced),
        "findings": [finding_as_json(finding) for finding in result.findings],
    }


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """A finding as plain JSON values."""
    return {
        "rule": finding.rule,
        "title": finding.title,
        "message": finding.message,
        "remedy": finding.remedy,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "span": _span_as_json(finding.span),
        "cwe": finding.cwe,
        "check": finding.check,
        "excerpt": finding.excerpt,
        "identity": finding.identity,
        "url": finding.url,
        "trace": _steps_as_json(finding.trace),
        "ways": [_steps_as_json(way) for way in finding.ways],
        "assumed": list(finding.assumed),
        "engines": list(finding.engines),
        "allowed": finding.allowed,
        "anchor": _anchor_as_json(finding.anchor),
    }


def _steps_as_json(steps: Sequence[TraceStep]) -> list[list[Any]]:
    return [[_span_as_json(one.span), one.text, one.role.value, one.excerpt] for one in steps]


def _steps(steps: Sequence[Sequence[Any]]) -> tuple[TraceStep, ...]:
    return tuple(
        TraceStep(Span(*span), text, StepRole(role), excerpt) for span, text, role, excerpt in steps
    )


def _anchor_as_json(anchor: Anchor | None) -> list[Any] | None:
    if anchor is None:
        return None
    body = list(anchor.body)
    return [anchor.rule, anchor.scope, anchor.statement, body, anchor.path, anchor.line]


def _anchor(one: Sequence[Any] | None) -> Anchor | None:
    if one is None:
        return None
    rule, scope, statement, body, path, line = one
    return Anchor(rule, scope, statement, tuple(body), path, line)


def _span_as_json(span: Span) -> list[str | int]:
    return [span.path, span.line, span.column, span.end_line, span.end_column]


def _result(one: Mapping[str, Any]) -> CheckResult:
    findings = tuple(_finding(finding) for finding in one["findings"])
    return CheckResult(
        check=one["check"],
        outcome=Outcome(one["outcome"]),
        reason=one["reason"],
        findings=findings,
        seconds=one["seconds"],
        skipped=tuple(one["skipped"]),
        reduced=tuple(one["reduced"]),
    )


def _finding(one: Mapping[str, Any]) -> Finding:
    return Finding(
        rule=one["rule"],
        title=one["title"],
        message=one["message"],
        remedy=one["remedy"],
        severity=Severity(one["severity"]),
        confidence=Confidence(one["confidence"]),
        span=Span(*one["span"]),
        cwe=one["cwe"],
        check=one["check"],
        excerpt=one["excerpt"],
        identity=one["identity"],
        url=one["url"],
        trace=_steps(one["trace"]),
        ways=tuple(_steps(way) for way in one["ways"]),
        assumed=tuple(one["assumed"]),
        engines=tuple(one["engines"]),
        allowed=one["allowed"],
        anchor=_anchor(one["anchor"]),
    )


def _scope_as_json(scope: Scope) -> dict[str, Any]:
    return {
        "paths": list(scope.paths),
        "never": list(scope.never),
        "tokens": scope.tokens,
        "classes": {name: list(patterns) for name, patterns in scope.classes.items()},
        "known": [finding_as_json(finding) for finding in scope.known],
    }


def _scope(one: Mapping[str, Any]) -> Scope:
    return Scope(
        paths=tuple(one["paths"]),
        never=tuple(one["never"]),
        tokens=one["tokens"],
        classes={name: tuple(patterns) for name, patterns in one["classes"].items()},
        known=tuple(_finding(finding) for finding in one["known"]),
    )


def _material_as_json(material: Material) -> dict[str, Any]:
    return {
        "pieces": [
            [one.path, one.why, [[line.number, line.mark, line.text] for line in one.lines]]
            for one in material.pieces
        ],
        "questions": list(material.questions),
        "routes": list(material.routes),
        "sources": [[one.path, one.digest, one.lines] for one in material.sources],
        "withheld": list(material.withheld),
        "cut": list(material.cut),
        "masked": material.masked,
        "problem": material.problem,
    }


def _material(one: Mapping[str, Any]) -> Material:
    return Material(
        pieces=tuple(
            Piece(path, why, tuple(Line(*line) for line in lines))
            for path, why, lines in one["pieces"]
        ),
        questions=tuple(one["questions"]),
        routes=tuple(one["routes"]),
        sources=tuple(Source(*source) for source in one["sources"]),
        withheld=tuple(one["withheld"]),
        cut=tuple(one["cut"]),
        masked=one["masked"],
        problem=one["problem"],
    )


def _frame(header: Mapping[str, Any]) -> bytes:
    payload = json.dumps(header, separators=(",", ":")).encode("ascii")
    return LENGTH.pack(len(payload)) + payload


def _read_header(stream: BinaryIO) -> dict[str, Any] | None:
    start = stream.read(LENGTH.size)
    if len(start) < LENGTH.size:
        return None
    return json.loads(_exactly(stream, LENGTH.unpack(start)[0]))


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError("the request ended early")
    return data
