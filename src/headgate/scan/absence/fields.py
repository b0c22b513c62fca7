"""Fields that the caller must not choose, written to documents, rows and objects all together."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.model.finding import Confidence
from headgate.scan.absence import words
from headgate.scan.absence.lacks import Lack, Project, is_sign_in, lack
from headgate.scan.absence.names import Class, Names, last_name, walk
from headgate.scan.absence.objects import FIELDS, is_body, sent_names
from headgate.scan.absence.rights import is_restricted
from headgate.scan.absence.routes import Route
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_UPDATES = frozenset(
    {"update_one", "update_many", "find_one_and_update", "update", "findAndModify", "bulk_write"}
)
_INSERTS = frozenset({"insert_one", "insert_many", "replace_one", "find_one_and_replace"})
_SETS = frozenset({"$set", "$setOnInsert"})
_FORMS = ("flask_wtf.FlaskForm", "flask_wtf.Form", "wtforms.Form", "wtforms.form.Form",
          "flask_wtf.form.FlaskForm")  # fmt: skip
_MODELS = ("pydantic.BaseModel", "sqlmodel.SQLModel", "pydantic.main.BaseModel")
_DUMPS = frozenset({"dict", "model_dump", "jsonable_encoder"})
_RIGHTS = "May the caller choose their own rights?"


def _whole(project: Project) -> Iterator[Lack]:
    """All that a request holds, written to a document or a row."""
    for route in project.routes:
        if not route.changes:
            continue
        sent = sent_names(route)
        for node in walk(route.function.node[5]):
            if _writes_whole(node, sent) or _names_columns(node, route, sent):
                yield lack("mass-assignment", route.function, FIELDS, node, Confidence.MEDIUM)


def _writes_whole(node: Node, sent: set[str]) -> bool:
    if node[0] != ir.CALL or node[3][0] != ir.ATTR:
        return False
    name = node[3][4]
    if name in _INSERTS:
        return any(is_body(one, sent) for one in node[4])
    return name in _UPDATES and any(
        part[0] == ir.MAP
        and any(
            key is not None and key[0] == ir.CONST and key[3] in _SETS and is_body(value, sent)
            for key, value in part[3]
        )
        for part in node[4][1:2]
    )


def _names_columns(node: Node, route: Route, sent: set[str]) -> bool:
    """`", ".join(f"{key} = ?" for key in body)`: whatever is sent becomes a column."""
    if node[0] != ir.COMPREHENSION or not node[6]:
        return False
    target, iterable, tests = node[6][0]
    element = node[5]
    if tests or element[0] not in (ir.BUILD, ir.BINARY):
        return False
    while iterable[0] == ir.CALL:
        if iterable[3][0] == ir.ATTR and iterable[3][4] in ("items", "keys"):
            iterable = iterable[3][3]
        elif last_name(iterable[3]) in ("enumerate", "list", "sorted", "iter") and iterable[4]:
            iterable = iterable[4][0]
        else:
            break
    if not is_body(iterable, sent):
        return False
    names = {one[3] for one in walk(target) if one[0] == ir.NAME}
    used = any(one[0] == ir.NAME and one[3] in names for one in walk(element))
    sets = any(
        one[0] == ir.CONST and type(one[3]) is str and "=" in one[3] for one in walk(element)
    )
    return used and sets


def _forms(project: Project) -> Iterator[Lack]:
    """A form with a field for rights, of which every field is copied to an object."""
    for route in project.routes:
        if is_restricted(route):
            continue
        made = _made(project.names, route)
        for node in walk(route.function.node[5]):
            if node[0] == ir.CALL and last_name(node[3]) == "populate_obj":
                form = node[3][3] if node[3][0] == ir.ATTR else None
                kind = made.get(last_name(form)) if form is not None else None
                if kind is not None and _right_in(project.names, kind):
                    yield lack("mass-assignment", route.function, _RIGHTS, node, Confidence.MEDIUM)


def _made(names: Names, route: Route) -> dict[str, Class]:
    """Variables of a route that hold a form of the project."""
    found: dict[str, Class] = {}
    for node in walk(route.function.node[5]):
        if node[0] == ir.ASSIGN and node[4] is not None and node[4][0] == ir.CALL:
            kind = names.meaning(route.function.state, node[4][3])
            if isinstance(kind, Class) and names.derives(kind, _FORMS):
                found.update({one[3]: kind for one in node[3] if one[0] == ir.NAME})
    return found


def _right_in(names: Names, kind: Class) -> bool:
    """Whether a class, or one of the project that it derives from, has a field for rights."""
    for node in kind.node[7]:
        if node[0] == ir.ASSIGN and any(
            target[0] == ir.NAME and words.PRIVILEGE.fullmatch(target[3]) for target in node[3]
        ):
            return True
    for base in kind.node[4]:
        above = names.meaning(kind.state, base)
        if isinstance(above, Class) and above is not kind and _right_in(names, above):
            return True
    return False


def _models(project: Project) -> Iterator[Lack]:
    """A model with a field for rights, of which every field is stored."""
    for route in project.routes:
        if not route.named or not route.changes or is_sign_in(route):
            continue
        kinds: dict[str, Class] = {}
        for parameter in route.function.node[4]:
            if parameter[5] is None or parameter[3][0] != ir.NAME:
                continue
            kind = project.names.meaning(route.function.state, parameter[5])
            if isinstance(kind, Class) and project.names.derives(kind, _MODELS):
                kinds[parameter[3][3]] = kind
        if not kinds or is_restricted(route):
            continue
        for node in walk(route.function.node[5]):
            held = _dumped(node)
            kind = kinds.get(held) if held else None
            if kind is not None and _right_in(project.names, kind):
                yield lack("mass-assignment", route.function, _RIGHTS, node, Confidence.MEDIUM)
                break


def _dumped(node: Node) -> str:
    """`body` of `body.model_dump()`, when nothing is left out."""
    if node[0] != ir.CALL or last_name(node[3]) not in _DUMPS:
        return ""
    if any(key in ("include", "exclude") for key, _ in node[5]):
        return ""
    if node[3][0] == ir.ATTR:
        return last_name(node[3][3])
    return last_name(node[4][0]) if node[4] else ""


CHECKS = (_whole, _forms, _models)
