"""What the playbooks of a job are given: secrets, and variables in which these are looked up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from headgate.zuul.freeze import Frozen, deep
from headgate.zuul.losses import Losses
from headgate.zuul.names import plain, variable
from headgate.zuul.surroundings import Surroundings
from headgate.zuul.yaml_text import Block, Secret


def secrets_of(
    frozen: Frozen, around: Surroundings, variables: dict[str, dict[str, Any]]
) -> dict[str, str]:
    """Variable of the environment → name of the secret; `variables` are told where to look."""
    found: dict[str, str] = {}
    for name, secret in frozen.secrets.items():
        held = around.layout.secrets.get(secret)
        if held is None:
            around.losses.lost(
                frozen.place,
                f"job {frozen.name}: secret {secret}",
                "no secret of that name was read.",
                "Give the project that defines it as PATH too.",
            )
            continue
        data = held.keys.get("data")
        told: dict[str, Any] = {}
        for key, value in (data if isinstance(data, Block) else Block()).items():
            sealed = isinstance(value, Secret) or (
                isinstance(value, list)
                and any(isinstance(one, Secret) for one in cast("list[object]", value))
            )
            if not sealed:
                told[key] = value
                continue
            environment = variable("ZUUL", name, key)
            stored = plain(f"{secret}.{key}")
            found[environment] = stored
            told[key] = f"{{{{ lookup('ansible.builtin.env', '{environment}') }}}}"
            project = around.names[around.project]
            around.losses.lost(
                held.place,
                f"secret {secret}: {key} (for {project})",
                "only the key of the Zuul that it was written for opens it.",
                f"Run `headgate secret set {project} {stored}`.",
            )
        variables["vars"] = deep(variables.get("vars", {}), {name: told})
    return found


def told_of(frozen: Frozen, variables: Mapping[str, Mapping[str, Any]], losses: Losses) -> str:
    """What the playbooks are told beside `zuul`, as JSON."""
    told: dict[str, Any] = {key: value for key, value in variables.items() if value}
    if frozen.nodeset is not None and frozen.nodeset.groups:
        told["groups"] = {name: list(nodes) for name, nodes in frozen.nodeset.groups.items()}
    if tags := frozen.united.get("tags"):
        told["tags"] = tags
    if not told:
        return ""
    return json.dumps(told, indent=2, ensure_ascii=False, default=_as_text)


def _as_text(value: object) -> object:
    """Dates, which YAML knows and JSON does not; and what is sealed."""
    if isinstance(value, Secret):
        return None
    return str(value)
