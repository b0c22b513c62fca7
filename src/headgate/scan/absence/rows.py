"""Rows that a route finds by an identifier alone, and generic views that show everybody's."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.model.finding import Confidence
from headgate.scan.absence import words
from headgate.scan.absence.lacks import Lack, Project, is_authenticated, lack
from headgate.scan.absence.names import Class, Function, Names, last_name, walk
from headgate.scan.absence.objects import (
    for_administrators,
    has_owner,
    is_sent,
    is_tied,
    sent_names,
)
from headgate.scan.absence.owning import by_identifier, is_caller, owner_fields, tied_tables
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_OWN_METHODS = frozenset(
    {
        "get_queryset", "get_object", "test_func", "dispatch", "has_permission",
        "check_permissions", "check_object_permissions", "get_permissions", "filter_queryset",
        "initial", "setup",
    }
)  # fmt: skip
_DJANGO = (
    "django.views.generic.DetailView", "django.views.generic.UpdateView",
    "django.views.generic.DeleteView", "django.views.generic.detail.DetailView",
    "django.views.generic.edit.UpdateView", "django.views.generic.edit.DeleteView",
)  # fmt: skip
_REST = words.any_of(
    r"(ModelViewSet|ReadOnlyModelViewSet)",
    r"Retrieve(Update)?(Destroy)?APIView|(Update|Destroy)APIView",
)
_OTHER_CHECKS = words.any_of(
    r"\w*(PermissionRequired|UserPassesTest|Staff|Admin|Superuser|Owner\w*|Own)\w*Mixin\w*",
    r"\w*Own(er|ed|s)?\w*",
)


def _texts(function: Function) -> Iterator[str]:
    for node in walk(function.node[5]):
        if node[0] == ir.CONST and type(node[3]) is str and 12 < len(node[3]) < 2000:
            yield node[3]


def _by_sql(project: Project) -> Iterator[Lack]:
    """`SELECT … WHERE id = ?` of a table whose rows other queries tie to whoever calls."""
    tied: dict[str, set[str]] | None = None
    for route in project.routes:
        if not is_authenticated(route) or for_administrators(route.function):
            continue
        sent = sent_names(route)
        calls = [one for one in walk(route.function.node[5]) if one[0] == ir.CALL]
        given = [(one, _values(one)) for one in calls]
        if is_tied(route.function) or any(
            any(is_sent(one, sent) for one in values) and any(is_caller(one) for one in values)
            for _, values in given
        ):
            continue
        for call, values in given:
            if not any(is_sent(one, sent) for one in values):
                continue
            found = _found(project.names, route.function, call)
            if found is None:
                continue
            tied = _tied(project) if tied is None else tied
            if found[0] in tied and found[1] not in tied[found[0]]:
                yield lack(
                    "missing-owner-check",
                    route.function,
                    f"May every caller see or change every row of `{found[0]}`?",
                    call,
                    Confidence.MEDIUM,
                )
                break


def _tied(project: Project) -> dict[str, set[str]]:
    return tied_tables(
        text
        for state in project.names.program.states.values()
        for function in project.names.functions(state)
        for text in _texts(function)
    )


def _values(call: Node) -> list[Node]:
    """What a call is given; what is in tuples and lists, too."""
    out: list[Node] = []
    for one in (*call[4], *(value for _, value in call[5])):
        out += list(one[4]) if one[0] == ir.SEQ else [one]
    return out


def _found(names: Names, function: Function, call: Node) -> tuple[str, str] | None:
    """The table in which a call finds a row by an identifier alone, and the column."""
    texts = [one[3] for one in call[4] if one[0] == ir.CONST and type(one[3]) is str]
    if not texts:
        callee = names.callee(function, call)
        texts = list(_texts(callee)) if callee is not None else []
    return next((found for text in texts if (found := by_identifier(text)) is not None), None)


def _views(project: Project) -> Iterator[Lack]:
    """Generic views of a model whose rows belong to somebody, of all of its rows."""
    names = project.names
    fields: frozenset[str] | None = None
    for state in names.program.states.values():
        for one in names.classes(state) if names.says(state, ("View", "ViewSet")) else ():
            rest = any(
                base.startswith("rest_framework.")
                and _REST.fullmatch(base.rpartition(".")[2]) is not None
                for base in one.bases
            )
            django = not rest and any(base in _DJANGO for base in one.bases)
            if not rest and not django:
                continue
            lineage = list(_lineage(names, one))
            if any(not _OWN_METHODS.isdisjoint(each.methods) for each in lineage):
                continue
            if django and not _signed_in(lineage):
                continue
            if rest and not _only_signed_in(project, lineage):
                continue
            model = _model(names, lineage)
            if model is None:
                continue
            fields = owner_fields(names) if fields is None else fields
            if has_owner(model, fields):
                node = one.node
                yield Lack(
                    "missing-owner-check", state.path, node[1], node[1] + 6 + len(one.name),
                    one.name, f"May every caller see or change every {model.name}?",
                    Confidence.MEDIUM,
                )  # fmt: skip


def _lineage(names: Names, one: Class, depth: int = 0) -> Iterator[Class]:
    yield one
    for base in one.bases if depth < 6 else ():
        path, colon, name = base.partition(":")
        state = names.program.states.get(path) if colon else None
        found = names.found(state, name) if state is not None else None
        if isinstance(found, Class) and found is not one:
            yield from _lineage(names, found, depth + 1)


def _bases(lineage: list[Class]) -> Iterator[str]:
    for one in lineage:
        for base in one.bases:
            yield base.rpartition(".")[2].rpartition(":")[2]


def _signed_in(lineage: list[Class]) -> bool:
    bases = list(_bases(lineage))
    return any(base == "LoginRequiredMixin" for base in bases) and not any(
        _OTHER_CHECKS.fullmatch(base) for base in bases
    )


def _only_signed_in(project: Project, lineage: list[Class]) -> bool:
    """Whether every signed-in caller is let in, and nothing more is asked."""
    for one in lineage:
        for node in one.node[7]:
            if node[0] != ir.ASSIGN or node[4] is None:
                continue
            named = [target[3] for target in node[3] if target[0] == ir.NAME]
            if "filter_backends" in named:
                return False
            if "permission_classes" in named:
                given = node[4][4] if node[4][0] == ir.SEQ else (node[4],)
                return bool(given) and all(last_name(each) == "IsAuthenticated" for each in given)
    return False


def _model(names: Names, lineage: list[Class]) -> Class | None:
    """The model of a view: `model = X`, or `queryset = X.objects.all()`."""
    for one in lineage:
        for node in one.node[7]:
            if node[0] != ir.ASSIGN or node[4] is None:
                continue
            named = [target[3] for target in node[3] if target[0] == ir.NAME]
            if "model" not in named and "queryset" not in named:
                continue
            value = node[4]
            while value[0] in (ir.ATTR, ir.CALL):
                if value[0] == ir.CALL and last_name(value[3]) not in (
                    "all", "order_by", "select_related", "prefetch_related", "get_queryset",
                ):  # fmt: skip
                    return None
                value = value[3]
            meaning = names.meaning(one.state, value)
            return meaning if isinstance(meaning, Class) else None
    return None


CHECKS = (_by_sql, _views)
