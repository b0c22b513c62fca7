"""Shell, SQL and code texts that are put together from values, in Python.

ruff names the calls; this looks at what reaches them: constants and quoted values are left alone.
It follows names within one file and knows nothing of where values come from.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from headgate.model.finding import Confidence, Finding, Outcome, Severity, Span
from headgate.scan.analyzers.interface import Analysis, Hit, SourceFile
from headgate.scan.analyzers.python_ast import parse
from headgate.scan.analyzers.python_values import Made, Scope, Value, scopes, value_of
from headgate.scan.rules.table import load
from headgate.scan.text import decode, is_python

_SHELL = frozenset(
    {
        "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
        "asyncio.create_subprocess_shell", "asyncio.subprocess.create_subprocess_shell",
        "commands.getoutput", "popen2.popen2",
    }
)  # fmt: skip
_PROCESS = frozenset(
    {
        "subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output",
        "subprocess.Popen", "asyncio.create_subprocess_exec", "os.execv", "os.execvp", "os.execl",
        "os.execlp", "os.spawnv", "os.spawnvp",
    }
)  # fmt: skip
_SHELLS = re.compile(r"(.*/)?(ba|da|z|k|a)?sh(\.exe)?|cmd(\.exe)?|powershell(\.exe)?|pwsh")
_SQL_METHODS = frozenset(
    {
        "execute", "executemany", "executescript", "fetch", "fetchrow", "fetchval", "fetch_all",
        "fetch_one", "fetchall", "raw", "raw_sql", "read_sql", "read_sql_query", "exec_driver_sql",
        "execute_sql", "text", "RawSQL", "query", "sql",
    }
)  # fmt: skip
_SINKS = re.compile(
    rb"\b(system|popen2?|getoutput|getstatusoutput|create_subprocess_\w+|execute\w*|exec\w*|eval|"
    rb"fetch\w*|raw\w*|RawSQL|read_sql\w*|text|query|sql|spawn\w*|subprocess|shell)\b"
)
"""A file without any of these words has nothing to judge."""
_UNBOUND = re.compile(r"\s*(create|alter|drop|truncate|grant|set|use|pragma|copy)\b", re.IGNORECASE)
"""Statements in which no parameter can stand."""
_SQL_KEYWORDS = ("sql", "query", "statement", "operation", "clause")
_SQL = re.compile(
    r"^\s*(--[^\n]*\n\s*)*\(?\s*("
    r"select\b.+\bfrom\b|select\s+\S+\(|insert\s+(or\s+\w+\s+)?into\b|replace\s+into\b|"
    r"update\b.+\bset\b|delete\s+from\b|"
    r"(create|alter|drop|truncate)\s+(table|database|schema|user|role|view|index|or|temp)\b|"
    r"grant\b.+\bto\b|merge\s+into\b|with\b.+\bas\b\s*\(|call\s|exec(ute)?\s|pragma\s|use\s|"
    r"set\s+\w+|union\s+(all\s+)?select\b|copy\s|truncate\s)",
    re.IGNORECASE | re.DOTALL,
)
_NAME_POSITION = re.compile(
    r"(\b(from|join|into|update|table|by|index|view|schema|database|on|using|pragma|select|set|"
    r"column|use|asc|desc)|[,.(\"`\[]|\bpragma\s+\w+\s*\()\s*[\"`\[]?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Injection:
    """Judges the text that reaches a shell, a database or the interpreter."""

    name = "injection"
    check = "source"

    def wants(self, path: str, start: bytes) -> bool:
        return is_python(path, start) and not path.endswith(".pyi")

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        hits: list[Hit] = []
        for file in files:
            tree = parse(file.data) if _SINKS.search(file.data) else None
            # What this Python cannot read is ruff's to judge: see its table.
            if tree is not None:
                lines = decode(file.data).split("\n")
                hits.extend(
                    Hit(replace(finding, span=_in_characters(finding.span, lines)))
                    for finding in _findings(file.path, tree)
                )
        return Analysis(Outcome.PASSED, "", tuple(hits))


def _findings(path: str, tree: ast.Module) -> Iterator[Finding]:
    imported = _imports(tree)
    seen: set[tuple[str, int, int]] = set()
    for node, scope in scopes(tree):
        if not isinstance(node, ast.Call):
            continue
        finding = _judge(path, node, scope, imported)
        if finding is None:
            continue
        key = (finding.rule, finding.span.line, finding.span.column)
        if key in seen:
            continue
        seen.add(key)
        # Wherever the file is: whoever chooses the path must not choose the verdict.
        yield finding


def _imports(tree: ast.Module) -> dict[str, str]:
    """Local name → dotted name, for imports anywhere in the file."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    names[alias.asname] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _dotted(node: ast.expr, imported: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    parts.append(imported.get(node.id, node.id))
    return ".".join(reversed(parts))


def _judge(path: str, call: ast.Call, scope: Scope, imported: dict[str, str]) -> Finding | None:
    dotted = _dotted(call.func, imported)
    command = _shell_text(call, dotted)
    if command is not None:
        return _shell(path, call, value_of(command, scope))
    if dotted in ("eval", "exec", "builtins.eval", "builtins.exec") and call.args:
        value = value_of(call.args[0], scope)
        if value.made is Made.BUILT:
            return _finding("code", path, call, value)
        return None
    method = call.func.attr if isinstance(call.func, ast.Attribute) else dotted.rpartition(".")[2]
    if method in _SQL_METHODS:
        query = call.args[0] if call.args else None
        for keyword in call.keywords:
            if query is None and keyword.arg in _SQL_KEYWORDS:
                query = keyword.value
        if query is not None:
            return _sql(path, call, value_of(query, scope))
    return None


def _shell_text(call: ast.Call, dotted: str) -> ast.expr | None:
    """The expression that a shell will run; None when this call starts no shell."""
    if dotted in _SHELL:
        return call.args[0] if call.args else _keyword(call, "cmd", "command")
    shell = _keyword(call, "shell")
    if isinstance(shell, ast.Constant) and shell.value is True:
        first = call.args[0] if call.args else _keyword(call, "args", "cmd", "command")
        if isinstance(first, (ast.List, ast.Tuple)):
            return first.elts[0] if first.elts else None
        return first
    if dotted in _PROCESS and call.args:
        words: list[ast.expr] = []
        for argument in call.args:
            listed = isinstance(argument, (ast.List, ast.Tuple))
            words.extend(argument.elts if listed else [argument])
        for first, option, text in zip(words, words[1:], words[2:], strict=False):
            if _is_text(first, _SHELLS) and _is_text(option, re.compile(r"-\w*c|/c|-Command")):
                return text
    return None


def _keyword(call: ast.Call, *names: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg in names), None)


def _is_text(node: ast.expr, pattern: re.Pattern[str]) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    return bool(pattern.fullmatch(node.value))


def _shell(path: str, call: ast.Call, value: Value) -> Finding | None:
    if value.made is Made.CONSTANT:
        return None
    if value.made is Made.UNKNOWN:
        return _finding("shell-unknown", path, call, replace(value, where=call))
    finding = _finding("shell", path, call, value)
    if value.made is Made.NAMED:
        return replace(finding, confidence=Confidence.MEDIUM)
    return finding


def _sql(path: str, call: ast.Call, value: Value) -> Finding | None:
    if value.made < Made.NAMED or not _SQL.match(value.text):
        return None
    finding = _finding("sql", path, call, value)
    before = [piece.rstrip() for piece in value.text.split("\0")[:-1]]
    names_only = bool(before) and all(_NAME_POSITION.search(piece) for piece in before)
    if value.made is Made.NAMED and names_only:
        # A table's name from an attribute of one's own: no parameter can stand there.
        return replace(finding, severity=Severity.MEDIUM, confidence=Confidence.LOW)
    if _UNBOUND.match(value.text):
        return replace(finding, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM)
    if names_only:
        return replace(finding, confidence=Confidence.MEDIUM)
    return finding


def _finding(kind: str, path: str, call: ast.Call, value: Value) -> Finding:
    rule = load("injection")[kind]
    where = value.where
    message = rule.message
    if where.lineno != call.lineno:
        message += f" It reaches `{_name(call)}` on line {call.lineno}."
    return Finding(
        rule=rule.rule,
        title=rule.title,
        message=message,
        remedy=rule.remedy,
        severity=rule.severity,
        confidence=rule.confidence,
        span=_span(path, where),
        cwe=rule.cwe,
        check="source",
    )


def _name(call: ast.Call) -> str:
    text = ast.unparse(call.func)
    return text if len(text) <= 40 else text[:39] + "…"


def _span(path: str, node: ast.expr) -> Span:
    return Span(
        path,
        node.lineno,
        node.col_offset + 1,
        node.end_lineno or node.lineno,
        (node.end_col_offset or node.col_offset) + 1,
    )


def _in_characters(span: Span, lines: Sequence[str]) -> Span:
    """The span with columns in characters: the syntax tree counts UTF-8 bytes."""

    def column(line: int, byte_column: int) -> int:
        text = lines[line - 1] if line <= len(lines) else ""
        if text.isascii():
            return byte_column
        return len(text.encode()[: byte_column - 1].decode("utf-8", "replace")) + 1

    return replace(
        span,
        column=column(span.line, span.column),
        end_column=column(span.end_line, span.end_column),
    )
