"""Fields that classes of frameworks declare: of forms, serializers and rows of a database.

What a form lets through is as its field says: a number, one of a list, or a text. What is in a
column of texts was written by somebody, and comes back as it was.
"""

from __future__ import annotations

from typing import Any

from headgate.model.finding import Confidence
from headgate.scan.flow.core import Frame
from headgate.scan.flow.lookups import Names
from headgate.scan.flow.patterns import checked
from headgate.scan.flow.program import ClassRef, FunctionRef
from headgate.scan.flow.values import UNKNOWN, Obj, Value
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_CLEANED = {
    "cleaned_data": ("django.forms.", "a form field"),
    "validated_data": ("rest_framework.serializers.", "the body of the request"),
}
"""Attributes that hold what the fields let through, and the classes that have them."""
_MODEL = "django.db.models.Model"
_TEXTS = frozenset({"CharField", "TextField", "JSONField", "URLField", "EmailField"})
"""Columns that hold what somebody wrote."""
_CLOSED = frozenset(
    {
        "IntegerField", "FloatField", "DecimalField", "BooleanField", "NullBooleanField",
        "DateField", "DateTimeField", "TimeField", "DurationField", "UUIDField", "ChoiceField",
        "TypedChoiceField", "MultipleChoiceField", "TypedMultipleChoiceField", "ModelChoiceField",
        "ModelMultipleChoiceField", "PrimaryKeyRelatedField", "GenericIPAddressField",
        "IPAddressField", "SmallIntegerField", "BigIntegerField", "PositiveIntegerField",
        "PositiveSmallIntegerField", "PositiveBigIntegerField", "AutoField", "BigAutoField",
        "ForeignKey", "OneToOneField", "ManyToManyField", "ReadOnlyField", "SplitDateTimeField",
    }
)  # fmt: skip
"""Fields that let through numbers, dates or what the program lists."""
_LINKS = frozenset({"ForeignKey", "OneToOneField", "ManyToManyField"})
_ONE = frozenset(
    {
        "get",
        "first",
        "last",
        "latest",
        "earliest",
        "aget",
        "afirst",
        "alast",
        "alatest",
        "get_object",
    }
)
_MANY = frozenset(
    {
        "all", "filter", "exclude", "order_by", "annotate", "using", "select_related",
        "prefetch_related", "distinct", "reverse", "only", "defer", "none", "union",
        "select_for_update", "iterator", "aiterator", "raw", "extra",
    }
)  # fmt: skip
_VALUES = frozenset({"values", "values_list"})
_ROWS = "django.db.models.QuerySet"
_SHORTCUTS = frozenset(
    {
        "django.shortcuts.get_object_or_404", "django.shortcuts.aget_object_or_404",
        "django.shortcuts.get_list_or_404", "rest_framework.generics.get_object_or_404",
    }
)  # fmt: skip
_VALIDATORS = frozenset({"field_validator", "validator"})
_MANAGERS = frozenset({"objects", "_default_manager", "_base_manager"})


class Fields(Names):
    """Values that a class of a framework holds by the fields that it declares."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._cleaning: set[tuple[str, str]] = set()
        self._declarations: dict[tuple[str, int], dict[str, Node]] = {}
        self._checks: dict[tuple[str, int], dict[str, list[str]]] = {}

    def of_fields(self, value: Value, cls: ClassRef, name: str, node: Node) -> Value | None:
        """An attribute of an instance that the class's declarations tell of; None: they do not."""
        cleaned = _CLEANED.get(name)
        if cleaned is not None:
            start, what = cleaned
            if any(base.startswith(start) for base in cls.library_bases()):
                return self._cleaned(value, cls, what, node)
            return None
        if not self._is_model(cls):
            return None
        declaration = self._declared(cls).get(name)
        kind = _kind(declaration)
        if declaration is None or kind not in _TEXTS:
            return Value(type="int") if kind in _CLOSED and kind not in _LINKS else None
        if any(key == "choices" for key, _ in declaration[5]):
            return Value(type="int")
        key = f"{cls.name}.{name}"
        token = self.token("stored", "a text of the database", key, node, Confidence.HIGH, key)
        taint = self.tainted(token, node, self.rules.mask(_allowed(declaration)))
        return Value(taint, type="str", name=f"*.{name}")

    def _declared(self, cls: ClassRef) -> dict[str, Node]:
        """The calls that a class's attributes are made with, as they are written."""
        out: dict[str, Node] = {}
        for one in reversed(cls.lineage()):
            key = (one.module.path, one.node[1])
            found = self._declarations.get(key)
            if found is None:
                found = self._declarations[key] = {
                    target[3]: statement[4]
                    for statement in one.node[7]
                    if statement[0] == ir.ASSIGN and statement[4] is not None
                    and statement[4][0] == ir.CALL
                    for target in statement[3]
                    if target[0] == ir.NAME
                }  # fmt: skip
            out.update(found)
        return out

    def _is_model(self, cls: ClassRef) -> bool:
        return any(
            base == _MODEL or (base.startswith("django.") and base.endswith(".AbstractUser"))
            for base in cls.library_bases()
        )

    # Rows

    def rows(self, cls: ClassRef) -> Value:
        """All rows of a model."""
        row = self.new(Obj("instance", {}, None, cls, True), _MODEL)
        return self.new(Obj("list", {}, row, None, True), _ROWS)

    def manager(self, cls: ClassRef, name: str) -> Value | None:
        """`Model.objects`."""
        if name in _MANAGERS and cls.member(name) is None and self._is_model(cls):
            return self.rows(cls)
        return None

    def rows_from(
        self, function: Value, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value | None:
        """The row or rows that a call gives: `Model.objects.filter(…).first()`."""
        if function.name in _SHORTCUTS and args:
            given = args[0]
            if isinstance(given.obj, ClassRef):
                given = self.rows(given.obj) if self._is_model(given.obj) else UNKNOWN
            held = self.obj(given)
            if held is None or given.type != _ROWS:
                return None
            return given if "list" in function.name else held.rest
        recv = function.recv
        tail = function.name.rpartition(".")[2]
        if recv is not None and tail == "get_object" and not args:
            return self._of_view(recv)
        if recv is None or recv.type != _ROWS:
            return None
        if tail not in _ONE and tail not in _MANY and tail not in _VALUES:
            return None
        held = self.obj(recv)
        if held is None or held.rest is None:
            return None
        if tail in _VALUES:
            return self._values(held.rest, tail, args, "flat" in keywords, node)
        return held.rest if tail in _ONE else recv

    def _values(
        self, row: Value, tail: str, args: list[Value], flat: bool, node: Node
    ) -> Value | None:
        """`objects.values("title")` and `objects.values_list("title", flat=True)`."""
        held = self.obj(row)
        if held is None or held.cls is None:
            return None
        names = [one.consts[0] for one in args if one.consts and isinstance(one.consts[0], str)]
        if len(names) != len(args):
            return None
        items: dict[Any, Value] = {}
        for name in names or self._declared(held.cls):
            column = self.of_fields(row, held.cls, str(name), node)
            items[name] = column if column is not None else UNKNOWN
        if tail == "values":
            one = self.new(Obj("dict", items, None, None, False))
        elif flat and names:
            one = items[names[0]]
        else:
            one = self.make_list(items.values(), "tuple")
        return self.new(Obj("list", {}, one, None, True), _ROWS)

    def _of_view(self, view: Value) -> Value | None:
        """The row that a class of Django's or REST framework's own views is about."""
        held = self.obj(view)
        cls = held.cls if held is not None else None
        for name in ("model", "queryset") if cls is not None else ():
            given = cls.member(name) if cls is not None else None
            found = self.force(given) if given is not None else UNKNOWN
            if isinstance(found.obj, ClassRef) and self._is_model(found.obj):
                found = self.rows(found.obj)
            rows = self.obj(found)
            if rows is not None and found.type == _ROWS:
                return rows.rest
        return None

    # Forms

    def _cleaned(self, value: Value, cls: ClassRef, what: str, node: Node) -> Value:
        items: dict[Any, Value] = {}
        model = self._meta_model(cls)
        declared = {**(self._declared(model) if model is not None else {}), **self._declared(cls)}
        for name, declaration in declared.items():
            if _kind(declaration).endswith(("Field", "ForeignKey")):
                items[name] = self._field(value, cls, name, declaration, what, node)
        token = self.token("web", what, "*", node, Confidence.HIGH)
        rest = Value(self.tainted(token, node))
        return self.new(Obj("dict", items, None if items else rest, None, True))

    def _field(
        self,
        value: Value,
        form: ClassRef,
        name: str,
        declaration: Node,
        what: str,
        node: Node,
    ) -> Value:
        kind = _kind(declaration)
        if kind in _CLOSED or any(key == "choices" for key, _ in declaration[5]):
            return Value(type="int")
        token = self.token("web", what, name, node, Confidence.HIGH)
        given = Value(self.tainted(token, node, self.rules.mask(_allowed(declaration))), type="str")
        if kind in ("FileField", "ImageField"):
            given = Value(given.taint, type="django.core.files.uploadedfile.UploadedFile")
        return self._own_check(value, form, name, given, node)

    def _own_check(
        self, value: Value, form: ClassRef, name: str, given: Value, node: Node
    ) -> Value:
        """What the form's own `clean_NAME`, or the serializer's `validate_NAME`, makes of it."""
        place = (form.name, name)
        for prefix in ("clean_", "validate_"):
            method = form.member(prefix + name)
            if method is None or not isinstance(method.obj, FunctionRef):
                continue
            if place in self._cleaning:
                return given
            self._cleaning.add(place)
            try:
                bound = FunctionRef(
                    method.obj.module, method.obj.node, method.obj.cls, method.obj.captured,
                    method.obj.frame, value,
                )  # fmt: skip
                args = [given] if prefix == "validate_" else []
                found = self.call(Value(obj=bound), args, {}, node)
                self.dead = False
                return found
            finally:
                self._cleaning.discard(place)
        return given

    def validated(self, given: Value, value: Value, cls: ClassRef, name: str, node: Node) -> Value:
        """What the model's own `@field_validator("NAME")` makes of a field that came in."""
        place = (cls.name, name)
        if place in self._cleaning:
            return given
        for check in _annotated_checks(cls.demands(name)[0]):
            caller = self.frame
            self.frame = Frame(cls.module, "", -3)
            try:
                function = self.eval(check)
            finally:
                self.frame = caller
            if isinstance(function.obj, FunctionRef):
                self._cleaning.add(place)
                try:
                    given = self.call(function, [given], {}, node)
                    self.dead = False
                finally:
                    self._cleaning.discard(place)
        for method in self._validators(cls).get(name, ()):
            member = cls.member(method)
            if member is None or not isinstance(member.obj, FunctionRef):
                continue
            ref = member.obj
            bound = FunctionRef(ref.module, ref.node, ref.cls, ref.captured, ref.frame, value)
            self._cleaning.add(place)
            try:
                given = self.call(Value(obj=bound), [given], {}, node)
                self.dead = False
            finally:
                self._cleaning.discard(place)
        return given

    def _validators(self, cls: ClassRef) -> dict[str, list[str]]:
        """The methods that check each field, in the order in which they are called."""
        key = (cls.module.path, cls.node[1])
        found = self._checks.get(key)
        if found is None:
            found = self._checks[key] = {}
            for one in reversed(cls.lineage()):
                for statement in one.node[7]:
                    if statement[0] == ir.FUNCTION:
                        for field in _checked_fields(statement):
                            found.setdefault(field, []).append(statement[3])
        return found

    def _meta_model(self, cls: ClassRef) -> ClassRef | None:
        """The model whose fields a form or serializer has."""
        meta = cls.member("Meta")
        inner = meta.obj if meta is not None else None
        if not isinstance(inner, ClassRef):
            return None
        model = inner.member("model")
        found = self.force(model) if model is not None else UNKNOWN
        return found.obj if isinstance(found.obj, ClassRef) else None


def _annotated_checks(annotation: Node | None) -> list[Node]:
    """Of `Annotated[str, AfterValidator(f)]`: `f`."""
    if annotation is None or annotation[0] != ir.INDEX or annotation[4][0] != ir.SEQ:
        return []
    return [
        one[4][0]
        for one in annotation[4][4][1:]
        if one[0] == ir.CALL and one[4] and one[3][-1] in ("AfterValidator", "BeforeValidator")
    ]


def _checked_fields(function: Node) -> list[str]:
    """The fields that a method is a validator of, as pydantic's decorators say."""
    return [
        str(argument[3])
        for one in function[6]
        if one[0] == ir.CALL and one[3][-1] in _VALIDATORS
        for argument in one[4]
        if argument[0] == ir.CONST and type(argument[3]) is str
    ]


def _kind(declaration: Node | None) -> str:
    """The last name of the class that a field is declared with."""
    if declaration is None:
        return ""
    called = declaration[3]
    return called[4] if called[0] == ir.ATTR else called[3] if called[0] == ir.NAME else ""


def _allowed(call: Node) -> tuple[str, ...]:
    """Kinds that a text cannot cause which the field's own checks have let through."""
    kind = _kind(call)
    if kind == "SlugField":
        return ("all",)
    texts = [*call[4][:1]] if kind == "RegexField" else []
    for key, value in call[5]:
        if key in ("regex", "pattern"):
            texts.append(value)
        elif key == "validators" and value[0] == ir.SEQ:
            for one in value[4]:
                if one[0] == ir.CALL and one[3][-1] in ("RegexValidator",):
                    texts += [*one[4][:1], *(v for k, v in one[5] if k == "regex")]
    for text in texts:
        if text[0] == ir.CONST and isinstance(text[3], str):
            return checked(text[3], whole=False, begins=False)
    return ()
