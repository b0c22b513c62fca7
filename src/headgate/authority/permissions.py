"""Permissions: Cedar decides, and whatever goes wrong while deciding is a denial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any, Protocol, cast

import cedarpy

from headgate.authority.cedar_text import Statement, statements
from headgate.model.errors import BadInput
from headgate.model.principal import Principal, PrincipalKind

FILE = "permissions.cedar"


class _Evaluate(Protocol):
    """`cedarpy.is_authorized`, whose own types leave its dictionaries open."""

    def __call__(
        self,
        request: dict[str, Any],
        policies: cedarpy.PolicySet,
        entities: list[dict[str, Any]],
        *,
        schema: cedarpy.Schema,
    ) -> cedarpy.AuthzResult: ...


class _Validate(Protocol):
    """`cedarpy.validate_policies`, likewise."""

    def __call__(self, policies: str, schema: str) -> cedarpy.ValidationResult: ...


_evaluate = cast("_Evaluate", cedarpy.is_authorized)  # pyright: ignore[reportUnknownMemberType]
_validate = cast("_Validate", cedarpy.validate_policies)  # pyright: ignore[reportUnknownMemberType]


class Action(StrEnum):
    """What a principal may do; the value says it in words, Cedar knows it by `cedar_id`."""

    READ = "read"
    PUSH = "push"
    """To refs/for/BRANCH."""
    PUSH_OWN_REF = "push to a ref of its own"
    ENQUEUE = "enqueue"
    HOLD = "hold"
    ABANDON = "abandon"
    APPROVE = "approve"
    COMMENT = "comment"
    PROMOTE = "promote"
    """Put a change before others that came earlier."""
    TAG = "push a tag"
    """To refs/tags/NAME, of what has landed."""
    ADMINISTER = "administer"
    """Projects, principals, tokens, environments, queues, the policy."""
    READ_AUDIT = "read the audit log"

    @property
    def cedar_id(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Resource:
    """What is acted on; leave empty what does not apply."""

    project: str = ""
    change: int = 0
    owner: str = ""
    """Name of the change's owner."""
    sponsor: str = ""
    """Name of the sponsor, when the owner is an agent."""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is permitted, and by what."""

    allowed: bool
    policies: tuple[str, ...]
    """Identifiers of the policies that decided; none when nothing permits it."""
    reason: str
    """For a denial, a sentence with what to do; empty when allowed."""


_TYPES: Mapping[PrincipalKind, str] = {
    PrincipalKind.HUMAN: "Human",
    PrincipalKind.AGENT: "Agent",
    PrincipalKind.SERVICE: "Service",
}

_OWN_REFS: Mapping[PrincipalKind, str] = {
    PrincipalKind.HUMAN: "refs/users/",
    PrincipalKind.AGENT: "refs/agents/",
}

_MANAGING = (
    "Only its owner, the owner's sponsor, and members of the groups maintainers and admins may."
)
_WHO: Mapping[Action, str] = {
    Action.ENQUEUE: _MANAGING,
    Action.HOLD: _MANAGING,
    Action.ABANDON: _MANAGING,
    Action.PROMOTE: "Only members of the groups maintainers and admins, and the operator, promote.",
    Action.TAG: "Only members of the groups maintainers and admins push tags.",
    Action.ADMINISTER: "Only members of the group admins, and whoever owns the data directory, "
    "administer.",
    Action.READ_AUDIT: "Only humans and whoever owns the data directory read the audit log.",
}


class Permissions:
    """The shipped permissions with those of an organisation, parsed once and never changed."""

    def __init__(self, cedar: str = "") -> None:
        """Raises BadInput naming the line when `cedar`, the text of the organisation's
        permissions.cedar, cannot be parsed or does not fit the schema."""
        schema = _packaged("permissions.cedarschema")
        shipped = statements(_packaged(FILE))
        own = statements(cedar)
        places = [*((s, "") for s in shipped), *((s, f"{FILE}:{s.line}") for s in own)]
        self._names: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        for index, (statement, place) in enumerate(places):
            annotations = _checked(statement, place or FILE, schema)
            self._names[f"policy{index}"] = annotations.get("id") or place
            self._reasons[f"policy{index}"] = annotations.get("reason", "")
        self._policies = cedarpy.PolicySet.from_str("\n".join(s.text for s, _ in places))
        self._schema = cedarpy.Schema.from_str(schema)

    def decide(
        self, principal: Principal, groups: frozenset[str], action: Action, resource: Resource
    ) -> Decision:
        """Whether the principal may do this. Never raises: what cannot be decided is denied."""
        request, entities = _question(principal, groups, action, resource)
        try:
            answer = _evaluate(request, self._policies, entities, schema=self._schema)
        except (ValueError, TypeError) as error:
            return _undecided(str(error))
        diagnostics = answer.diagnostics
        # Cedar leaves out a policy that meets an error: a `forbid` would silently not count.
        if diagnostics.errors:
            return _undecided(diagnostics.errors[0])
        ids = sorted(diagnostics.reasons)
        names = tuple(self._names.get(one, one) for one in ids)
        if answer.decision is cedarpy.Decision.Allow:
            return Decision(True, names, "")
        if answer.decision is not cedarpy.Decision.Deny:
            return _undecided("there was no decision")
        return Decision(False, names, self._why(ids, names, action))

    def _why(self, ids: list[str], names: tuple[str, ...], action: Action) -> str:
        given = [self._reasons[one] for one in ids if self._reasons.get(one)]
        if given:
            return " ".join(dict.fromkeys(given))
        if names:
            return f"The permission rule {', '.join(names)} forbids it."
        return _WHO.get(action, "No permission rule allows it.")


def _question(
    principal: Principal, groups: frozenset[str], action: Action, resource: Resource
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kind = _TYPES[principal.kind]
    own = _OWN_REFS.get(principal.kind, "")
    who = {"type": kind, "id": principal.name}
    what = {"type": "Target", "id": "target"}
    request: dict[str, Any] = {
        "principal": who,
        "action": {"type": "Action", "id": action.cedar_id},
        "resource": what,
        "context": {},
    }
    target = {
        "project": resource.project,
        "change": resource.change,
        "owner": resource.owner,
        "sponsor": resource.sponsor,
        # Cedar knows only Unicode: bytes of a ref that are not UTF-8 are replaced.
        "ref": resource.ref.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        "own": bool(own) and resource.ref.startswith(f"{own}{principal.name}/"),
    }
    entities: list[dict[str, Any]] = [
        {
            "uid": who,
            "attrs": {"name": principal.name, "disabled": principal.disabled},
            "parents": [{"type": "Group", "id": group} for group in groups],
        },
        {"uid": what, "attrs": target, "parents": []},
    ]
    return request, entities


def _undecided(why: str) -> Decision:
    return Decision(
        False,
        (),
        f"The permissions could not be evaluated ({why.strip().rstrip('.')}), so nothing is "
        f"permitted. Mend {FILE} of the policy project.",
    )


def _checked(statement: Statement, place: str, schema: str) -> Mapping[str, str]:
    """The annotations of a policy. Raises BadInput unless it is one, and fits the schema."""
    try:
        parsed = cedarpy.policies_to_pst(statement.text)
    except ValueError as error:
        raise BadInput(
            f"{place}: this is not a Cedar policy: {str(error).rstrip('.')}.",
            "See https://docs.cedarpolicy.com for the syntax.",
        ) from None
    if parsed.templates or len(parsed.static_policies) != 1:
        raise BadInput(
            f"{place}: this is not one whole policy: nothing fills the slots of a template.",
            "Name the principal or resource instead of ?principal or ?resource.",
        )
    result = _validate(statement.text, schema)
    if not result.validation_passed:
        why = "; ".join(e.error.removeprefix("for policy `policy0`, ") for e in result.errors)
        raise BadInput(
            f"{place}: this policy does not fit the schema: {why}.",
            "The reference of permissions lists the principals, actions and attributes.",
        )
    (policy,) = parsed.static_policies.values()
    return policy.annotations


def _packaged(name: str) -> str:
    return resources.files("headgate.authority").joinpath(name).read_text(encoding="utf-8")
