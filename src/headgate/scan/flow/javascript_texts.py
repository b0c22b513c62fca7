"""What the methods of JavaScript's texts do, and what they show."""

from __future__ import annotations

import re
import warnings
from typing import Any

from headgate.scan.flow.javascript_functions import JavaScriptFunctions
from headgate.scan.flow.program import FunctionRef
from headgate.scan.flow.values import HOST, UNKNOWN, WHOLE, Value, constant, merge_taint
from headgate.scan.ir.nodes import Node

_PATHS = ("path-traversal", "archive-extraction")
_TESTING = frozenset({"match", "search", "matchAll"})


class JavaScriptTexts(JavaScriptFunctions):
    """Methods of texts."""

    def begins(self, recv: Value, prefix: Value) -> Value | None:
        """`text.startsWith(prefix)`: `/srv` without a separator begins `/srv-other` as well."""
        if recv.type == "path.Relative" and prefix.consts in (("..",), ("../",)):
            inside = dict.fromkeys(recv.taint or (), self.rules.mask(_PATHS))
            return Value(type="bool", cond=({}, inside))
        found = super().begins(recv, prefix)
        if found is None or found.cond is None or found.cond[0] is None:
            return found
        consts = prefix.consts
        ends = consts is None or all(str(one).endswith(("/", "\\")) for one in consts)
        if (ends and prefix.type != "path.Path") or not recv.taint:
            return found
        mask = ~self.rules.mask(_PATHS)
        yes = {token: known & mask for token, known in found.cond[0].items()}
        return Value(type="bool", cond=(yes, found.cond[1]))

    def _of_text(self, recv: Value, name: str, args: list[Value], node: Node) -> Value | None:
        first = args[0] if args else UNKNOWN
        if name in _TESTING and args:
            pattern = first
            if pattern.type != "re.Pattern" and pattern.consts is not None:
                pattern = Value(type="re.Pattern", text=str(pattern.consts[0]))
            return self.matched(pattern, "search", recv)
        if name in ("replace", "replaceAll") and len(args) > 1:
            return self._replaced(recv, name, first, args[1], node)
        if name == "includes" and args and recv.taint and recv.type != "list":
            return self.compared("in", first, recv, node)
        if name == "indexOf" and args:
            cond = self.compared("in", first, recv, node).cond
            return Value(type="int", name="indexOf", cond=cond, recv=self.begins(recv, first))
        if name in ("startsWith",) and args:
            return self.begins(recv, first)
        if name == "endsWith" and args and first.consts and recv.taint:
            # A host: `.example.com` has its dot, `example.com` ends others' names as well.
            whole = all(str(one).startswith(".") for one in first.consts)
            hosts = self.facts_of(recv, ("ssrf", "open-redirect"), HOST) if whole else {}
            return Value(type="bool", cond=(hosts, {}))
        if name in ("endsWith", "localeCompare", "charCodeAt", "codePointAt", "lastIndexOf"):
            return Value(type="int")
        if name in ("hasOwnProperty", "isPrototypeOf"):
            return Value(type="bool")
        if name == "toFixed":
            return Value(type="int")
        if name == "concat":
            return self.built([recv, *args], node, "it is appended to a text")
        return None

    def _replaced(self, recv: Value, name: str, what: Value, by: Value, node: Node) -> Value | None:
        if isinstance(by.obj, FunctionRef):
            by = self.calls_back(by, [Value(self.narrowed(recv.taint, ~WHOLE))], node)
        if what.type == "re.Pattern":
            every = name == "replaceAll" or "g" in (what.name.partition("/")[2])
            if every and what.text:
                pattern = Value(consts=(what.text,), text=what.text)
                out = self.sub([pattern, by, recv], {}, node)
                kinds = _escaped(what.text, by.consts)
                return Value(self.narrowed(out.taint, -1, self.rules.mask(kinds)), type="str")
            # `path.normalize(name).replace(/^(\\.\\.[/\\\\])+/, "")`
            text = what.text or ""
            up = text.startswith("^(") and r"\.\." in text and recv.type == "path.Path"
            mask = self.rules.mask(_PATHS) if up and by.consts == ("",) else 0
            taint = self.moved(self.deep(recv), "a part of it is replaced", node, ~7, mask)
            return Value(merge_taint(taint, self.narrowed(by.taint, ~7)), type="str")
        if recv.consts is not None and by.taint and what.consts is not None:
            text, mark = recv.consts[0], what.consts[0]
            if isinstance(text, str) and isinstance(mark, str) and mark and mark in text:
                before, _, after = text.partition(mark)
                parts = [constant(before), by, constant(after)]
                return self.built(parts, node, "it is put into a text")
        if name == "replace" and what.consts is not None:
            # Only the first one is replaced.
            taint = self.moved(self.deep(recv), "a part of it is replaced", node, ~7)
            if recv.consts is None:
                return Value(merge_taint(taint, self.narrowed(by.taint, ~7)), type="str")
        return None


_ENTITY = re.compile(r"(&#?\w+;)?")
_META = re.compile(r"[.*+?^${}()|[\]\\]")


def _escaped(pattern: str, by: tuple[Any, ...] | None) -> tuple[str, ...]:
    """What a text is safe for in which everything that a pattern matches was escaped."""
    if not by or not all(isinstance(one, str) for one in by):
        return ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return ()
    if all(_ENTITY.fullmatch(one) for one in by):
        return ("xss", "stored-xss") if compiled.fullmatch("<") else ()
    if by[0] in (r"\$&", r"\$1", r"\\$&"):
        meta = r".*+?^${}()|[]"
        return ("redos",) if all(compiled.fullmatch(one) for one in meta) else ()
    return ()
