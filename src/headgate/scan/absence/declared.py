"""Absences that packs declare: what entries of some kind have to have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headgate.scan.absence.lacks import Lack, Project, lack
from headgate.scan.absence.names import last_name, walk
from headgate.scan.absence.routes import Route
from headgate.scan.ir import nodes as ir
from headgate.scan.packs.schema import Absence, Requirement


def declared(project: Project) -> Iterator[Lack]:
    """What the packs' `absences` ask for and a route does not have."""
    for rule in project.names.rules.absences:
        by_file: dict[str, list[Route]] = {}
        for route in project.routes:
            if _concerns(project, rule, route):
                by_file.setdefault(route.path, []).append(route)
        for routes in by_file.values():
            having = [route for route in routes if _has_any(project, rule.require_any, route)]
            for route in routes:
                if route in having:
                    continue
                others = len(routes) - 1
                if rule.siblings and not (len(having) >= 2 and len(having) * 2 >= others):
                    continue
                yield lack(rule.kind, route.function, rule.question, confidence=rule.confidence)


def _concerns(project: Project, rule: Absence, route: Route) -> bool:
    if rule.methods and route.methods.isdisjoint(rule.methods):
        return False
    if rule.path and not re.search(rule.path, route.where, re.IGNORECASE):
        return False
    if rule.unless_path and re.search(rule.unless_path, route.where, re.IGNORECASE):
        return False
    if rule.parameters == "from-path" and not route.parameters:
        return False
    return not rule.where or _has_any(project, rule.where, route)


def _has_any(project: Project, wanted: tuple[Requirement, ...], route: Route) -> bool:
    return any(_has(project, one, route) for one in wanted)


def _has(project: Project, wanted: Requirement, route: Route) -> bool:
    names, function = project.names, route.function
    if wanted.mentions:
        return route.facts.has(re.compile(wanted.mentions, re.IGNORECASE))
    if wanted.decorator:
        given = [names.canonical(function.state, _plain(one)) for one in function.node[6]]
        return any(names.matches(one, wanted.decorator) for one in given if one)
    if wanted.call or wanted.attr:
        for one in route.facts.functions:
            for node in walk(one.node[5]):
                if node[0] == (ir.CALL if wanted.call else ir.ATTR):
                    target = node[3] if wanted.call else node
                    found = names.canonical(one.state, target)
                    if found and names.matches(found, wanted.call or wanted.attr):
                        return True
        return False
    if wanted.parameter:
        tails = {one.rpartition(".")[2] for one in wanted.parameter}
        return any(
            last_name(inner) in tails
            for parameter in function.node[4]
            for part in (parameter[4], parameter[5])
            if part is not None
            for inner in walk(part)
            if inner[0] in (ir.NAME, ir.ATTR, ir.CALL)
        )
    if wanted.base:
        return function.owner is not None and names.derives(function.owner, wanted.base)
    tails = {one.rpartition(".")[2] for one in wanted.app}
    return not tails.isdisjoint(project.mentions)


def _plain(decorator: tuple[object, ...]) -> tuple[object, ...]:
    return decorator[3] if decorator[0] == ir.CALL else decorator  # type: ignore[return-value]


CHECKS = (declared,)
