"""Tests, and what is known of values once they have passed one."""

from __future__ import annotations

import operator
import re
from typing import Any

from headgate.scan.flow.container_methods import ContainerMethods
from headgate.scan.flow.patterns import checked, kinds_for, own_path
from headgate.scan.flow.values import (
    HOST,
    RESOLVED,
    WHOLE,
    Facts,
    Token,
    Value,
    add_facts,
    merge_facts,
    truth,
)
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

SLASH = 1
"""Bit of a fact: the text begins with `/`."""
SINGLE = 2
"""Bit of a fact: the text does not begin with `//`."""
_PATH = ("path-traversal", "archive-extraction")
_URL = ("ssrf", "open-redirect")
_CONTAINED = {
    "..": _PATH,
    "../": _PATH,
    "/": _PATH,
    "\\": (),
    "\n": ("header-injection", "log-injection"),
    "\r": ("header-injection", "log-injection"),
    "<": ("xss", "stored-xss"),
    "'": ("xpath-injection",),
    "://": (),
}
_FULL_HOST = late(r"^[a-z][a-z0-9+.-]*://[^/?#\0]+[/?#]", re.IGNORECASE)
MATCH = "re.Match"
_ANSWERS = ((None,), (True,), (False,))
_COMPARISONS: dict[str, Any] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is": operator.eq,
    "is not": operator.ne,
}


def without_elements(value: Value) -> Value:
    """A test, without what it says of single items."""
    yes, no = value.cond or (None, None)
    return Value(
        value.taint, value.consts, value.ref, value.type, value.name, value.obj, value.recv,
        value.text, (_of_wholes(yes), _of_wholes(no)),
    )  # fmt: skip


def _of_wholes(facts: Facts | None) -> Facts | None:
    if facts is None:
        return None
    return {token: mask for token, mask in facts.items() if not token.is_element}


class Guards(ContainerMethods):
    """What tests show."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._redirect = self.rules.mask(("open-redirect",))
        self.joiner.cleared = self._clears

    def facts_of(self, value: Value, kinds: tuple[str, ...] | str, bit: int = WHOLE) -> Facts:
        """Facts that clear the tokens that the value has all of."""
        mask = self.rules.all if kinds == "all" else self.rules.mask(kinds)
        return dict.fromkeys(self.whole_tokens(value, bit), mask) if mask else {}

    def assume(self, value: Value, holds: bool) -> bool:
        """Go on where a test came out so; False when it cannot."""
        known = truth(value)
        if known is not None and known is not holds:
            return False
        if value.cond is not None:
            facts = value.cond[0 if holds else 1]
            if facts is None:
                return False
            if facts:
                self.env.facts = add_facts(self.env.facts, facts) or {}
        elif value.taint and not holds:
            facts = self.facts_of(value, "all")
            facts = add_facts(facts, self.facts_of(value, ("open-redirect",), HOST)) or {}
            if facts:
                self.env.facts = add_facts(self.env.facts, facts) or {}
        return True

    def cond_of(self, value: Value) -> tuple[Facts | None, Facts | None]:
        """What the truth of a value says."""
        known = truth(value)
        if value.cond is not None:
            yes, no = value.cond
        else:
            yes, no = {}, {}
            if value.taint:
                no = add_facts(
                    self.facts_of(value, "all"), self.facts_of(value, ("open-redirect",), HOST)
                )
        if known is not None:
            return (yes, None) if known else (None, no)
        return yes, no

    def negated(self, value: Value) -> Value:
        yes, no = self.cond_of(value)
        consts = None
        if value.consts is not None:
            consts = tuple(dict.fromkeys(not one for one in value.consts))
        return Value(consts=consts, type="bool", cond=(no, yes))

    def both(self, one: Value, other: Value, result: Value, *, both: bool) -> Value:
        """`and` (both) or `or`. `other` was evaluated where `one` let it be."""
        yes, no = self.cond_of(one)
        other_yes, other_no = self.cond_of(other)
        if both:
            cond = (add_facts(yes, other_yes), merge_facts(no, add_facts(yes, other_no)))
        else:
            cond = (merge_facts(yes, add_facts(no, other_yes)), add_facts(no, other_no))
        return Value(
            result.taint, result.consts, result.ref, result.type, result.name, result.obj,
            result.recv, result.text, cond,
        )  # fmt: skip

    def compared(self, op: str, left: Value, right: Value, node: Node) -> Value:
        """The result of a comparison, and what it shows."""
        if op in ("not in", "!=", "is not"):
            positive = {"not in": "in", "!=": "==", "is not": "is"}[op]
            return self.negated(self.compared(positive, left, right, node))
        consts = self._known(op, left, right, node)
        yes: Facts | None = {}
        no: Facts | None = {}
        if op == "in":
            yes, no = self._membership(left, right)
        elif op in ("==", "is") and left.cond is not None and right.consts in _ANSWERS:
            # What a test has come to: `pattern.match(text) is None`, `is_ok(text) is False`.
            yes, no = left.cond
            if right.consts == (None,):
                yes, no = ({}, {}) if left.type == "bool" else (no, yes)
            elif right.consts == (False,):
                yes, no = no, yes
            return Value(type="bool", cond=(yes, no))
        elif op in ("==", "is"):
            yes = self._equality(left, right)
        elif op in ("<", "<="):
            yes = self.contained(left, right)
        elif op in (">", ">="):
            yes = self.contained(right, left)
        if consts is not None and len(consts) == 1:
            if consts[0]:
                no = None
            else:
                yes = None
        return Value(consts=consts, type="bool", cond=(yes, no))

    def _known(self, op: str, left: Value, right: Value, node: Node) -> tuple[Any, ...] | None:
        if left.consts is None:
            made = left.ref is not None and not left.name and left.taint is None
            if op in ("is", "==") and right.consts == (None,) and made:
                # An object that was made here is not nothing.
                return (False,)
            return None
        if op == "in":
            return self._contains(left.consts, right, node)
        if op == "instanceof" or right.consts is None:
            return None
        compare = _COMPARISONS[op]
        out: list[bool] = []
        for one in left.consts:
            for other in right.consts:
                try:
                    out.append(bool(compare(one, other)))
                except TypeError:
                    return None
        return tuple(dict.fromkeys(out))

    def _contains(
        self, consts: tuple[Any, ...], right: Value, node: Node
    ) -> tuple[Any, ...] | None:
        if right.consts is not None:
            out: list[bool] = []
            for one in consts:
                for other in right.consts:
                    if not isinstance(one, str) or not isinstance(other, str):
                        return None
                    out.append(one in other)
            return tuple(dict.fromkeys(out))
        obj = self.obj(right)
        if obj is None or obj.open or obj.rest is not None or obj.kind == "instance":
            return None
        held: list[Any] = []
        if obj.kind == "dict":
            held = list(obj.items)
        else:
            for item in obj.items.values():
                if item.consts is None or len(item.consts) != 1:
                    return None
                held.append(item.consts[0])
        return tuple(dict.fromkeys(one in held for one in consts))

    def _membership(self, left: Value, right: Value) -> tuple[Facts | None, Facts | None]:
        tainted = self.deep(right)
        if left.taint and not tainted:
            yes: Facts | None = self._one_of(left, right)
            yes = add_facts(yes, self.facts_of(left, _URL, HOST))
            return yes, {}
        if tainted and not left.taint:
            no: Facts = {}
            for one in left.consts or ():
                kinds = _CONTAINED.get(one, ()) if isinstance(one, str) else ()
                facts = dict.fromkeys(tainted, self.rules.mask(kinds)) if kinds else {}
                no = add_facts(no, facts) or {}
            yes = {}
            if left.consts is None:
                # `root in path.parents`
                resolved = [t for t, (mask, _) in tainted.items() if mask & RESOLVED]
                yes = dict.fromkeys(resolved, self.rules.mask(_PATH))
            return yes, no
        return {}, {}

    def _one_of(self, left: Value, right: Value) -> Facts:
        """What is known of a value that is in something of the program's own. Of characters that
        are taken out of a text one by one, what the text may be that is made of them."""
        parts = [token for token in self.whole_tokens(left) if token.is_element]
        if not parts:
            return self.facts_of(left, "all")
        allowed = self._characters(right)
        mask = self.rules.all if allowed is None else self.rules.mask(kinds_for(allowed))
        return {
            token: mask if token.is_element else self.rules.all
            for token in self.whole_tokens(left)
            if mask or not token.is_element
        }

    def _characters(self, value: Value) -> frozenset[str] | None:
        """The characters that a text or a container of the program's own holds; None: not known,
        or it holds more than characters."""
        texts: tuple[Any, ...] | None = value.consts
        if texts is None:
            obj = self.obj(value)
            if obj is None or obj.open or obj.rest is not None or obj.kind == "instance":
                return None
            items = obj.items
            texts = tuple(items) if obj.kind == "dict" else ()
            if obj.kind != "dict":
                texts = tuple(one for item in items.values() for one in item.consts or (None,))
            if not all(isinstance(one, str) and len(one) <= 1 for one in texts):
                return None
        if not all(isinstance(one, str) for one in texts):
            return None
        return frozenset("".join(str(one) for one in texts))

    def lifted(self, facts: Facts | None) -> Facts | None:
        """Facts that hold of every item hold of the whole, too."""
        if not facts:
            return facts
        out = dict(facts)
        for token, mask in facts.items():
            if token.is_element and token.parent is not None:
                out[token.parent] = out.get(token.parent, 0) | mask
        return out

    def contained(self, left: Value, right: Value) -> Facts:
        """What is known when every item of the one is in the other: `set(text) <= ALLOWED`."""
        obj = self.obj(left)
        if obj is None or obj.kind != "set" or self.deep(right):
            return {}
        item = self.any_item(obj)
        return {} if item is None else self.lifted(self._one_of(item, right)) or {}

    def _equality(self, left: Value, right: Value) -> Facts | None:
        yes: Facts | None = {}
        for one, other in ((left, right), (right, left)):
            if one.taint and not self.deep(other):
                yes = add_facts(yes, self.facts_of(one, "all"))
                yes = add_facts(yes, self.facts_of(one, _URL, HOST))
                yes = add_facts(yes, self.facts_of(one, _PATH, RESOLVED))
            elif one.taint and other.taint:
                # `commonpath([root, path]) == root` where the root came from elsewhere
                resolved = self.facts_of(one, _PATH, RESOLVED)
                yes = add_facts(yes, resolved)
                # `target.netloc == here.netloc` where the program's own host cannot be chosen
                safe = self.rules.mask(_URL)
                for mask, _ in other.taint.values():
                    safe &= mask
                if safe:
                    yes = add_facts(yes, dict.fromkeys(self.whole_tokens(one, HOST), safe))
        return yes

    # Calls that are tests

    def begins(self, recv: Value, prefix: Value) -> Value | None:
        """`text.startswith(prefix)`."""
        if not recv.taint:
            return None
        yes: Facts | None = {}
        no: Facts | None = {}
        if not self.deep(prefix) and prefix.consts not in (("/",), ("",)):
            yes = add_facts(yes, self.facts_of(recv, _PATH, RESOLVED))
        texts = prefix.consts
        if texts is None:
            obj = self.obj(prefix)
            items = list(obj.items.values()) if obj is not None and not obj.open else []
            if items and all(one.consts for one in items):
                texts = tuple(const for one in items for const in one.consts or ())
        if texts and all(isinstance(one, str) for one in texts):
            tokens = self.whole_tokens(recv)
            if all(_FULL_HOST.match(one) for one in texts):
                yes = add_facts(yes, dict.fromkeys(tokens, self.rules.mask(_URL)))
            if all(one.startswith("/") and not one.startswith("//") for one in texts):
                bit = SLASH | (SINGLE if all(len(one) > 1 for one in texts) else 0)
                yes = add_facts(yes, dict.fromkeys(tokens, bit))
            if any(one == "//" for one in texts):
                no = add_facts(no, dict.fromkeys(tokens, SINGLE))
        return Value(type="bool", cond=(yes, no))

    def below(self, recv: Value, args: list[Value], *, raises: bool) -> Value | None:
        """`path.is_relative_to(root)`, `path.relative_to(root)`."""
        facts = self.facts_of(recv, _PATH, RESOLVED)
        if not facts or not args or self.deep(args[0]):
            return None
        if raises:
            self.env.facts = add_facts(self.env.facts, facts) or {}
            return Value(self.narrowed(recv.taint, ~WHOLE), type=recv.type)
        return Value(type="bool", cond=(facts, {}))

    def matched(self, pattern: Value, name: str, subject: Value, flags: int = 0) -> Value:
        """`re.match(pattern, subject)` and its like."""
        yes: Facts | None = {}
        texts = pattern.consts or ((pattern.text,) if pattern.text else ())
        tokens = self.whole_tokens(subject)
        for text in texts:
            if not isinstance(text, str) or not tokens:
                continue
            whole = name == "fullmatch"
            begins = name == "match"
            kinds = checked(text, whole=whole, begins=begins, flags=flags)
            host = re.match(r"\^?https?://[\w\\.-]+/", text)
            if host and (whole or begins or text.startswith("^")):
                kinds = (*kinds, *_URL)
            if kinds:
                yes = add_facts(yes, dict.fromkeys(tokens, self.rules.mask(kinds)))
            if own_path(text):
                yes = add_facts(yes, dict.fromkeys(tokens, SLASH | SINGLE))
        return Value(self.narrowed(subject.taint, ~7), cond=(yes, {}))

    def match_of(self, pattern: Value, result: Value) -> Value:
        """A match, which knows by what pattern it was found."""
        texts = pattern.consts or (pattern.text,)
        text = texts[0] if len(texts) == 1 and isinstance(texts[0], str) else None
        return Value(result.taint, type=MATCH, text=text, cond=result.cond)

    def cleared(self, token: Token, facts: int) -> int:
        """The kinds that the facts about a token clear it of."""
        return self._clears(facts)

    def _clears(self, facts: int) -> int:
        return facts | self._redirect if facts & 3 == SLASH | SINGLE else facts
