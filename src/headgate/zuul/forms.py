"""One job, as Zuul would run it on one branch, in the keys of headgate.toml."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.zuul.expressions import Irregular
from headgate.zuul.freeze import Frozen, Playbook
from headgate.zuul.given import secrets_of, told_of
from headgate.zuul.losses import Losses
from headgate.zuul.names import plain
from headgate.zuul.patterns import path_patterns
from headgate.zuul.reading import listed
from headgate.zuul.surroundings import Surroundings
from headgate.zuul.uncarried import report_uncarried
from headgate.zuul.yaml_text import Block

Form = dict[str, Any]
"""Key of headgate.toml → value."""

TIMEOUT = 1800
"""Seconds: what Zuul gives to a job that does not say."""

_LONGEST = 86400

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

_BACKTRACKING = re.compile(r"\(\?(?:[=!>(]|<[=!]|P=)|\\[1-9]")


def form_of(frozen: Frozen, around: Surroundings) -> Form | None:
    """The job without its dependencies; None, and reported, when there is nothing to run."""
    losses = around.losses
    shown = f"job {frozen.name}"
    if frozen.abstract:
        losses.lost(frozen.place, f"{shown}: abstract", "it is only a base, yet a project runs it.")
        return None
    report_uncarried(frozen, around)
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
    if secrets := secrets_of(frozen, around, variables):
        form["secrets"] = secrets
    _output(frozen, form, losses)
    if told := told_of(frozen, variables, losses):
        form["env"] = {"ZUUL_JOB": told}
    return form


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
