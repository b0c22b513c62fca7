"""Whether what the policy silences exists."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from headgate.model.errors import BadInput
from headgate.model.suppression import Suppression
from headgate.scan.rules.known import is_known_rule, known_rules
from headgate.scan.text import printable


def check_rules(suppressions: Iterable[Suppression]) -> None:
    """Raises BadInput, with file and line, for a suppression of a rule that is none."""
    for one in suppressions:
        for rule in one.rules:
            if rule.startswith("dependency/"):
                raise BadInput(
                    f"{one.place}: suppress.rule: findings on packages have exceptions.",
                    "Write [[dependencies.exceptions]].",
                )
            if is_known_rule(rule):
                continue
            near = get_close_matches(rule, sorted(known_rules()), n=1)
            remedy = f"Did you mean `{near[0]}`?" if near else "See `headgate rules explain`."
            raise BadInput(
                f"{one.place}: suppress.rule: there is no rule `{printable(rule)}`.", remedy
            )
