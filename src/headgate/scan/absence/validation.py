"""Routes that store or pass on what a request holds, and look at none of it first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import cast

from headgate.model.record import record
from headgate.scan.absence import words
from headgate.scan.absence.lacks import Lack, Project, changes_state, lack, may_post
from headgate.scan.absence.names import Function, is_node, last_name, walk
from headgate.scan.absence.routes import Route
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_QUESTION = "What may this request hold, and who says no to the rest?"
_JSON_ATTRS = frozenset({"json", "data"})
_FORM_ATTRS = frozenset({"form", "forms", "POST", "values", "args", "GET", "query_params", "query"})
_JSON_CALLS = frozenset({"get_json", "json", "json_decode", "loads", "get_json_body", "get_data"})
_FORM_CALLS = frozenset({"post", "form", "to_dict", "multi_items"})
_SAME = frozenset({"dict", "copy", "deepcopy", "to_dict", "dumps"})
"""Calls that give all of what they are given."""
_TAKES = frozenset({"get", "pop", "getlist", "getone"})
_VALIDATES = words.any_of(
    r"\w*(validat|schema|serializ|sanitiz|conform|cleaned|whitelist|allow(ed)?_?list)\w*",
    r"(?!trans|plat|per|uni|in)\w+form",
    r"parse_obj|parse_raw|TypeAdapter|BaseModel|from_dict|structure|unstructure",
    r"is_valid\w*|use_args|use_kwargs|reqparse|parse_args|add_argument|expects_json|expect|accepts",
    r"(\w+_)?clean\w*|check_\w+|ensure_\w+|Draft\d+\w*|validated?",
)  # fmt: skip
"""Names that tell of a model or a function that knows what a request may hold."""
_LOOKS = frozenset(
    {
        "isinstance", "len", "int", "float", "bool", "Decimal", "UUID", "match", "fullmatch",
        "search", "isdigit", "isalnum", "isalpha", "isdecimal", "isnumeric", "fromisoformat", "set",
        "strptime", "issubset", "issuperset", "keys", "type", "all", "any", "startswith",
        "endswith",
    }
)  # fmt: skip
"""Calls that look at the form of what they are given or called on."""
_STORES = frozenset(
    {
        "insert", "insert_one", "insert_many", "create", "bulk_create", "update_one", "update_many",
        "replace_one", "put_item", "dump", "hset", "writerow", "get_or_create", "update_or_create",
        "find_one_and_update", "hmset", "upsert",
    }
)  # fmt: skip
_FILES = frozenset({"write", "write_text", "write_bytes"})
_SENDS = frozenset(
    {"post", "put", "patch", "request", "publish", "send_task", "apply_async", "delay"}
)
_CLIENTS = words.any_of(
    r"requests|httpx|(http_?)?(client|session)|producer|channel|queue|\w*_task|tasks?"
)
_TABLES = words.any_of(
    r"objects|query|filter|filter_by",
    r"\w*(db|database|collection|table|session|store|repo\w*|conn\w*|cursor)",
)
_LOOSE = frozenset({"dict", "Dict", "Any", "Mapping", "MutableMapping", "object"})
_CONTAINERS = frozenset({"dict", "list", "defaultdict"})
_BODY = frozenset({"Body", "Form"})


@record(frozen=False)
class _Held:
    """Variables that hold what a request holds."""

    whole: dict[str, bool] = field(default_factory=dict[str, bool])
    """All of it; whether it is JSON, of which every value may be anything."""
    items: set[str] = field(default_factory=set[str])
    """One value of JSON."""


class _Reader:
    """Reads one function, from the top down."""

    def __init__(self, route: Route, module_names: frozenset[str]) -> None:
        self._route = route
        self._function = route.function
        self._kept = module_names
        self._held = _Held()

    def stores(self) -> str:
        """`whole` or `item` when the function stores or passes on what came, unlooked at."""
        self._parameters()
        found = ""
        looked = checked = False
        for node in _in_order(self._function.node[5]):
            self._bind(node)
            if node[0] == ir.CALL and last_name(node[3]) in _LOOKS and self._mentions(node):
                looked = True
            if node[0] in (ir.IF, ir.ASSERT, ir.WHILE) and self._mentions(node[3]):
                checked = True
            if node[0] == ir.COMPREHENSION and any(
                self._mentions(part) and parts for _, part, parts in node[6]
            ):
                looked = True  # `{k: v for k, v in data.items() if k in NAMES}`
            stored = self._stored(node)
            if stored == "whole":
                found = "whole"
            elif stored and not found:
                found = stored
        if looked or (found == "item" and checked):
            return ""
        return found

    def _parameters(self) -> None:
        """FastAPI's `payload: dict`."""
        if not self._route.named:
            return
        for parameter in self._function.node[4]:
            target, default, annotation = parameter[3], parameter[4], parameter[5]
            if target[0] != ir.NAME or target[3] in self._route.parameters:
                continue
            kind = last_name(annotation) if annotation is not None else ""
            if kind in _LOOSE or (not kind and default is not None and last_name(default) in _BODY):
                self._held.whole[target[3]] = True

    def _bind(self, node: Node) -> None:
        if node[0] != ir.ASSIGN or node[4] is None:
            return
        for target in node[3]:
            if target[0] != ir.NAME:
                continue
            name = target[3]
            json = self._whole(node[4])
            self._held.whole.pop(name, None)
            self._held.items.discard(name)
            if json is not None:
                self._held.whole[name] = json
            elif self._item(node[4]):
                self._held.items.add(name)

    def _is_request(self, node: Node) -> bool:
        return last_name(node) in ("request", "req") and node[0] in (ir.NAME, ir.ATTR)

    def _whole(self, node: Node) -> bool | None:
        """Whether an expression is all that a request holds: JSON (True) or a form (False)."""
        op = node[0]
        if op == ir.AWAIT:
            return self._whole(node[3])
        if op == ir.NAME:
            return self._held.whole.get(node[3])
        if op == ir.BOOL:
            return next((one for part in node[4] if (one := self._whole(part)) is not None), None)
        if op == ir.ATTR:
            if self._is_request(node[3]):
                return True if node[4] in _JSON_ATTRS else False if node[4] in _FORM_ATTRS else None
            return None
        if op != ir.CALL:
            return None
        name = last_name(node[3])
        on = node[3][3] if node[3][0] == ir.ATTR else None
        if on is not None and self._is_request(on):
            return True if name in _JSON_CALLS else False if name in _FORM_CALLS else None
        if name in ("loads", "json_decode") and node[4]:
            return True if _of_body(node[4][0]) else self._whole(node[4][0])
        if name in _SAME:
            for part in (*node[4][:1], *((on,) if on is not None else ())):
                json = self._whole(part)
                if json is not None:
                    return json
        return None

    def _item(self, node: Node) -> bool:
        """Whether an expression is one value of JSON, as it came."""
        op = node[0]
        if op == ir.NAME:
            return node[3] in self._held.items
        if op == ir.INDEX:
            return self._whole(node[3]) is True or self._item(node[3])
        if op == ir.CALL and node[3][0] == ir.ATTR and node[3][4] in _TAKES:
            return self._whole(node[3][3]) is True
        if op == ir.BOOL:
            return any(self._item(part) for part in node[4])
        return False

    def _mentions(self, node: object) -> bool:
        """Whether something that came is in an expression."""
        return any(self._whole(one) is not None or self._item(one) for one in walk(node))

    def _stored(self, node: Node) -> str:
        """`whole` or `item` when a node keeps or passes on what came."""
        if node[0] == ir.ASSIGN:
            value: Node | None = node[4]
            kept = any(
                target[0] == ir.INDEX and last_name(target[3]) in self._kept for target in node[3]
            )
            return "whole" if kept and value and self._whole(value) is not None else ""
        if node[0] != ir.CALL:
            return ""
        name = last_name(node[3])
        on: Node | None = node[3][3] if node[3][0] == ir.ATTR else None
        if name == "setattr" and len(node[4]) == 3:
            return "whole" if self._held.whole and node[4][1][0] != ir.CONST else ""
        spread = any(key is None and self._whole(value) is not None for key, value in node[5])
        given = [*node[4], *(value for key, value in node[5] if key is not None)]
        whole = spread or any(self._whole(one) is not None for one in given)
        item = any(self._item(part) for one in given for part in _values(one))
        if not whole and not item:
            return ""
        said = "whole" if whole else "item"
        if name in _STORES or (name in _FILES and whole):
            return said
        if name in _SENDS and on is not None and _CLIENTS.fullmatch(last_name(on)):
            return said
        if name in ("update", "save", "add", "set", "append") and on is not None and whole:
            chain = {last_name(one) for one in walk(on) if one[0] in (ir.NAME, ir.ATTR)}
            if not chain.isdisjoint(self._kept) or any(_TABLES.fullmatch(one) for one in chain):
                return "whole"
        if name == "execute" and changes_state(self._route.facts):
            return said
        made = name[:1].isupper() and not name.isupper()
        if made and (spread or item) and changes_state(self._route.facts):
            return said
        return ""


def _values(node: Node) -> Iterator[Node]:
    """An expression, or what is in a literal mapping or sequence."""
    if node[0] == ir.MAP:
        for _, value in node[3]:
            yield from _values(value)
    elif node[0] == ir.SEQ:
        for one in node[4]:
            yield from _values(one)
    else:
        yield node


def _of_body(node: Node) -> bool:
    """`request.body`, `await request.body()`, `self.request.body.decode()`, `request.data`."""
    names = {last_name(one) for one in walk(node) if one[0] in (ir.NAME, ir.ATTR)}
    return bool(names & {"request", "req"}) and bool(names & {"body", "data", "get_data", "text"})


def _in_order(body: object) -> Iterator[Node]:
    """The nodes of a body as they stand, without those of functions in it."""
    stack = [body]
    while stack:
        one = stack.pop()
        if is_node(one):
            if one[0] not in (ir.FUNCTION, ir.CLASS):
                yield one
                stack.extend(reversed(one[3:]))
        elif isinstance(one, tuple):
            stack.extend(reversed(cast("tuple[object, ...]", one)))


def _module_names(project: Project, function: Function) -> frozenset[str]:
    """Variables at the top of a file that hold a container: stores in memory."""
    module = project.names.program.module_of(function.state)
    return frozenset(
        target[3]
        for node in (module.body if module is not None else ())
        if node[0] == ir.ASSIGN and node[4] is not None
        and (node[4][0] in (ir.MAP, ir.SEQ) or last_name(node[4]) in _CONTAINERS)
        for target in node[3]
        if target[0] == ir.NAME
    )  # fmt: skip


def _validation(project: Project) -> Iterator[Lack]:
    """State-changing routes that keep or pass on what came, as it came."""
    for route in project.routes:
        if not may_post(route):
            continue
        facts = route.facts
        if facts.has(_VALIDATES) or any(_VALIDATES.fullmatch(one) for one in route.decorators):
            continue
        if _Reader(route, _module_names(project, route.function)).stores():
            yield lack("missing-validation", route.function, _QUESTION)


CHECKS = (_validation,)
