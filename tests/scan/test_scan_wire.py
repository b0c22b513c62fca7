"""What crosses from the worker to the server, and into the database, comes back as it went."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from headgate.scan.engine import Request
from headgate.scan.reviewer.interface import Line, Material, Piece, Scope, Source
from headgate.scan.wire import (
    LENGTH,
    decode_material,
    decode_results,
    encode_error,
    encode_material,
    encode_request,
    encode_results,
    read_request,
)
from headgate.store import codec

texts = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\udc80\udcff\\x")),
    max_size=12,
)
spans = st.builds(Span, texts, *[st.integers(0, 99)] * 4)
steps = st.builds(TraceStep, spans, texts, st.sampled_from(StepRole), texts)
anchors = st.builds(
    Anchor, texts, texts, texts, st.lists(texts, max_size=2).map(tuple), texts, st.integers(0, 9)
)
findings = st.builds(
    Finding,
    rule=texts,
    title=texts,
    message=texts,
    remedy=texts,
    severity=st.sampled_from(Severity),
    confidence=st.sampled_from(Confidence),
    span=spans,
    cwe=st.none() | st.integers(1, 2000),
    check=texts,
    excerpt=texts,
    identity=texts,
    url=texts,
    trace=st.lists(steps, max_size=3).map(tuple),
    ways=st.lists(st.lists(steps, max_size=2).map(tuple), max_size=2).map(tuple),
    assumed=st.lists(texts, max_size=2).map(tuple),
    engines=st.lists(texts, max_size=2).map(tuple),
    allowed=texts,
    anchor=st.none() | anchors,
)


@settings(max_examples=40)
@given(st.lists(findings, max_size=3))
def test_results_cross_the_pipe_unchanged(found: list[Finding]) -> None:
    result = CheckResult("source", Outcome.FAILED, "why", tuple(found), 0.5, ("a: b",))
    frame = encode_results([result])
    assert decode_results(frame[LENGTH.size :]) == (result,)


@settings(max_examples=40)
@given(findings)
def test_a_finding_comes_back_from_the_database(found: Finding) -> None:
    assert codec.finding(codec.dump(found)) == found


def test_a_finding_that_an_older_headgate_stored_has_no_trace() -> None:
    stored = codec.dump(
        Finding("r", "t", "m", "d", Severity.LOW, Confidence.LOW, Span("a.py", 1), trace=())
    )
    for newer in ("trace", "assumed", "engines", "allowed", "anchor"):
        del stored[newer]
    assert codec.finding(stored).trace == ()


def test_a_trace_is_whole_from_source_to_sink_with_nothing_assumed() -> None:
    source = TraceStep(Span("a.py", 1), "comes in", StepRole.SOURCE)
    sink = TraceStep(Span("a.py", 2), "goes out", StepRole.SINK)
    base = Finding("r", "t", "m", "d", Severity.LOW, Confidence.LOW, Span("a.py", 2))
    assert not base.is_traced
    assert replace(base, trace=(source, sink)).is_traced
    assert not replace(base, trace=(sink,)).is_traced
    assert not replace(base, trace=(source, sink), assumed=("the type is a cursor",)).is_traced


def test_what_may_be_shown_and_what_is_shown_cross_the_pipe_unchanged() -> None:
    known = Finding("r", "t", "m", "", Severity.LOW, Confidence.LOW, Span("a\udcff.py", 1))
    scope = Scope(("**",), ("*.pem",), 900, {"critical": ("pay/",)}, (known,))
    files = (SourceFile("a\udcff.py", b"x = 1\n"),)
    request = read_request(io.BytesIO(encode_request(Request(files, files, scope=scope))))
    assert request == Request(files, files, scope=scope)
    material = Material(
        (Piece("a\udcff.py", "changed", (Line(1, "+", "x = 1"), Line(0, "-", "y"))),),
        ("a question",),
        ("GET /: a route",),
        (Source("a\udcff.py", "00", 1),),
        ("b.py: binary",),
        ("c.py: too long",),
        2,
        "",
    )
    assert decode_material(encode_material(material)[LENGTH.size :]) == material
    with pytest.raises(RuntimeError, match="the analysis failed"):
        decode_material(encode_error("the analysis failed (KeyError)")[LENGTH.size :])
