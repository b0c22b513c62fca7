"""Nouns of the model as the JSON objects that the API answers with."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum, IntEnum
from typing import Any, cast

from headgate.model.change import Change
from headgate.model.package import PackageRequest
from headgate.model.principal import Principal
from headgate.model.purl import Package
from headgate.server.api.house import UseCases
from headgate.store.database import Transaction


def change_object(house: UseCases, change: Change) -> dict[str, Any]:
    """A change in short; `/changes/N.json` has all of it."""
    return {
        "number": change.number,
        "title": change.title,
        "state": change.state.value,
        "reason": change.reason,
        "revision": change.revision,
        "branch": change.branch,
        "url": f"{house.settings.url}/changes/{change.number}",
    }


def principal_object(principal: Principal, sponsor: Principal | None) -> dict[str, Any]:
    """A principal, its sponsor by name."""
    return {
        "name": principal.name,
        "kind": principal.kind.value,
        "display": principal.display,
        "email": principal.email,
        "sponsor": sponsor.name if sponsor else None,
        "disabled": principal.disabled,
    }


def request_object(tx: Transaction, one: PackageRequest) -> dict[str, Any]:
    """A request for a package, with the names of people and the project."""
    return {
        "id": one.id,
        "package": Package(one.ecosystem, one.name).purl,
        "project": tx.projects.get(one.project).name if one.project is not None else None,
        "change": one.change,
        "requested_by": tx.principals.get(one.requested_by).name,
        "reason": one.reason,
        "created": one.created,
        "state": one.state.value,
        "decided_by": tx.principals.get(one.decided_by).name if one.decided_by else None,
        "comment": one.comment,
        "decided": one.decided,
    }


def plain(value: Any) -> Any:
    """Any frozen value of the model as JSON: dataclasses by field, enums by word."""
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {str(key): plain(item) for key, item in items}
    if isinstance(value, tuple | list | frozenset | set):
        return [plain(item) for item in cast("tuple[Any, ...]", value)]
    return value
