"""What humans and the policy silence is taken out of a check."""

from __future__ import annotations

import time
from typing import Any, cast

from headgate.model.finding import CheckResult, Confidence, Finding, Outcome, Severity, Span
from headgate.model.suppression import Central, Suppression
from headgate.server.flow.silencing import without_silenced


def test_thousands_of_findings_are_sorted_in_no_time() -> None:
    found = tuple(
        Finding(
            "r" if number % 3 else "policy", "", "", "", Severity.HIGH, Confidence.LOW,
            Span("a.py", number + 1), identity=f"i{number}",
        )
        for number in range(6000)
    )  # fmt: skip
    acts = cast("Any", {f"i{number}": None for number in range(3000)})
    central = Central((Suppression(("policy",), (), (), 10.0, "ann", "because", 1),), "app", 5.0)
    begun = time.process_time()
    (check,) = without_silenced([CheckResult("source", Outcome.FAILED, "", found)], acts, central)
    assert time.process_time() - begun < 2
    assert [f.identity for f in check.findings] == [f"i{n}" for n in range(3000, 6000) if n % 3]
    assert check.reason == "3000 findings silenced by humans; 1000 findings silenced by the policy"
