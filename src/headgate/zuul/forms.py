"""One job, as Zuul would run it on one branch, in the keys of headgate.toml."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from headgate.zuul.expressions import Irregular
from headgate.zuul.freeze import Frozen, Playbook, deep
from headgate.zuul.losses import Losses
from headgate.zuul.names import ProjectNames, plain, variable
from headgate.zuul.objects import Layout
from headgate.zuul.patterns import path_patterns
from headgate.zuul.reading import listed
from headgate.zuul.yaml_text import Block, Secret

Form = dict[str, Any]
"""Key of headgate.toml → value."""

TIMEOUT = 1800
"""Seconds: what Zuul gives to a job that does not say."""

_LONGEST = 86400
_TRIES = 3

ABSENT: Mapping[str, Any] = {
    "timeout": TIMEOUT,
    "voting": True,
    "files": [],
    "irrelevant-files": [],
    "required-projects": [],
    "needs": [],
    "after": [],
    "provides": [],
    "requires": [],
    "semaphores": [],
    "fail-on-output": [],
    "label": [],
    "nodes": {},
    "secrets": {},
    "env": {"ZUUL_JOB": "{}"},
    "pre": ["true"],
    "post": ["true"],
}
"""What a variant says when it goes back to what a job is without the key."""

_MESSAGES = "what is reported is written by Headgate"
_GUARD = "jobs are guarded by who may approve changes to headgate.toml, not one by one"
_LISTED: Mapping[str, tuple[Callable[[Any], bool], str, str]] = {
    "final": (bool, f"{_GUARD}.", "Name headgate.toml in a `critical` path class."),
    "protected": (bool, f"{_GUARD}.", "Name headgate.toml in a `critical` path class."),
    "intermediate": (bool, f"{_GUARD}.", "Nothing to do: the import has worked inheritance in."),
    "success-message": (bool, f"{_MESSAGES}.", "Nothing to do."),
    "failure-message": (bool, f"{_MESSAGES}.", "Nothing to do."),
    "success-url": (bool, f"{_MESSAGES}.", "Nothing to do: each run has its page."),
    "failure-url": (bool, f"{_MESSAGES}.", "Nothing to do: each run has its page."),
    "hold-following-changes": (bool, "no job holds back what is behind it.", "Nothing to do."),
    "match-on-config-updates": (
        lambda value: value is False,
        "a change to a job always runs it.",
        "Nothing to do.",
    ),
    "override-checkout": (bool, "projects are at the state that would land.", "Use a variant."),
    "override-branch": (bool, "projects are at the state that would land.", "Use a variant."),
    "workspace-scheme": (lambda value: value != "golang", "projects lie flat.", "Use zuul.*."),
    "workspace-checkout": (lambda value: value is False, "it is always done.", "Nothing to do."),
    "allowed-projects": (
        bool,
        "a job belongs to the project that runs it.",
        "Give secrets to projects by `headgate secret set`.",
    ),
    "deduplicate": (
        lambda value: value is False,
        "equal runs are told by content.",
        "Nothing to do.",
    ),
    "ansible-split-streams": (bool, "the log has one stream.", "Nothing to do."),
    "ansible-version": (bool, "the ansible-core that is installed runs.", "Install that one."),
    "attempts": (
        lambda value: value != _TRIES,
        f"what comes before the job proper is tried {_TRIES} times; `attempts` would also repeat "
        "failing tests.",
        "Set `attempts` by hand if that is wanted.",
    ),
}
_CARRIED = frozenset(
    {"voting", "timeout", "pre-timeout", "post-timeout", "files", "irrelevant-files"}
    | {"failure-output", "roles", "post-review"}
)
_BACKTRACKING = re.compile(r"\(\?(?:[=!>(]|<[=!]|P=)|\\[1-9]")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a job meets in the project that runs it."""

    project: str
    """As Zuul knows it."""
    names: ProjectNames
    layout: Layout
    losses: Losses
    playbook: Callable[[str, str], str]
    """(project, path as configured) → path of the file, which may have an extension more."""
    with_base: bool
    """Keep the playbooks of base jobs."""


def form_of(frozen: Frozen, around: Surroundings) -> Form | None:
    """The job without its dependencies; None, and reported, when there is nothing to run."""
    losses = around.losses
    shown = f"job {frozen.name}"
    if frozen.abstract:
        losses.lost(frozen.place, f"{shown}: abstract", "it is only a base, yet a project runs it.")
        return None
    _report(frozen, around)
    form: Form = {}
    beside: dict[str, None] = {}
    run = _kept(frozen.run, around, beside, shown)
    if not run:
        losses.lost(
            frozen.place,
            shown,
            "nothing that was read gives it a `run` playbook.",
            "Give the project that defines its parent as PATH too, or write `run` by hand.",
        )
        return None
    if any(path.startswith("../") for path in run):
        form["run"] = ["ansible-playbook", *run]
    else:
        form["ansible"] = run
    if pre := _kept(frozen.pre, around, beside, shown):
        form["pre"] = _one_after_the_other(pre)
    for playbook in frozen.cleanup:
        if not playbook.base or around.with_base:
            losses.differs(
                playbook.place,
                f"{shown}: cleanup-run",
                "it runs as the end of `post`, and not after a run that was cancelled.",
                "Nothing to do: the whole work area is removed after each run.",
            )
    if post := _kept([*frozen.post, *frozen.cleanup], around, beside, shown):
        form["post"] = _all_of_them(post)
    _times(frozen, form, losses)
    if frozen.value("voting") is False:
        form["voting"] = False
    _files(frozen, form, losses)
    _projects(frozen, around, beside)
    if beside:
        form["required-projects"] = list(beside)
    for key in ("provides", "requires", "semaphores"):
        if names := frozen.united.get(key):
            form[key] = [plain(name) for name in names]
    _nodes(frozen, form, losses)
    variables = dict(frozen.variables)
    if secrets := _secrets(frozen, around, variables):
        form["secrets"] = secrets
    _output(frozen, form, losses)
    if told := _told(frozen, variables, losses):
        form["env"] = {"ZUUL_JOB": told}
    return form


def _report(frozen: Frozen, around: Surroundings) -> None:
    for key, (value, place) in frozen.values.items():
        construct = frozen.shown(key)
        if key in _LISTED:
            counts, reason, instead = _LISTED[key]
            if counts(value):
                around.losses.lost(place, construct, reason, instead)
        elif key not in _CARRIED:
            around.losses.lost(
                place, construct, "this import does not know it.", "See whether the job needs it."
            )


def _kept(
    playbooks: Sequence[Playbook], around: Surroundings, beside: dict[str, None], shown: str
) -> list[str]:
    """Paths from the project's own checkout; other projects they lie in are added to `beside`."""
    found: list[str] = []
    for playbook in playbooks:
        if playbook.base and not around.with_base:
            around.losses.lost(
                playbook.place,
                f"base job: {playbook.path}",
                "base jobs make nodes ready and take logs away, which Headgate does itself.",
                "Import with --with-base when it does more than that.",
            )
            continue
        path = around.playbook(playbook.project, playbook.path)
        if playbook.project != around.project:
            name = around.names[playbook.project]
            beside[name] = None
            path = f"../{name}/{path}"
        if path.startswith("/") or ".." in path.removeprefix("../").split("/"):
            around.losses.lost(playbook.place, f"{shown}: {path}", "it leads out of its project.")
            continue
        found.append(path)
    return found


def _one_after_the_other(paths: Sequence[str]) -> list[str] | str:
    if len(paths) == 1:
        return ["ansible-playbook", *paths]
    return "".join(f"ansible-playbook {shlex.quote(path)}\n" for path in paths)


def _all_of_them(paths: Sequence[str]) -> list[str] | str:
    """As Zuul does: each is run, whatever those before it came to."""
    if len(paths) == 1:
        return ["ansible-playbook", *paths]
    lines = [f"ansible-playbook {shlex.quote(path)} || failed=1\n" for path in paths]
    return "".join(["failed=0\n", *lines, "exit $failed\n"])


def _times(frozen: Frozen, form: Form, losses: Losses) -> None:
    for key in ("timeout", "pre-timeout", "post-timeout"):
        if key not in frozen.values:
            continue
        value, place = frozen.values[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            losses.lost(place, frozen.shown(key), f"`{value}` is no number of seconds.")
            continue
        if value > _LONGEST:
            losses.differs(
                place, frozen.shown(key), "it is a day at most.", "Make the job shorter."
            )
        if not (key == "timeout" and value == TIMEOUT):
            form[key] = min(int(value), _LONGEST)
    # In Zuul `timeout` is for `pre-run` and `run` together, and `post-run` has its own default.
    if "post" in form and "post-timeout" not in form and form.get("timeout", TIMEOUT) != TIMEOUT:
        form["post-timeout"] = TIMEOUT


def _files(frozen: Frozen, form: Form, losses: Losses) -> None:
    for key in ("files", "irrelevant-files"):
        if key not in frozen.values:
            continue
        value, place = frozen.values[key]
        found: dict[str, None] = {}
        whole = True
        for one in listed(value):
            expression = str(one.get("regex", "")) if isinstance(one, Block) else str(one)
            negate = isinstance(one, Block) and one.get("negate") is True
            try:
                if negate:
                    raise Irregular("negate: patterns cannot be negated")
                found.update(dict.fromkeys(path_patterns(expression)))
            except Irregular as error:
                whole = False
                result = (
                    "it is left out, so the job runs for more changes"
                    if key != "files"
                    else "`files` is left out, so the job runs for every change"
                )
                losses.lost(
                    place,
                    f"{frozen.shown(key)}: {expression}",
                    f"no patterns say exactly the same: {error}; {result}.",
                    f"Write patterns into `{key}` by hand.",
                )
        if found and (whole or key != "files"):
            form[key] = list(found)


def _projects(frozen: Frozen, around: Surroundings, beside: dict[str, None]) -> None:
    losses = around.losses
    for name in frozen.required:
        if name in around.names:
            beside[around.names[name]] = None
    for one in (o for v in frozen.applied for o in listed(v.keys.get("required-projects"))):
        if isinstance(one, Block) and {"override-checkout", "override-branch"} & one.keys():
            place = frozen.required.get(str(one.get("name")), frozen.place)
            losses.lost(
                place,
                f"job {frozen.name}: required-projects: {one.get('name')}: override-checkout",
                "projects beside are at the state that would land, on the change's own branch.",
                "Nothing, or fetch that branch in the job.",
            )
    for variant in frozen.applied:
        for one in listed(variant.keys.get("roles")):
            place = variant.at("roles")
            role = str(one.get("zuul", "")) if isinstance(one, Block) else ""
            if role and role in around.names:
                beside[around.names[role]] = None
            else:
                losses.lost(
                    place,
                    f"job {variant.name}: roles",
                    "it is no project that Headgate has.",
                    "Put the roles into a project of its own and require it.",
                )
    beside.pop(around.names[around.project], None)


def _nodes(frozen: Frozen, form: Form, losses: Losses) -> None:
    nodeset = frozen.nodeset
    if nodeset is None:
        return
    shown = f"job {frozen.name}: nodeset {nodeset.name}".rstrip()
    if nodeset.alternatives < 0:
        losses.lost(
            nodeset.place,
            shown,
            "no nodeset of that name was read.",
            "Give the project that defines it as PATH too, or set `label` by hand.",
        )
        return
    if nodeset.alternatives:
        losses.differs(nodeset.place, shown, "of the alternatives only the first is carried.")
    labels = list(dict.fromkeys(plain(node.label) for node in nodeset.nodes))
    if labels:
        form["label"] = labels[0]
        form["nodes"] = {plain(node.name): plain(node.label) for node in nodeset.nodes}
    if len(nodeset.nodes) > 1:
        losses.lost(
            nodeset.place,
            shown,
            f"its {len(nodeset.nodes)} nodes are one machine: all hosts of the inventory are the "
            "job's own sandbox.",
            "Split the job, or let it start what the other nodes did.",
        )


def _secrets(
    frozen: Frozen, around: Surroundings, variables: dict[str, dict[str, Any]]
) -> dict[str, str]:
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


def _output(frozen: Frozen, form: Form, losses: Losses) -> None:
    if "failure-output" not in frozen.values:
        return
    value, place = frozen.values["failure-output"]
    kept: list[str] = []
    for one in (str(each) for each in listed(value)):
        try:
            re.compile(one)
        except re.error as error:
            losses.lost(place, f"{frozen.shown('failure-output')}: {one}", f"{error}.")
            continue
        if _BACKTRACKING.search(one):
            losses.lost(
                place,
                f"{frozen.shown('failure-output')}: {one}",
                "expressions that look around or back are not supported.",
                "Match the line itself in `fail-on-output`.",
            )
            continue
        kept.append(one)
    if kept:
        form["fail-on-output"] = kept


def _told(frozen: Frozen, variables: Mapping[str, Mapping[str, Any]], losses: Losses) -> str:
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
