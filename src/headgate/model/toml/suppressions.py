"""`[[suppress]]` of policy.toml."""

from __future__ import annotations

from headgate.model.suppression import Suppression
from headgate.model.toml.reader import Table

_NEEDED = {
    "rule": 'Name the rule, e.g. rule = "python/sql-injection".',
    "owner": "Name who looks after it.",
    "because": "Say why, for everybody to read.",
    "until": "Name the last day, e.g. until = 2027-01-31; look at it again then.",
}


def read_suppressions(root: Table) -> tuple[Suppression, ...]:
    """What the policy silences. Raises BadInput with file, line and key."""
    found: list[Suppression] = []
    for table in root.tables("suppress"):
        for key, remedy in _NEEDED.items():
            if not table.has(key):
                table.fail("", f"has no `{key}`.", remedy)
        rules = table.texts("rule")
        if not rules:
            table.fail("rule", "names no rule.", _NEEDED["rule"])
        texts = {key: table.text(key).strip() for key in ("owner", "because")}
        for key, text in texts.items():
            if not text:
                table.fail(key, "is empty.", _NEEDED[key])
        until = table.day("until")
        assert until is not None
        found.append(
            Suppression(
                rules=rules,
                paths=table.patterns("paths"),
                projects=table.texts("projects"),
                until=until,
                owner=texts["owner"],
                because=" ".join(texts["because"].split()),
                line=table.line,
            )
        )
        table.done()
    return tuple(found)
