"""Python's standard library where data takes a turn: templates of texts, functions of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headgate.scan.flow.builtins import Builtins, Partial
from headgate.scan.flow.guards import MATCH
from headgate.scan.flow.patterns import of_group
from headgate.scan.flow.program import NAMED_TUPLE, ClassRef, FunctionRef
from headgate.scan.flow.values import UNKNOWN, Obj, Value, constant, merge_taint
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

_TEMPLATE = "string.Template"
_DEFAULTS = "collections.defaultdict"
_QUEUES = frozenset(
    {
        "queue.Queue", "queue.SimpleQueue", "queue.LifoQueue", "queue.PriorityQueue",
        "asyncio.Queue", "multiprocessing.Queue", "multiprocessing.SimpleQueue",
    }
)  # fmt: skip
_LATER = frozenset({"delay", "delay_on_commit", "apply_async", "apply_async_on_commit", "s", "si"})
"""Methods that a decorator of a task queue gives a function, to call it elsewhere."""
_HANDED = {"submit": 0, "run_in_executor": 1, "call_soon": 0, "call_soon_threadsafe": 0}
"""Methods that call a function elsewhere, and where it stands among their arguments."""
_FIELDS = late(r"\$(?:(\w+)|\{(\w+)\})")
_FOLDS = 12
"""Items that `functools.reduce` is followed over."""


class Standard(Builtins):
    """Functions and methods of the standard library."""

    def builtin(
        self,
        name: str,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None,
    ) -> Value | None:
        if name in _QUEUES:
            return self.new(Obj("list", {}), name)
        handler = _FUNCTIONS.get(name)
        if handler is not None and (args or handler is Standard.started):
            return handler(self, args, keywords, node)
        return super().builtin(name, args, keywords, node, extra)

    def standard_method(
        self, recv: Value, name: str, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value | None:
        """The result of a method of a type of this file; None: not known here."""
        held = self.obj(recv)
        if held is not None and held.cls is not None and name in ("_replace", "_asdict"):
            change = self.replaced if name == "_replace" else self.as_dictionary
            return change([recv], keywords, node)
        if recv.type == MATCH and name == "group":
            return self._group(recv, args, node)
        if name == "as_view" and isinstance(recv.obj, ClassRef):
            return Value(obj=recv.obj)
        if name == "get" and recv.name and args and (found := self._stored_under(recv, args)):
            return found
        if recv.type == _TEMPLATE and name in ("substitute", "safe_substitute"):
            return self._substituted(recv, args, keywords, node)
        if recv.type in _QUEUES:
            return self._queued(recv, name, args, node)
        if name in _HANDED and len(args) > _HANDED[name]:
            function, rest = args[_HANDED[name]], args[_HANDED[name] + 1 :]
            if function.obj is not None or self.rules.canonical(function.name) in self.rules.calls:
                result = self.call(function, rest, keywords, node)
                self.dead = False
                return result
        if name in _LATER and isinstance(recv.obj, FunctionRef) and recv.obj.node[6]:
            return self._later(recv.obj, name, args, keywords, node)
        return None

    def _group(self, recv: Value, args: list[Value], node: Node) -> Value | None:
        """`match.group(1)`: a text of the characters that the group lets through."""
        key = args[0].consts[0] if args and args[0].consts else 0
        if len(args) > 1 or recv.text is None or not isinstance(key, (int, str)):
            return None
        mask = self.rules.mask(of_group(recv.text, key))
        return Value(self.moved(recv.taint, "a group is taken", node, ~7, mask), type="str")

    def _stored_under(self, recv: Value, args: list[Value]) -> Value | None:
        """`flask.g.get("user")`: what was stored as `flask.g.user`."""
        key = args[0].consts[0] if args[0].consts and len(args[0].consts) == 1 else None
        full = f"{self.rules.canonical(recv.name)}.{key}"
        return self.env.vars.get(full) or self.shared_under(full)

    def _queued(self, recv: Value, name: str, args: list[Value], node: Node) -> Value | None:
        """What is put into a queue comes out of it, the first first."""
        if name in ("put", "put_nowait") and args:
            return self.method(recv, "append", args[:1], {}, node)
        if name in ("get", "get_nowait"):
            last = recv.type == "queue.LifoQueue"
            if recv.type == "queue.PriorityQueue":
                return self.iterate(recv, node)
            return self.method(recv, "pop", [] if last else [constant(0)], {}, node)
        return None

    def _later(
        self,
        ref: FunctionRef,
        name: str,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
    ) -> Value:
        """A task that a worker runs with these arguments; the answer is a receipt."""
        if name.startswith("apply_async"):
            given = args[0] if args else keywords.get("args")
            named = args[1] if len(args) > 1 else keywords.get("kwargs")
            args = (self.sequence(given, node) or []) if given is not None else []
            held = self.obj(named) if named is not None else None
            items = held.items.items() if held is not None else ()
            keywords = {key: one for key, one in items if isinstance(key, str)}
        if _is_bound(ref):
            args = [UNKNOWN, *args]
        self.call(Value(obj=ref), args, keywords, node)
        self.dead = False
        return UNKNOWN

    def template(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        text = args[0]
        known = text.consts[0] if text.consts and len(text.consts) == 1 else None
        return Value(text.taint, type=_TEMPLATE, text=known if isinstance(known, str) else None)

    def _substituted(
        self, recv: Value, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value:
        taint = recv.taint
        wanted: set[str] | None = None
        if recv.text is not None:
            wanted = {one for pair in _FIELDS.findall(recv.text) for one in pair if one}
        values = [value for name, value in keywords.items() if wanted is None or name in wanted]
        for mapping in args:
            obj = self.obj(mapping)
            if obj is None or obj.open or wanted is None:
                values.append(mapping)
            else:
                values += [item for key, item in obj.items.items() if key in wanted]
        for value in values:
            taint = merge_taint(taint, self.deep(value))
        return Value(self.moved(taint, "it is put into a template", node, ~7), type="str")

    def reduced(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`functools.reduce(function, items, first)`."""
        if len(args) < 2:
            return UNKNOWN
        items = self.sequence(args[1], node)
        if items is None or len(items) > _FOLDS or not (items or args[2:]):
            return Value(self.deep(args[1]))
        items = [*args[2:3], *items]
        result = items[0]
        for item in items[1:]:
            result = self.call(args[0], [result, item], {}, node)
        return result

    def named_tuple(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`collections.namedtuple(name, fields)`: a class."""
        name = args[0].consts[0] if args[0].consts else ""
        given = args[1] if len(args) > 1 else keywords.get("field_names", UNKNOWN)
        texts: list[Any] = list(given.consts or ())
        if len(texts) == 1 and isinstance(texts[0], str):
            texts = texts[0].replace(",", " ").split()
        elif (items := self.sequence(given, node)) is not None:
            texts = [one for item in items for one in item.consts or ()]
        if not texts or not isinstance(name, str):
            return UNKNOWN
        cls = ClassRef(self.frame.module, (ir.CLASS, node[1], node[2], name, (), (), (), ()))
        cls.kind = NAMED_TUPLE
        cls.order = [(str(one), None) for one in texts]
        return Value(obj=cls)

    def replaced(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`dataclasses.replace(one, field=…)`: another one."""
        held = self.obj(args[0])
        if held is None:
            return Value(self.union([*args, *keywords.values()]))
        items = {**held.items}
        items.update({name: self.stored(item, node) for name, item in keywords.items()})
        return self.new(Obj(held.kind, items, held.rest, held.cls, held.open), args[0].type)

    def as_dictionary(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`dataclasses.asdict(one)`, `vars(one)`."""
        held = self.obj(args[0])
        if held is None:
            return Value(self.deep(args[0]))
        return self.new(Obj("dict", held.items, held.rest, None, held.open))

    def as_tuple(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        held = self.obj(args[0])
        if held is None:
            return Value(self.deep(args[0]))
        return self.make_list(held.items.values(), "tuple")

    def getter(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`operator.itemgetter(key)`."""
        if len(args) != 1:
            return UNKNOWN
        return Value(obj=Partial(Value(name="operator.itemgetter()"), [args[0]], {}))

    def got(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        return self.item(args[1], args[0], node) if len(args) > 1 else UNKNOWN

    def gathered(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`asyncio.gather(…)`: the results in the order of what is waited for."""
        return self.make_list(args)

    def started(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`threading.Thread(target=function, args=…)`: it is called with these."""
        function = keywords.get("target") or keywords.get("function")
        if function is None:
            return UNKNOWN
        given, named = keywords.get("args"), keywords.get("kwargs")
        rest = (self.sequence(given, node) or [Value(self.deep(given))]) if given else []
        held = self.obj(named) if named is not None else None
        items = held.items.items() if held is not None else ()
        self.call(function, rest, {key: one for key, one in items if isinstance(key, str)}, node)
        self.dead = False
        return UNKNOWN

    def elsewhere(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`asyncio.to_thread(function, …)`: what the function returns, once it is awaited."""
        return self.call(args[0], args[1:], keywords, node)

    def defaults(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`collections.defaultdict(factory)`."""
        value = self.dictionary(args[1:], keywords, node)
        factory = args[0].name
        kind = f"{_DEFAULTS}[{factory}]" if factory in ("list", "set", "dict") else _DEFAULTS
        return Value(value.taint, ref=value.ref, type=kind)

    def defaulted(self, value: Value, key: Value) -> None:
        """Make what a `defaultdict` makes when a key is new."""
        kind = value.type.removeprefix(_DEFAULTS).strip("[]")
        obj = self.obj(value)
        consts = key.consts
        if not kind or obj is None or consts is None or len(consts) != 1:
            return
        if consts[0] not in obj.items:
            made = self.dictionary([], {}, ()) if kind == "dict" else self.make_list([], kind)
            self.set_item(value, key, made)


_FUNCTIONS: dict[str, Callable[[Standard, list[Value], dict[str, Value], Node], Value]] = {
    _TEMPLATE: Standard.template,
    _DEFAULTS: Standard.defaults,
    "functools.reduce": Standard.reduced,
    "collections.namedtuple": Standard.named_tuple,
    "dataclasses.replace": Standard.replaced,
    "dataclasses.asdict": Standard.as_dictionary,
    "dataclasses.astuple": Standard.as_tuple,
    "vars": Standard.as_dictionary,
    "operator.itemgetter": Standard.getter,
    "operator.itemgetter()": Standard.got,
    "asyncio.gather": Standard.gathered,
    "threading.Thread": Standard.started,
    "threading.Timer": Standard.started,
    "multiprocessing.Process": Standard.started,
    "asyncio.to_thread": Standard.elsewhere,
    "anyio.to_thread.run_sync": Standard.elsewhere,
    "starlette.concurrency.run_in_threadpool": Standard.elsewhere,
    "fastapi.concurrency.run_in_threadpool": Standard.elsewhere,
}


def _is_bound(ref: FunctionRef) -> bool:
    """Whether the task itself comes first: `@task(bind=True)`."""
    return any(
        decorator[0] == ir.CALL
        and any(name == "bind" and value[0] == ir.CONST for name, value in decorator[5])
        for decorator in ref.node[6]
    )
