"""The outcome of one check, from what was found in a state and in the one before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.model.record import replace
from headgate.scan.identity import identity
from headgate.scan.introduced import pairs
from headgate.scan.notes import placed, told
from headgate.scan.request import Request
from headgate.scan.side import Side
from headgate.scan.text import listed, plural, printable
from headgate.scan.ways import brought, each, led_by, origins, shortened


def result_of(check: str, head: Side, base: Side | None, request: Request) -> CheckResult:
    hits = head.hits(check)
    anchors = head.anchors(hits)
    # While it is not known what is secret, nothing is shown.
    shown = head.outcome("secrets") is Outcome.PASSED
    counted: Counter[str] = Counter()
    findings: list[Finding] = []
    for hit, where in zip(hits, anchors, strict=True):
        key = identity(where, 0)
        text = head.text(hit.finding.span.path)
        excerpt = text.excerpt(hit.finding.span)
        trace, ways = each(hit.finding, lambda step: head.step(step, shown))
        findings.append(
            replace(
                placed(told(hit.finding), text),
                excerpt=printable(excerpt.replace("\t", " ")) if shown else "",
                trace=trace,
                ways=ways,
                identity=identity(where, counted[key]),
                allowed=hit.finding.allowed or head.allowed(hit.finding),
                anchor=replace(where, statement=where.statement.partition("\0")[0]),
            )
        )
        counted[key] += 1
    outcome, reasons = head.outcome(check), head.reasons(check)
    seconds = head.seconds[check]
    if base is not None and hits:
        seconds += base.seconds[check]
        if base.outcome(check) is Outcome.PASSED:
            old = base.hits(check)
            known = pairs(
                anchors, base.anchors(old), request.renamed, head.text_or_none, base.text_or_none
            )
            findings = [
                new
                for index, finding in enumerate(findings)
                if (
                    new := finding
                    if index not in known
                    else _reached_anew(finding, old[known[index]].finding, head, base, request)
                )
            ]
        else:
            outcome = Outcome.NOT_RUN
            reasons += [f"the base could not be examined: {why}" for why in base.reasons(check)]
    findings = [shortened(finding) for finding in findings]
    told_of = [finding for finding in findings if not finding.allowed]
    if outcome is Outcome.PASSED and told_of:
        outcome = Outcome.FAILED
        reasons = [plural(len(told_of), "finding")]
    if len(told_of) < len(findings):
        reasons.append(f"{plural(len(findings) - len(told_of), 'finding')} allowed by comments")
    unread = [f"{path}: {why}" for path, why in request.unread.items()]
    skipped = [*request.skipped, *unread, *head.skipped(check)]
    if check == "source":
        skipped += [f"{link.path}: symbolic link" for link in request.links]
        missed = [f"{path}: {why}" for path, why in request.unread.items() if head.wanted(path)]
        missed += head.missed(base, request.renamed)
    else:
        missed = unread
    if outcome is not Outcome.NOT_RUN:
        if missed:
            outcome = Outcome.UNKNOWN
            reasons.append(_missed(check, missed))
        if cut := head.cut(base, request.renamed) if check == "source" and base else []:
            # A whole tree is told of; a change has to be known.
            outcome = Outcome.UNKNOWN
            reasons.append(_cut_off(cut))
        if skipped and not missed:
            reasons.append(f"{plural(len(skipped), 'file')} not examined: {listed(skipped)}")
    unfollowed = (request.unfollowed,) if request.unfollowed and check == "source" else ()
    return CheckResult(
        check=check,
        outcome=outcome,
        reason=printable("; ".join(reasons)),
        findings=tuple(findings),
        seconds=seconds,
        skipped=tuple(dict.fromkeys(skipped)),
        reduced=tuple(dict.fromkeys((*unfollowed, *head.reduced(check)))),
    )


def _reached_anew(
    finding: Finding, old: Finding, head: Side, base: Side, request: Request
) -> Finding | None:
    """An old finding, told by the first way to it that the change brings; None: it brings none."""
    if not finding.trace or not old.trace:
        return None
    new = brought(
        origins(finding, head.text_or_none, head.outline),
        origins(old, base.text_or_none, base.outline),
        request.renamed,
    )
    return led_by(finding, new[0]) if new else None


def _missed(check: str, missed: Sequence[str]) -> str:
    """Why the check came to no result, and what to do."""
    remedy = (
        "mend what is not valid, split what is too large, see that it may be read and has no NULs"
    )
    if check == "source":
        remedy += ", or exclude it under `[checks] exclude` in headgate.toml"
    had = plural(len(missed), "file")
    return f"{had} that had to be examined could not be: {listed(missed)} ({remedy})"


def _cut_off(cut: Sequence[str]) -> str:
    """Why files that the change touches are not known to be clean, and what to do."""
    return (
        f"{plural(len(cut), 'changed file')} could be examined in part only: {listed(cut)} (split "
        "what is too large, or exclude it under `[checks] exclude` in headgate.toml)"
    )
