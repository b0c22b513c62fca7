"""Calls that frameworks make: what they fill the parameters of functions with."""

from __future__ import annotations

from typing import Any

from headgate.scan.flow.constraints import NO_TEXT
from headgate.scan.flow.core import Frame
from headgate.scan.flow.entries import (
    EntryInfo,
)
from headgate.scan.flow.program import ClassRef, FunctionRef, decorator_names
from headgate.scan.flow.rules import Rules
from headgate.scan.flow.selection import Selection
from headgate.scan.flow.values import UNKNOWN, Obj, Value
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.packs.schema import Source

_FORM = "django.forms.Form"
_MODEL = "pydantic.BaseModel"
_INJECTIONS = 4
"""Dependencies of dependencies that are followed."""


class FrameworkCalls(Selection):
    """Parameters that a framework fills."""

    def _typed_parameter(
        self, parameter: Node, ref: FunctionRef, cls: ClassRef | None, info: EntryInfo | None
    ) -> Value:
        calls = self.calls
        value = UNKNOWN
        if parameter[5] is not None:
            frame, env = calls.frame, calls.env
            calls.frame = Frame(ref.module, "", -3)
            value = calls.annotated(parameter[5])
            calls.frame, calls.env = frame, env
        if value is UNKNOWN and info is not None and info.rule.kind == "signal":
            value = self._sent(parameter, info)
        if value is not UNKNOWN:
            return value
        guess = ""
        tops = self._tops(ref.module.path)
        for selector, kind, when in self.rules.typed_params:
            if selector.named and parameter[3][3] not in selector.named:
                continue
            if selector.first and parameter is not _first(ref, cls):
                continue
            if selector.annotation or selector.default:
                continue
            if selector.decorator or selector.base or selector.call:
                if info is not None and _selected(self.rules, selector, info):
                    return self._of_form(cls, kind)
                # Registered where it is not seen: by what its file imports.
                if info is not None or selector.decorator or selector.base:
                    continue
                if tops.isdisjoint(when):
                    continue
            if not tops.isdisjoint(when):
                return Value(type=kind)
            guess = guess or kind
        return Value(type=guess) if guess else UNKNOWN

    def _sent(self, parameter: Node, info: EntryInfo) -> Value:
        """The row that a signal of Django's is about, by its `sender`."""
        sender = info.given[1].get("sender")
        model = self.calls.force(sender).obj if sender is not None else None
        if parameter[3][3] != "instance" or not isinstance(model, ClassRef):
            return UNKNOWN
        return self.calls.new(Obj("instance", {}, None, model, True))

    def _of_form(self, cls: ClassRef | None, kind: str) -> Value:
        """A form of the class that Django's view names in `form_class`."""
        given = cls.member("form_class") if cls is not None and kind == _FORM else None
        form = self.calls.force(given).obj if given is not None else None
        if not isinstance(form, ClassRef):
            return Value(type=kind)
        return self.calls.new(Obj("instance", {}, None, form, True), kind)

    def _injected(self, parameter: Node, info: EntryInfo, depth: int = 0) -> Value | None:
        """What a framework calls to fill a parameter: `Depends(get_db)`; None: nothing."""
        calls = self.calls
        marker = parameter[4] if parameter[4] is not None else _annotated(parameter[5])
        if marker is None or marker[0] != ir.CALL or depth > _INJECTIONS:
            return None
        name = calls.rules.canonical(calls.eval(marker[3]).name)
        source = next((one for one in self.rules.params if name in one.injected), None)
        if source is None:
            return None
        given = marker[4][0] if marker[4] else _plain_annotation(parameter[5])
        function = calls.eval(given) if given is not None else UNKNOWN
        target = function.obj
        if isinstance(target, ClassRef):
            init = target.member("__init__")
            if init is None and (target.fills or _MODEL in target.library_bases()):
                return self._filled(target, parameter, source)
            target = init.obj if init is not None else None
            skipped = 1
        else:
            skipped = 0
        if not isinstance(target, FunctionRef):
            return None
        caller, frame = calls.env, calls.frame
        keywords: dict[str, Value] = {}
        for one in target.node[4][skipped:]:
            if one[3][0] != ir.NAME or one[6] in (ir.REST, ir.KEYWORDS):
                continue
            calls.frame = Frame(target.module, "", -3)
            kind, default = self._annotation(one)
            found = self._injected(one, info, depth + 1)
            calls.frame = frame
            if found is None:
                found = self._typed_parameter(one, target, None, None)
                calls.env, calls.frame = caller, frame
                if found.type != "int" and kind not in source.skip and default not in source.skip:
                    calls.frame = Frame(target.module, "", -3)
                    token = calls.token(
                        source.label, source.what, one[3][3], one, source.confidence, one[3][3]
                    )
                    mask = self.rules.mask(source.safe_for)
                    if found.type == "str":
                        mask |= self.rules.mask(NO_TEXT)
                    taint = calls.tainted(token, one, mask)
                    calls.frame = frame
                    found = Value(taint, ref=found.ref, type=found.type)
            keywords[one[3][3]] = found
        result = calls.call(function, [], keywords, place_of_call(target.node))
        calls.dead = False
        if target.node[8] & ir.GENERATOR and not skipped:
            result = calls.iterate(result, place_of_call(target.node))
        return result

    def _filled(self, cls: ClassRef, parameter: Node, source: Source) -> Value:
        """An instance of a dataclass or a model whose fields are parameters of the request."""
        calls = self.calls
        name = parameter[3][3]
        token = calls.token(source.label, source.what, name, parameter, source.confidence, name)
        taint = calls.tainted(token, parameter, self.rules.mask(source.safe_for))
        held = calls.new(Obj("instance", {}, None, cls, True))
        return Value(taint, ref=held.ref, type=held.type)

    def _tops(self, path: str) -> set[str]:
        """The packages that a file imports from."""
        file = self.files.get(path)
        return set() if file is None else {one.partition(".")[0] for one in file.imports}

    def _annotation(self, parameter: Node) -> tuple[str, str]:
        """The canonical names of a parameter's annotation and default call."""
        calls = self.calls
        kind, default = "", ""
        if parameter[5] is not None:
            value = calls.annotated(parameter[5])
            kind = value.type
            held = calls.obj(value)
            if not kind and held is not None and held.cls is not None:
                kind = next(iter(held.cls.library_bases()), "")
            marker = _annotated_call(parameter[5])
            if marker is not None:
                default = calls.rules.canonical(calls.eval(marker).name)
        if parameter[4] is not None and parameter[4][0] == ir.CALL:
            default = calls.rules.canonical(calls.eval(parameter[4][3]).name)
        return kind, default


def place_of_call(node: Node) -> Node:
    """Where a function that nobody calls is called: at its head."""
    return (
        ir.CALL,
        node[1],
        min(node[1] + 40, node[2]),
        (ir.NAME, node[1], node[1], node[3]),
        (),
        (),
        False,
    )


def _first(ref: FunctionRef, cls: ClassRef | None) -> Node | None:
    parameters = [one for one in ref.node[4] if one[3][0] == ir.NAME]
    if cls is not None and "staticmethod" not in decorator_names(ref.node):
        parameters = parameters[1:]
    return parameters[0] if parameters else None


def _selected(rules: Rules, selector: Any, info: EntryInfo) -> bool:
    from headgate.scan.flow.entries import selects

    return selects(rules, selector, info)


def _annotated(node: Node | None) -> Node | None:
    """Of `Annotated[T, Depends(f)]`: the call."""
    if node is None or node[0] != ir.INDEX or node[4][0] != ir.SEQ:
        return None
    return next((one for one in node[4][4][1:] if one[0] == ir.CALL), None)


def _plain_annotation(node: Node | None) -> Node | None:
    """What an annotation names, `Annotated` looked through."""
    if node is not None and node[0] == ir.INDEX and node[4][0] == ir.SEQ and node[4][4]:
        return node[4][4][0]
    return node


def _annotated_call(node: Node) -> Node | None:
    """Of `Annotated[T, Query()]`: `Query`."""
    if node[0] != ir.INDEX or node[4][0] != ir.SEQ:
        return None
    for one in node[4][4][1:]:
        if one[0] == ir.CALL:
            return one[3]
    return None
