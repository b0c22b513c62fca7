"""Schemas that what comes in has to fit: https://zod.dev/api https://joi.dev/api/ and Fastify's.

What has passed one is as harmless as the schema says, field by field; fields that it does not name
are gone.
"""

from __future__ import annotations

from typing import Any

from headgate.scan.flow.javascript_events import JavaScriptEvents
from headgate.scan.flow.javascript_objects import functions_in
from headgate.scan.flow.patterns import checked
from headgate.scan.flow.sinks import Arguments
from headgate.scan.flow.values import UNKNOWN, Obj, Value
from headgate.scan.ir.nodes import Node

SCHEMA = "zod.Schema"
_LIBRARIES = ("zod.", "joi.", "yup.", "@hapi/joi.")
_NUMBERS = frozenset(
    {
        "number", "int", "bigint", "boolean", "date", "enum", "nativeEnum", "literal", "uuid",
        "cuid", "cuid2", "ulid", "nanoid", "guid", "stringbool", "int32", "float32", "float64",
        "valid",
    }
)  # fmt: skip
"""Schemas of what can do no harm: numbers, words of a list, identifiers."""
_EXACT = frozenset(
    {"uuid", "cuid", "cuid2", "ulid", "nanoid", "guid", "datetime", "int", "alphanum", "hex"}
    | {"token", "isoDate", "valid", "equal", "oneOf"}
)
"""Methods after which a text is one of these."""
_OPEN = frozenset({"passthrough", "loose", "catchall", "transform", "or", "and", "pipe"})
"""Methods after which more may be in it than the schema says."""
_PARSING = frozenset({"parse", "parseAsync", "validateAsync", "validateSync", "attempt", "cast"})
_ASKING = frozenset({"safeParse", "safeParseAsync", "spa"})
_PARTS = {"querystring": "query", "query": "query", "params": "params", "body": "body"}
"""Parts of a route's schema → attributes of the request."""
_PLAIN = frozenset({"number", "integer", "boolean"})
_DEEPEST = 5


class JavaScriptSchemas(JavaScriptEvents):
    """Schemas, and what they let through."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._asked: dict[tuple[str, int], dict[str, dict[str, int]]] = {}
        """By the handler of a route: part of the request → field → kinds it cannot cause."""

    def library_call(
        self, function: Value, given: Arguments, node: Node, target: str = ""
    ) -> Value:
        recv, args = given[0], given[1]
        options = self.obj(args[1]) if len(args) > 2 else None
        if options is not None and "schema" in options.items:
            self._remember(options, args[2:])
        name = self.rules.canonical(function.name)
        tail = name.rpartition(".")[2]
        if recv is not None and recv.type == SCHEMA:
            return self._of_schema(recv, tail, args, node)
        if name.startswith(_LIBRARIES):
            return self._schema(tail, args)
        return super().library_call(function, given, node, target)

    def _of_type(self, value: Value, name: str, node: Node) -> Value | None:
        if value.type == "prisma.Client" and name[:1].isalpha():
            return Value(type="prisma.Model", name=f"prisma.Model.{name}")
        found = super()._of_type(value, name, node)
        if found is not None and found.taint and self.frame.entry is not None:
            ref = self.frame.entry.ref
            asked = self._asked.get((ref.module.path, ref.node[1]), {}).get(name)
            if asked:
                return self._by_schema(found, asked, node)
        return found

    def _by_schema(self, value: Value, asked: dict[str, int], node: Node) -> Value:
        """A part of a request of which a schema says what some of it may be."""
        items: dict[Any, Value] = {}
        for name, mask in asked.items():
            taint = self.part(value.taint, name, node)
            items[name] = Value(self.narrowed(taint, -1, mask))
        rest = Value(self.part(value.taint, "*", node))
        return Value(ref=self.new(Obj("dict", items, rest, None, True)).ref)

    def _remember(self, options: Obj, handlers: list[Value]) -> None:
        """What a route's schema says: https://fastify.dev/docs/latest/Reference/Validation-and-Serialization/"""
        schema = self._under(options, "schema")
        if schema is None:
            return
        found: dict[str, dict[str, int]] = {}
        for name, part in _PARTS.items():
            held = self._under(schema, name)
            properties = self._under(held, "properties") if held is not None else None
            if properties is not None:
                found[part] = {
                    key: self._allowed(one)
                    for key, one in properties.items.items()
                    if isinstance(key, str)
                }
        for handler in handlers:
            for ref in functions_in(handler):
                self._asked[ref.module.path, ref.node[1]] = found

    def _under(self, held: Obj, name: str) -> Obj | None:
        value = held.items.get(name)
        return None if value is None else self.obj(value)

    def _allowed(self, value: Value) -> int:
        """The kinds that what fits a schema of one field cannot cause."""
        held = self.obj(value)
        if held is None:
            return 0

        def word(name: str) -> object:
            one = held.items.get(name)
            return one.consts[0] if one is not None and one.consts else None

        if "enum" in held.items or "const" in held.items:
            return self.rules.all
        if word("type") in _PLAIN or word("format") in _EXACT | {"date", "date-time", "ipv4"}:
            return self.rules.all
        if word("type") != "string":
            return 0
        mask = self.rules.mask(("nosql-injection", "mass-assignment", "prototype-pollution"))
        pattern = word("pattern")
        if isinstance(pattern, str):
            mask |= self.rules.mask(checked(pattern, whole=False, begins=False))
        return mask

    def _schema(self, name: str, args: list[Value]) -> Value:
        held = self.obj(args[0]) if args else None
        if name in ("object", "strictObject") and held is not None:
            return self.new(Obj("dict", held.items, held.rest, None, held.open), SCHEMA)
        if name in ("array", "optional", "nullable", "set") and args and args[0].type == SCHEMA:
            return args[0] if held is None else Value(type=SCHEMA, consts=(0,))
        mask = 0
        if name in _NUMBERS:
            mask = self.rules.all
        elif name == "string":
            mask = self.rules.mask(("nosql-injection",))
        return Value(type=SCHEMA, consts=(mask,))

    def _of_schema(self, schema: Value, name: str, args: list[Value], node: Node) -> Value:
        first = args[0] if args else UNKNOWN
        if name in _PARSING:
            return self._passed_by(schema, first, node)
        if name in _ASKING:
            answer = {"success": Value(type="bool"), "data": self._passed_by(schema, first, node)}
            return self.new(Obj("dict", answer, None, None, True))
        if name == "validate":
            passed = self._passed_by(schema, first, node)
            return self.new(Obj("dict", {"value": passed}, None, None, True))
        if name in _OPEN:
            return Value(type=SCHEMA, consts=(0,))
        held, more = self.obj(schema), self.obj(first)
        if held is not None:
            if name in ("extend", "merge", "safeExtend") and more is not None:
                return self.new(Obj("dict", {**held.items, **more.items}), SCHEMA)
            return schema
        mask = schema.consts[0] if schema.consts else 0
        if name in _EXACT:
            mask = self.rules.all
        elif name in ("regex", "pattern", "matches") and first.type == "re.Pattern" and first.text:
            mask |= self.rules.mask(checked(first.text, whole=False, begins=False))
        return Value(type=SCHEMA, consts=(mask,))

    def _passed_by(self, schema: Value, value: Value, node: Node, depth: int = 0) -> Value:
        """What is left of a value that a schema has let through."""
        held = self.obj(schema)
        if held is None or depth > _DEEPEST:
            mask = schema.consts[0] if schema.type == SCHEMA and schema.consts else 0
            reason = "a schema lets it through"
            return Value(self.moved(self.deep(value), reason, node, -1, mask), type=value.type)
        items = {
            name: self._passed_by(one, self.attribute(value, name, node), node, depth + 1)
            for name, one in held.items.items()
            if isinstance(name, str)
        }
        return self.new(Obj("dict", items))
