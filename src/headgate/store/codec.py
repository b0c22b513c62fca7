"""Values of the model as JSON columns, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from headgate.model.change import CommitInfo, Dependency, DependencyKind, Signature
from headgate.model.finding import Anchor, Confidence, Finding, Severity, Span, StepRole, TraceStep
from headgate.model.ids import ChangeNumber, Commit, PrincipalId
from headgate.model.origin import Evidence, Grade, Origin, OriginKind
from headgate.model.verdict import (
    ApprovalBinding,
    Requirement,
    Risk,
    RiskTier,
    Verdict,
    VerdictKind,
)
from headgate.store.text import decode_all, encode_all

Json = Mapping[str, Any]


def dump(value: Any) -> Any:
    """A dataclass as a JSON value that every database can hold."""
    return encode_all(asdict(value))


def commit_info(stored: Json) -> CommitInfo:
    value = decode_all(stored)
    return CommitInfo(
        commit=Commit(value["commit"]),
        parents=tuple(Commit(p) for p in value["parents"]),
        author=Signature(**value["author"]),
        committer=Signature(**value["committer"]),
        message=value["message"],
    )


def origin(stored: Json) -> Origin:
    value = decode_all(stored)
    return Origin(
        kind=OriginKind(value["kind"]),
        grade=Grade(value["grade"]) if value["grade"] else None,
        tool=value["tool"],
        model=value["model"],
        session=value["session"],
        prompter=value["prompter"],
        evidence=tuple(_evidence(e) for e in value["evidence"]),
    )


def _evidence(e: Json) -> Evidence:
    fields: dict[str, Any] = {**e, "kind": OriginKind(e["kind"]), "grade": Grade(e["grade"])}
    return Evidence(**fields)


def dependency(stored: Json) -> Dependency:
    value = decode_all(stored)
    change = value["change"]
    return Dependency(
        value["text"],
        ChangeNumber(change) if change is not None else None,
        # Revisions that an older Headgate wrote say neither.
        DependencyKind(value.get("kind", DependencyKind.FOOTER.value)),
        value.get("revision", 0),
    )


def finding(stored: Json) -> Finding:
    fields: dict[str, Any] = decode_all(stored)
    fields["severity"] = Severity(fields["severity"])
    fields["confidence"] = Confidence(fields["confidence"])
    fields["span"] = Span(**fields["span"])
    # Findings that an older Headgate wrote have none of these.
    fields["trace"] = tuple(_step(step) for step in fields.get("trace", ()))
    fields["ways"] = tuple(tuple(map(_step, way)) for way in fields.get("ways", ()))
    fields["assumed"] = tuple(fields.get("assumed", ()))
    fields["engines"] = tuple(fields.get("engines", ()))
    fields.setdefault("allowed", "")
    fields["anchor"] = anchor(fields.get("anchor"))
    return Finding(**fields)


def anchor(value: Json | None) -> Anchor | None:
    """From decoded JSON."""
    if value is None:
        return None
    fields: dict[str, Any] = {**value, "body": tuple(value["body"])}
    return Anchor(**fields)


def _step(step: Json) -> TraceStep:
    span = Span(**step["span"])
    return TraceStep(span, step["text"], StepRole(step["role"]), step["excerpt"])


def verdict(stored: Json) -> Verdict:
    value = decode_all(stored)
    risk = value["risk"]
    return Verdict(
        kind=VerdictKind(value["kind"]),
        reasons=tuple(value["reasons"]),
        risk=Risk(RiskTier(risk["tier"]), tuple(risk["factors"]), tuple(risk["classes"])),
        requirements=tuple(
            Requirement(
                rule=r["rule"],
                count=r["count"],
                groups=tuple(r["groups"]),
                reason=r["reason"],
                given=tuple(PrincipalId(p) for p in r["given"]),
            )
            for r in value["requirements"]
        ),
        policy=value["policy"],
    )


def binding(stored: Json) -> ApprovalBinding:
    fields: dict[str, Any] = decode_all(stored)
    return ApprovalBinding(**fields)
