"""Who or what wrote a commit, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from headgate.model.record import record


class OriginKind(StrEnum):
    HUMAN = "human"
    AI = "ai"
    MIXED = "mixed"
    AUTOMATION = "automation"
    UNKNOWN = "unknown"
    """Not the same as human: nothing was observed either way."""


class Grade(StrEnum):
    """How good the evidence is."""

    A = "A"
    """Asserted by the platform, or observed by a hook of ours."""
    B = "B"
    """Explicitly declared by the author or the tool."""
    C = "C"
    """Weak or indirect."""
    D = "D"
    """Statistical."""


@record
class Evidence:
    """One claim about an origin, kept even when a stronger one decides."""

    rule: str
    signal: str
    """What was seen, e.g. `trailer Co-authored-by: …`."""
    kind: OriginKind
    grade: Grade
    tool: str = ""
    model: str = ""
    session: str = ""


@record
class Origin:
    """The origin of a commit or of a change."""

    kind: OriginKind
    grade: Grade | None = None
    tool: str = ""
    model: str = ""
    session: str = ""
    prompter: str = ""
    evidence: tuple[Evidence, ...] = ()

    @property
    def ai_involved(self) -> bool:
        return self.kind in (OriginKind.AI, OriginKind.MIXED)


UNKNOWN_ORIGIN = Origin(OriginKind.UNKNOWN)


def combine(origins: Iterable[Origin]) -> Origin:
    """The origin of a change from those of its commits: AI and anything else is mixed."""
    seen = list(origins)
    kinds = {origin.kind for origin in seen}
    if not seen:
        return UNKNOWN_ORIGIN
    if len(kinds) == 1:
        kind = seen[0].kind
    elif kinds & {OriginKind.AI, OriginKind.MIXED}:
        kind = OriginKind.MIXED
    elif OriginKind.UNKNOWN in kinds:
        kind = OriginKind.UNKNOWN
    else:
        kind = OriginKind.MIXED
    deciding = [o for o in seen if o.kind in (OriginKind.AI, OriginKind.MIXED)] or seen
    best = min(deciding, key=lambda o: o.grade or Grade.D)
    evidence = tuple(dict.fromkeys(e for o in seen for e in o.evidence))
    prompter = next((o.prompter for o in seen if o.prompter), "")
    return Origin(kind, best.grade, best.tool, best.model, best.session, prompter, evidence)
