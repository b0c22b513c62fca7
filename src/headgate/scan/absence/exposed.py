"""Fields that forms, serializers and inputs let a caller set, or tell a caller.

Told by what the classes declare: `Meta.fields`, `exclude`, annotated fields.
"""

from __future__ import annotations

from collections.abc import Iterator

from headgate.model.finding import Confidence
from headgate.scan.absence import words
from headgate.scan.absence.lacks import Lack, Project, lack
from headgate.scan.absence.names import Class, Function, Names, last_name, walk
from headgate.scan.absence.objects import for_administrators
from headgate.scan.absence.routes import Route
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_RIGHTS = words.any_of(
    r"is_?(admin|staff|superuser|supervisor|moderator|verified|approved|owner|paid|premium|manager)",
    r"(user_?)?roles?", r"(email_?)?verified", r"approved", r"permissions?", r"user_permissions",
    r"privileges?", r"access_level", r"account_type", r"balance", r"credits?", r"credit_limit",
    r"discount\w*", r"paid", r"superuser", r"admin",
)  # fmt: skip
"""Fields that say what somebody may do, or what they owe."""
_USERS = {"password", "is_staff", "is_superuser"}
"""What Django's own users have."""
_ADMIN = words.any_of(r"\w*(admin|staff|superuser|internal|supervisor|moderator|manager)\w*")
_OUTWARD = words.any_of(r"\w+(Out|Response|Public|Read|View|DTO)")
_MODELS = frozenset({"pydantic.BaseModel", "ninja.Schema", "sqlmodel.SQLModel"})
_MANY = frozenset({"dict", "model_dump", "asdict", "vars", "items", "to_dict"})


def _classes(names: Names, endings: tuple[str, ...]) -> Iterator[Class]:
    """Classes of files that have a name that so ends."""
    for state in names.program.states.values():
        if names.says(state, endings):
            yield from names.classes(state)


def _declared(project: Project) -> Iterator[Lack]:
    names = project.names
    for one in _classes(names, ("Serializer", "ModelForm", "serializers", "forms")):
        serializer = _derives(names, one, "rest_framework.serializers.", "Serializer")
        form = not serializer and _derives(names, one, "django.forms.", "ModelForm")
        if not serializer and not form:
            continue
        meta = next((n for n in one.node[7] if n[0] == ir.CLASS and n[3] == "Meta"), None)
        if meta is None or _ADMIN.fullmatch(one.name):
            continue
        given = {
            target[3]: node
            for node in meta[7]
            if node[0] == ir.ASSIGN and node[4] is not None
            for target in node[3]
            if target[0] == ir.NAME
        }
        place = given.get("fields") or given.get("exclude")
        columns = _columns(names, one, given.get("model"))
        if place is None:
            continue
        fields = _named(place[4])
        if "exclude" in given and "fields" not in given:
            fields = columns - fields
        elif "__all__" in fields or (place[4][0] == ir.CONST and place[4][3] == "__all__"):
            fields = columns
        closed, hidden = _flags(one, given)
        at = (one.state.path, place[1], place[2])
        if serializer:
            told = {f for f in fields - hidden if words.SECRET_FIELD.fullmatch(f)}
            if told:
                yield Lack(
                    "secret-in-response", *at, one.name, f"Who gets to see `{min(told)}`?",
                    Confidence.MEDIUM,
                )  # fmt: skip
        rights = {f for f in fields - closed if _RIGHTS.fullmatch(f)}
        if rights and _takes_input(names, one, form=form):
            yield Lack(
                "mass-assignment", *at, one.name, f"May every caller set `{min(rights)}`?",
                Confidence.MEDIUM,
            )  # fmt: skip


def _derives(names: Names, one: Class, start: str, end: str, depth: int = 0) -> bool:
    for base in one.bases:
        if base.startswith(start) and base.endswith(end):
            return True
        path, colon, name = base.partition(":")
        state = names.program.states.get(path) if colon else None
        above = names.found(state, name) if state is not None else None
        if (
            isinstance(above, Class)
            and above is not one
            and depth < 6
            and _derives(names, above, start, end, depth + 1)
        ):
            return True
    return False


def _named(value: Node) -> set[str]:
    return {one[3] for one in walk(value) if one[0] == ir.CONST and isinstance(one[3], str)}


def _columns(names: Names, one: Class, given: Node | None) -> set[str]:
    """The columns of the model that a form or serializer is of."""
    meaning = names.meaning(one.state, given[4]) if given is not None else ""
    out: set[str] = set()
    seen: list[Class] = []
    pending = [meaning] if isinstance(meaning, Class) else []
    while pending and len(seen) < 8:
        model = pending.pop()
        seen.append(model)
        for node in model.node[7]:
            if node[0] != ir.ASSIGN or node[4] is None or node[4][0] != ir.CALL:
                continue
            if any(k == "editable" and v[0] == ir.CONST and not v[3] for k, v in node[4][5]):
                continue
            out.update(target[3] for target in node[3] if target[0] == ir.NAME)
        for base in model.bases:
            if base.endswith((".AbstractUser", ".AbstractBaseUser")):
                out |= _USERS
            path, colon, name = base.partition(":")
            state = names.program.states.get(path) if colon else None
            above = names.found(state, name) if state is not None else None
            if isinstance(above, Class) and above not in seen:
                pending.append(above)
    if meaning == "django.contrib.auth.models.User":
        out |= _USERS
    return out


def _flags(one: Class, meta: dict[str, Node]) -> tuple[set[str], set[str]]:
    """Fields that cannot be written, and fields that are not told."""
    closed = _named(meta["read_only_fields"][4]) if "read_only_fields" in meta else set[str]()
    hidden: set[str] = set()

    def by_keywords(name: str, pairs: Iterator[tuple[str, Node]]) -> None:
        for key, value in pairs:
            if key in ("read_only", "disabled") and value[3] is True:
                closed.add(name)
            if key == "write_only" and value[3] is True:
                hidden.add(name)

    for node in one.node[7]:
        if node[0] != ir.ASSIGN or node[4] is None or node[4][0] != ir.CALL:
            continue
        for target in node[3]:
            if target[0] != ir.NAME:
                continue
            if last_name(node[4]) in ("SerializerMethodField", "ReadOnlyField"):
                closed.add(target[3])
            by_keywords(target[3], ((k, v) for k, v in node[4][5] if k and v[0] == ir.CONST))
    extra = meta.get("extra_kwargs")
    if extra is not None and extra[4][0] == ir.MAP:
        for key, value in extra[4][3]:
            if key is not None and key[0] == ir.CONST and value[0] == ir.MAP:
                pairs = (
                    (k[3], v)
                    for k, v in value[3]
                    if k is not None and k[0] == ir.CONST and v[0] == ir.CONST
                )
                by_keywords(key[3], pairs)
    return closed, hidden


def _takes_input(names: Names, one: Class, *, form: bool) -> bool:
    """Whether something that is not for administrators only fills the form or serializer."""
    for state in names.program.states.values():
        if one.name not in names.mentions(state):
            continue
        for function in names.functions(state):
            if for_administrators(function) or _for_staff(function):
                continue
            for node in walk(function.node[5]):
                if node[0] != ir.CALL or last_name(node[3]) != one.name:
                    continue
                if any(key == "data" for key, _ in node[5]) or (form and node[4]):
                    return True
        for view in names.classes(state):
            if _ADMIN.fullmatch(view.name):
                continue
            wanted = "form_class" if form else "serializer_class"
            reads = any(base.endswith(_READ_ONLY) for base in view.bases)
            if (
                not reads
                and not _staff_class(view)
                and any(
                    node[0] == ir.ASSIGN
                    and node[4] is not None
                    and last_name(node[4]) == one.name
                    and any(target[0] == ir.NAME and target[3] == wanted for target in node[3])
                    for node in view.node[7]
                )
            ):
                return True
    return False


_READ_ONLY = ("ReadOnlyModelViewSet", ".ListAPIView", ".RetrieveAPIView", "ListModelMixin")


def _staff_class(one: Class) -> bool:
    """Whether a class of views is for administrators only."""
    heads = list(one.node[4])
    heads += [
        node[4]
        for node in one.node[7]
        if node[0] == ir.ASSIGN
        and node[4] is not None
        and any(t[0] == ir.NAME and t[3] in _WHO for t in node[3])
    ]
    return any(
        _ADMIN.fullmatch(last_name(part)) is not None
        for head in heads
        for part in walk(head)
        if part[0] in (ir.NAME, ir.ATTR)
    )


_WHO = frozenset({"permission_classes", "permission_required", "decorators"})


def _for_staff(function: Function) -> bool:
    """Whether the class is for administrators, or the function asks for their rights itself."""
    if function.owner is not None and _staff_class(function.owner):
        return True
    return any(
        node[0] == ir.ATTR and node[4] in ("is_staff", "is_superuser", "has_perm")
        for node in walk(function.node[5])
    )


def _inputs(project: Project) -> Iterator[Lack]:
    """`for key, value in body.dict().items(): setattr(row, key, value)` of a model with rights."""
    for route in project.routes:
        function = route.function
        if for_administrators(function) or _for_staff(function):
            continue
        models = _annotated(project.names, route)
        if not models:
            continue
        for node in walk(function.node[5]):
            given: Node | None = None
            if node[0] == ir.FOR and any(
                one[0] == ir.CALL and last_name(one[3]) == "setattr" for one in walk(node[5])
            ):
                given = node[4]
                place = next(
                    one
                    for one in walk(node[5])
                    if one[0] == ir.CALL and last_name(one[3]) == "setattr"
                )
            elif node[0] == ir.CALL:
                given = next((value for key, value in node[5] if key is None), None)
                place = node
            else:
                continue
            model = models.get(_whole(given)) if given is not None else None
            rights = {one for one in _annotations(model) if _RIGHTS.fullmatch(one)} if model else ()
            if rights:
                yield lack(
                    "mass-assignment", function, f"May every caller set `{min(rights)}`?", place,
                    Confidence.MEDIUM,
                )  # fmt: skip


def _annotated(names: Names, route: Route) -> dict[str, Class]:
    """Parameters that hold a class of the project."""
    out: dict[str, Class] = {}
    for parameter in route.function.node[4]:
        if parameter[3][0] == ir.NAME and parameter[5] is not None:
            meaning = names.meaning(route.function.state, parameter[5])
            if isinstance(meaning, Class):
                out[parameter[3][3]] = meaning
    return out


def _whole(node: Node) -> str:
    """Of `vars(patch).items()` and `body.model_dump(exclude_unset=True)`: the name."""
    while node[0] == ir.CALL and last_name(node[3]) in _MANY:
        if node[3][0] == ir.ATTR:
            node = node[3][3]
        elif node[4]:
            node = node[4][0]
        else:
            return ""
    return node[3] if node[0] == ir.NAME else ""


def _annotations(one: Class) -> set[str]:
    return {
        target[3]
        for node in one.node[7]
        if node[0] == ir.ASSIGN and node[5] is not None
        for target in node[3]
        if target[0] == ir.NAME
    }


def _types(project: Project) -> Iterator[Lack]:
    """Types of GraphQL, and models of answers, that have a field with a secret."""
    for one in _classes(
        project.names, ("strawberry", "BaseModel", "Schema", "SQLModel", "ObjectType")
    ):
        heads = {last_name(head) for head in one.node[6]}
        decorated = [
            project.names.canonical(one.state, head[3] if head[0] == ir.CALL else head)
            for head in one.node[6]
        ]
        graph = any(name in ("strawberry.type", "strawberry_django.type") for name in decorated)
        answers = _OUTWARD.fullmatch(one.name) is not None and not _MODELS.isdisjoint(one.bases)
        graphene = any(base in ("graphene.ObjectType",) for base in one.bases)
        if (not graph and not answers and not graphene) or "input" in heads:
            continue
        for node in one.node[7]:
            if node[0] != ir.ASSIGN or (graphene and (node[4] is None or node[4][0] != ir.CALL)):
                continue
            if not graphene and node[5] is None:
                continue
            for target in node[3]:
                if target[0] == ir.NAME and words.SECRET_FIELD.fullmatch(target[3]):
                    yield Lack(
                        "secret-in-response", one.state.path, node[1], node[2], one.name,
                        f"Who gets to see `{target[3]}`?", Confidence.MEDIUM,
                    )  # fmt: skip


CHECKS = (_declared, _inputs, _types)
