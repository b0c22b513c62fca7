"""A user's own taint rules for semgrep, turned into taint rules of a pack.

A rule is carried when it finds what it found before, as far as the data goes; everything that it
says and that a pack cannot is told with its line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from headgate.model.errors import BadInput
from headgate.scan.convert.result import Carried, Lack
from headgate.scan.convert.semgrep_patterns import Cannot, Items, cannot, entry, flag
from headgate.scan.packs.own_rules import taint_rule
from headgate.scan.packs.reading import Table, read

DIFFERS = (
    "Headgate follows data through functions, files and containers, and does not take a number, a "
    "value that was compared with a constant, or what a test has let through for dangerous."
)
"""What holds for every rule that is carried."""
_LANGUAGES = {
    "python": "python", "py": "python", "javascript": "javascript", "js": "javascript",
    "typescript": "typescript", "ts": "typescript",
}  # fmt: skip
_FILES = {"javascript": r"\.(js|jsx|mjs|cjs)$", "typescript": r"\.(ts|tsx|mts|cts)$"}
_SEVERITIES = {
    "error": "high", "warning": "medium", "info": "low", "critical": "critical", "high": "high",
    "medium": "medium", "low": "low",
}  # fmt: skip
_PARTS = {
    "pattern-sources": ("sources", ("by-side-effect", "exact")),
    "pattern-sinks": ("sinks", ("exact",)),
    "pattern-sanitizers": ("sanitizers", ("by-side-effect", "exact")),
    "pattern-propagators": ("propagators", ("from", "to", "by-side-effect")),
}
_PLAIN = frozenset({"id", "mode", "languages", "severity", "message", "metadata", "paths"})
_UNTOLD = frozenset({"fix", "fix-regex", "min-version", "max-version"})
"""What changes nothing of what is found."""
_HARMLESS = {"interfile": "data is followed from file to file anyway"}


def convert(data: bytes, file: str) -> list[Carried]:
    """Every rule of a file of semgrep's. Raises BadInput for what is no such file."""
    table = read(data, file)
    rules = table.values.get("rules")
    if not isinstance(rules, list):
        raise BadInput(f"{file}:1: there is no list `rules`.", "Name a file of semgrep rules.")
    out: list[Carried] = []
    seen: dict[str, int] = {}
    for one in table.tables("rules"):
        name = one.text("id")
        if name in seen:
            raise one.error("id", f"{name!r} is the name of the rule in line {seen[name]} as well")
        seen[name] = one.line
        out.append(_Rule(one, file, name).carried())
    return out


class _Rule:
    """One rule on its way."""

    def __init__(self, table: Table, file: str, name: str) -> None:
        self._table = table
        self._out = Carried(file, table.line, name)

    def carried(self) -> Carried:
        table, out = self._table, self._out
        if table.values.get("mode") != "taint":
            self._lack("mode" if "mode" in table else "id", "only rules with `mode: taint` are")
            return out
        head = self._head()
        for language, files in self._languages().items():
            rule = {**head, **self._files(files), **self._parts(language)}
            if self._usable(rule, language):
                out.rules[language] = rule
        out.lacks = list(dict.fromkeys(out.lacks))
        out.notes = list(dict.fromkeys(out.notes))
        if out.lacks:
            for language, rule in out.rules.items():
                told = [f"{one.what} in line {one.line}" for one in out.lacks]
                out.rules[language] = {**rule, "partial": told}
        return out

    def _lack(self, key: str, why: str) -> None:
        self._out.lacks.append(Lack(self._table.lines.get(key, self._table.line), key, why))

    def _note(self, key: str, why: str) -> None:
        self._out.notes.append(Lack(self._table.lines.get(key, self._table.line), key, why))

    def _head(self) -> Items:
        """What the rule is called and says."""
        table = self._table
        for key in table.values:
            if key in _UNTOLD:
                self._note(key, "is left out; it changes nothing of what is found")
            elif key not in _PLAIN and key not in _PARTS and key != "options":
                self._lack(key, "is not known here")
        for key in table.table("options").values if "options" in table else ():
            options = table.table("options")
            line = options.lines.get(key, options.line)
            if key in _HARMLESS and options.values[key] is True:
                self._out.notes.append(Lack(line, f"options.{key}", _HARMLESS[key]))
            else:
                self._out.lacks.append(Lack(line, f"options.{key}", "has no counterpart"))
        name = re.sub(r"[^a-z0-9._-]", "-", self._out.name.lower())[:100].lstrip("._-") or "rule"
        if name != self._out.name:
            self._note("id", f"the rule is called own/{name}")
        message = " ".join(table.text("message").split())
        if re.search(r"\$[A-Z_]", message):
            self._note("message", "variables in it are not replaced")
        severity = _SEVERITIES.get(table.text("severity", "").lower())
        if severity is None:
            self._lack("severity", "has to be ERROR, WARNING, INFO or CRITICAL, HIGH, MEDIUM, LOW")
            severity = "medium"
        return {"rule": name, "message": message, "severity": severity, **self._cwe()}

    def _cwe(self) -> Items:
        if not isinstance(self._table.values.get("metadata"), Table):
            if "metadata" in self._table:
                self._note("metadata", "is no mapping and is left out")
            return {}
        metadata = self._table.table("metadata")
        given: Any = metadata.values.get("cwe")
        texts = cast("list[Any]", given) if isinstance(given, list) else [given]
        numbers = [
            int(match[1]) for one in texts if (match := re.match(r"CWE-(\d{1,5})\b", str(one)))
        ]
        left = sorted(key for key in metadata.values if key != "cwe")
        if len(numbers) > 1:
            left = [f"CWE-{number}" for number in numbers[1:]] + left
        if left:
            self._note("metadata", f"{', '.join(left)}: left out; it changes nothing that is found")
        return {"cwe": numbers[0]} if numbers else {}

    def _languages(self) -> Mapping[str, Sequence[str]]:
        """Language of the pack → those of the rule that it stands for."""
        out: dict[str, list[str]] = {}
        for one in self._table.texts("languages"):
            name = _LANGUAGES.get(one.lower())
            if name is None:
                self._lack("languages", f"{one} is not followed")
            else:
                pack = "python" if name == "python" else "javascript"
                out.setdefault(pack, []).append(name)
        if not out and "languages" not in self._table:
            self._lack("languages", "is missing")
        return out

    def _files(self, languages: Sequence[str]) -> Items:
        out: Items = {}
        kinds = set(languages) & _FILES.keys()
        files = "" if len(kinds) != 1 else _FILES[kinds.pop()]
        if "paths" in self._table:
            paths = self._table.table("paths")
            for key in paths.values:
                if key not in ("include", "exclude"):
                    self._lack("paths", f"{key} is not known here")
            included, excluded = self._globs(paths, "include"), self._globs(paths, "exclude")
            # Either may be anywhere in the path, so each is looked for from its beginning.
            both = included and files
            files = rf"^(?=.*{files})(?=.*(?:{included}))" if both else files or included
            if excluded:
                out["unless_files"] = excluded
        if files:
            out["files"] = files
        return out

    def _globs(self, paths: Table, key: str) -> str:
        patterns: list[str] = []
        for glob in paths.texts(key):
            regex = glob_regex(glob)
            if regex is None:
                self._out.lacks.append(
                    Lack(paths.lines[key], f"paths.{key}", f"{glob} is not read here")
                )
            else:
                patterns.append(regex)
        return "|".join(patterns)

    def _parts(self, language: str) -> Items:
        out: dict[str, list[Items]] = {}
        for key, (ours, allowed) in _PARTS.items():
            if key not in self._table:
                continue
            for one in self._table.tables(key):
                try:
                    out.setdefault(ours, []).append(_part(one, ours, language, allowed))
                except Cannot as error:
                    lack = error.lack
                    self._out.lacks.append(Lack(lack.line, f"{key}: {lack.what}", lack.why))
        return {key: found for key, found in out.items() if found}

    def _usable(self, rule: Items, language: str) -> bool:
        """Whether the rule is one; what a pack does not take is told."""
        for key, ours in (("pattern-sources", "sources"), ("pattern-sinks", "sinks")):
            if not rule.get(ours):
                self._lack(key, "none of them can be carried" if key in self._table else "missing")
                return False
        for ours in ("sources", "sinks", "sanitizers", "propagators"):
            for one in list(rule.get(ours, ())):
                # One by one, so that a rule may be written without it.
                alone = _alone(rule, ours, one)
                try:
                    taint_rule(_as_table(alone, self._out.file, self._table.line), language, ())
                except BadInput as error:
                    key = next(name for name, (own, _) in _PARTS.items() if own == ours)
                    why = error.message.removeprefix(f"{self._out.file}:{self._table.line}: ")
                    self._lack(key, why.removesuffix("."))
                    rule[ours].remove(one)
        return bool(rule["sources"] and rule["sinks"])


def _alone(rule: Items, ours: str, one: Items) -> Items:
    """A rule with only one source, sink, sanitizer or propagator, to see whether it is taken."""
    anything = {"match": "hg_some_call(...)"}
    parts: Items = {"sources": [anything], "sinks": [anything], "sanitizers": [], "propagators": []}
    parts[ours] = [one]
    return {**{key: rule[key] for key in ("rule", "message")}, **parts}


def _as_table(value: Any, file: str, line: int) -> Any:
    """What a pack's reader would read."""
    if isinstance(value, dict):
        table = Table(file, "", line)
        items = cast("dict[str, Any]", value)
        table.values = {key: _as_table(one, file, line) for key, one in items.items()}
        return table
    if isinstance(value, list):
        return [_as_table(one, file, line) for one in cast("list[Any]", value)]
    return value


def _part(table: Table, ours: str, language: str, allowed: Sequence[str]) -> Items:
    out = entry(table, language, allowed)
    if ours == "propagators":
        if not flag(table, "by-side-effect", True):
            raise cannot(table, "by-side-effect", "data passes into a variable only")
        return {**out, "from": table.text("from"), "to": table.text("to")}
    if ours == "sinks":
        if not flag(table, "exact", True):
            raise cannot(table, "exact", "only the value that reaches a sink is judged")
        return out
    if flag(table, "exact", False):
        out["exact"] = True
    effect = table.values.get("by-side-effect", False)
    if effect not in (True, False, "only"):
        raise cannot(table, "by-side-effect", "has to be true, false or only")
    if effect:
        out["in_place"] = True if effect is True else "later"
    return out


def glob_regex(glob: str) -> str | None:
    """The regular expression for a glob of `paths`: of any depth unless it begins with `/`; what
    is below a directory is meant with it. None for what is not read."""
    if not glob or len(glob) > 500 or re.search(r"[\[\]{}!\\]", glob) or glob.startswith("."):
        return None
    body = glob.strip("/")
    out = ["^" if glob.startswith("/") else "(?:^|/)"]
    at = 0
    while at < len(body):
        if body.startswith("**/", at):
            out.append("(?:.*/)?")
            at += 3
        elif body.startswith("**", at):
            out.append(".*")
            at += 2
        elif body[at] == "*":
            out.append("[^/]*")
            at += 1
        elif body[at] == "?":
            out.append("[^/]")
            at += 1
        else:
            out.append(re.escape(body[at]))
            at += 1
    return "".join(out) + ("/" if glob.endswith("/") else "(?:/|$)")
