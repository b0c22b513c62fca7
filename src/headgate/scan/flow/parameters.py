"""Commands, queries and code that are put together from the parameters of functions.

Who calls such a function is not known, so neither is whether the data comes from outside; that a
text is built round a value where a parameter should stand is a defect all the same.
"""

from __future__ import annotations

import re

from headgate.model.finding import Confidence, Severity
from headgate.model.record import record
from headgate.scan.flow.findings import BUILT, Hit, Step, steps_of
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late
from headgate.scan.packs.schema import Sink

KINDS = frozenset({"sql-injection", "command-injection", "code-injection"})
_SHELL_CALLS = frozenset(
    {
        "system", "popen", "popen2", "getoutput", "getstatusoutput", "create_subprocess_shell",
        "exec_command",
    }
)  # fmt: skip
_SHELL_WORDS = frozenset({"shell", "-c", "-lc", "-ec", "-ce", "/c", "-Command"})
_SQL_CALLS = frozenset(
    {
        "execute", "executemany", "executescript", "fetch", "fetchrow", "fetchval", "fetch_all",
        "fetch_one", "fetchall", "raw", "raw_sql", "read_sql", "read_sql_query", "exec_driver_sql",
        "execute_sql", "text", "RawSQL", "query", "sql",
    }
)  # fmt: skip
_SQL_WORDS = late(
    rb"\b(select|insert|replace|update|delete|create|alter|drop|truncate|grant|merge|with|call|"
    rb"exec|execute|pragma|use|set|union|copy)\s",
    re.IGNORECASE,
)
_SQL = late(
    r"^\s*(--[^\n]*\n\s*)*\(?\s*("
    r"select\b.+\bfrom\b|select\s+\S+\(|insert\s+(or\s+\w+\s+)?into\b|replace\s+into\b|"
    r"update\b.+\bset\b|delete\s+from\b|"
    r"(create|alter|drop|truncate)\s+(table|database|schema|user|role|view|index|or|temp)\b|"
    r"grant\b.+\bto\b|merge\s+into\b|with\b.+\bas\b\s*\(|call\s|exec(ute)?\s|pragma\s|use\s|"
    r"set\s+\w+|union\s+(all\s+)?select\b|copy\s|truncate\s)",
    re.IGNORECASE | re.DOTALL,
)
_UNBOUND = late(r"\s*(create|alter|drop|truncate|grant|set|use|pragma|copy)\b", re.IGNORECASE)
"""Statements in which no parameter can stand."""
_ADMINISTRATION = late(
    r"\s*((create|alter|drop)\s+(database|user|role|schema|tablespace|login)\b|pragma\b|use\b|"
    r"set\s+((session|global|local|transaction|search_path|schema|role)\b|\S+$))",
    re.IGNORECASE,
)
"""Statements about the database itself."""
_NAME_POSITION = late(
    r"(\b(from|join|into|update|table|by|index|view|schema|database|on|using|pragma|select|set|"
    r"column|use|asc|desc)|[,.(\"`\[]|\bpragma\s+\w+\s*\()\s*[\"`\[]?$",
    re.IGNORECASE,
)


@record
class Judged:
    """What a text that is built from a parameter is."""

    code: str
    """In the table `injection`."""
    severity: Severity | None
    """Instead of the table's."""
    confidence: Confidence
    built: Step | None
    """Where the text is put together."""


def is_sql(text: str) -> bool:
    """Whether a text, with `\\0` for what is not known, begins like a query."""
    return bool(_SQL.match(text))


def worth_a_look(function: Node, data: bytes) -> bool:
    """Whether a function may run a text that it puts together. `data`: of its file."""
    return worth_reading(function[11], data, function[1], function[2])


def worth_reading(mentions: frozenset[str], data: bytes, start: int, end: int) -> bool:
    """Whether what is between two offsets of a file, with these names, may run such a text."""
    if "eval" in mentions or "exec" in mentions:
        return True
    if not mentions.isdisjoint(_SHELL_CALLS) or not mentions.isdisjoint(_SHELL_WORDS):
        return True
    if mentions.isdisjoint(_SQL_CALLS):
        return False
    return bool(_SQL_WORDS.search(data, start, end))


def judge(hit: Hit) -> Judged | None:
    """What to tell of a parameter that reaches a sink; None: nothing."""
    if hit.kind not in KINDS or hit.rule is None:
        return None
    steps = steps_of(hit.trace)
    places = [index for index, step in enumerate(steps) if step.reason in BUILT]
    built = steps[places[-1]] if places else None
    # Built in the call itself, or on the way to it.
    direct = bool(places) and places[-1] == len(steps) - 1
    if hit.kind == "code-injection":
        return Judged("code", None, Confidence.MEDIUM, built) if built else None
    if hit.kind == "command-injection":
        if not _starts_shell(hit.rule):
            return None
        if built is None:
            return Judged("shell-unknown", None, Confidence.MEDIUM, None)
        return Judged("shell", None, Confidence.HIGH if direct else Confidence.MEDIUM, built)
    if built is None or not is_sql(hit.text):
        return None
    before = [piece.rstrip() for piece in hit.text.split("\0")[:-1]]
    names_only = bool(before) and all(_NAME_POSITION.search(piece) for piece in before)
    if names_only and hit.token.parent is not None:
        # A table's name from an attribute of one's own: no parameter can stand there.
        return Judged("sql", Severity.MEDIUM, Confidence.LOW, built)
    if _ADMINISTRATION.match(hit.text):
        # Who may make and drop databases is told their names by the one who runs the program.
        return None
    if _UNBOUND.match(hit.text):
        return Judged("sql", Severity.MEDIUM, Confidence.MEDIUM, built)
    sure = direct and not names_only
    return Judged("sql", None, Confidence.HIGH if sure else Confidence.MEDIUM, built)


def _starts_shell(sink: Sink) -> bool:
    if any(name.rpartition(".")[2] in _SHELL_CALLS for name in sink.call):
        return True
    shell = sink.when.get("shell")
    if shell is not None:
        return shell.equals is True
    return any(key in sink.when for key in ("0[1]", "1"))
