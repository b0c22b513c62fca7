"""What makes a pipeline of Zuul run, and what it asks of a change, in the words of policy.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from headgate.zuul.losses import Losses, Place
from headgate.zuul.objects import Named
from headgate.zuul.reading import listed
from headgate.zuul.yaml_text import Block

_PUSH = frozenset(
    {"patchset-created", "pending-check", "change-restored", "wip-state-changed", "draft-published"}
)
_PULL = frozenset({"opened", "changed", "reopened", "ready_for_review"})
_PULL_REQUEST = frozenset({"pull_request", "pg_pull_request", "gl_merge_request"})
_REVIEW = frozenset({"pull_request_review", "pg_pull_request_review"})
_PUSHED = frozenset({"ref-updated", "push", "pg_push", "gl_push"})
_NEW_BRANCH = "refs/heads/"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_IS_SO = "a change is always open, and its newest revision is what counts"


@dataclass(slots=True)
class Asked:
    """What a pipeline waits for."""

    on: list[str] = field(default_factory=list[str])
    approvals: int = 0
    checks: list[str] = field(default_factory=list[str])
    """Pipelines that must have passed before."""

    def run_on(self, trigger: str) -> None:
        if trigger not in self.on:
            self.on.append(trigger)


def triggers_of(
    pipeline: Named, asked: Asked, pipelines: Mapping[str, Named], losses: Losses
) -> None:
    """Add the triggers of a pipeline, and the approvals and checks that some of them mean."""
    for source, events in _sources(pipeline, "trigger"):
        for event in listed(events):
            if isinstance(event, Block):
                _event(pipeline, source, event, asked, pipelines, losses)


def _event(
    pipeline: Named,
    source: str,
    event: Block,
    asked: Asked,
    pipelines: Mapping[str, Named],
    losses: Losses,
) -> None:
    place = Place(pipeline.place.file, event.line)
    shown = f"pipeline {pipeline.name}: trigger"
    known = {"event", "action", "comment", "ref", "approval", "time", "state", "unlabel"}
    if "time" in event:
        _timer(str(event["time"]), place, shown, asked, losses)
        return
    actions = [str(one) for one in listed(event.get("action"))]
    for name in (str(one) for one in listed(event.get("event"))):
        if name in _PUSH or (name in _PULL_REQUEST and (not actions or {*actions} & _PULL)):
            asked.run_on("push")
        if name == "comment-added" or (name in _PULL_REQUEST and "comment" in actions):
            _comment(pipeline, event, place, shown, asked, pipelines, losses)
        elif name in _REVIEW or (name in _PULL_REQUEST and {*actions} & {"approved", "review"}):
            asked.run_on("push")
            asked.approvals = max(asked.approvals, 1)
        elif name in _PUSHED:
            _pushed(event, place, shown, asked, losses)
        elif name == "change-merged" or (name in _PULL_REQUEST and "merged" in actions):
            asked.run_on("landed")
        elif name == "project-change-merged":
            asked.run_on("landed-elsewhere")
        elif name in _PULL_REQUEST and {*actions} <= (_PULL | {"comment"}):
            pass
        elif name in ("check_run", "pull_request_review_comment"):
            losses.lost(place, f"{shown}: {source} {name}", "a check is run again by `headgate`.")
        elif name not in _PUSH:
            what = " ".join((name, *actions))
            losses.lost(
                place,
                f"{shown}: {source} {what}",
                "Headgate has no such event.",
                "See `on` in the reference of policy.toml.",
            )
    for key in event:
        if key not in known:
            losses.lost(
                Place(pipeline.place.file, event.lines.get(key, event.line)),
                f"{shown}: {key}",
                "the event is taken without this condition.",
                "Restrict the pipeline by `branches`, `projects` or `require`.",
            )


def _comment(
    pipeline: Named,
    event: Block,
    place: Place,
    shown: str,
    asked: Asked,
    pipelines: Mapping[str, Named],
    losses: Losses,
) -> None:
    for text in (str(one) for one in listed(event.get("comment"))):
        try:
            re.compile(text)
        except re.error as error:
            losses.lost(place, f"{shown}: comment", f"`{text}` is no expression: {error}.")
            continue
        asked.run_on(f"comment:{text}")
    if "approval" in event:
        # Zuul waits for the vote; Headgate lets the change wait for the approval instead.
        asked.run_on("push")
        _approvals(pipeline, event, place, f"{shown}: approval", asked, pipelines, losses)
    elif not listed(event.get("comment")):
        losses.lost(
            place, f"{shown}: comment-added", "any comment would do.", 'Use "comment:REGEX".'
        )


def _pushed(event: Block, place: Place, shown: str, asked: Asked, losses: Losses) -> None:
    refs = [str(one) for one in listed(event.get("ref"))]
    if not refs:
        asked.run_on("landed")
        asked.run_on("tag")
    for ref in refs:
        bare = ref.lstrip("^")
        if bare.startswith("refs/tags/"):
            asked.run_on("tag")
            rest = bare.removeprefix("refs/tags/")
            if rest.rstrip("$") not in (".*", ".+", "", "(.*)"):
                losses.differs(
                    place, f"{shown}: ref: {ref}", "it runs on every tag.", "Tell them in the job."
                )
        elif bare.startswith(_NEW_BRANCH) or "heads" in bare:
            asked.run_on("landed")
            rest = bare.removeprefix(_NEW_BRANCH)
            if rest.rstrip("$") not in (".*", ".+", "", "(.*)"):
                losses.differs(
                    place,
                    f"{shown}: ref: {ref}",
                    "it runs for every branch.",
                    "Name them in the pipeline's `branches`.",
                )
        else:
            losses.lost(place, f"{shown}: ref: {ref}", "neither branches nor tags.")


def _timer(text: str, place: Place, shown: str, asked: Asked, losses: Losses) -> None:
    fields = text.split()
    if len(fields) < 5:
        losses.lost(place, f"{shown}: time: {text}", "it does not have the five fields of cron.")
        return
    if len(fields) > 5:
        losses.differs(
            place, f"{shown}: time: {text}", "seconds and jitter are left out.", "Nothing to do."
        )
    weekday = _weekday(fields[4])
    if weekday is None or not all(re.fullmatch(r"[\w*,/-]+", one) for one in fields[:5]):
        losses.lost(place, f"{shown}: time: {text}", "cron has no such field.", "Write it anew.")
        return
    if fields[2] != "*" and weekday != "*":
        losses.differs(
            place,
            f"{shown}: time: {text}",
            "with day and weekday both given, cron takes either, Zuul only both.",
            "Give one of them.",
        )
    asked.run_on(f"cron:{' '.join((*fields[:4], weekday))}")


def _weekday(text: str) -> str | None:
    """Zuul counts from Monday as 0, cron from Sunday; names mean the same in both."""
    if text == "*":
        return text
    days: list[str] = []
    for part in text.lower().split(","):
        match = re.fullmatch(r"(\d|[a-z]{3})(?:-(\d|[a-z]{3}))?", part)
        if match is None:
            return None
        named = [_WEEKDAYS[int(d)] if d.isdecimal() and int(d) < 7 else d for d in match.groups("")]
        if any(day and day not in _WEEKDAYS for day in named):
            return None
        first = _WEEKDAYS.index(named[0])
        last = _WEEKDAYS.index(named[1] or named[0])
        if last < first:
            return None
        days += _WEEKDAYS[first : last + 1]
    return ",".join(dict.fromkeys(days))


# -- require ---------------------------------------------------------------------------------


def requirements_of(
    pipeline: Named, asked: Asked, pipelines: Mapping[str, Named], losses: Losses
) -> None:
    """Add what `require` asks for; say what of `require` and `reject` is left out."""
    for source, wanted in _sources(pipeline, "require"):
        for one in (each for each in listed(wanted) if isinstance(each, Block)):
            _required(pipeline, source, one, asked, pipelines, losses)
    for source, wanted in _sources(pipeline, "reject"):
        place = pipeline.at("reject")
        what = ", ".join(wanted) if isinstance(wanted, Block) else source
        losses.lost(
            place,
            f"pipeline {pipeline.name}: reject: {source}: {what}",
            "there is nothing that keeps a change out but what is asked of it.",
            "Forbid it in permissions.cedar.",
        )


def _required(
    pipeline: Named,
    source: str,
    one: Block,
    asked: Asked,
    pipelines: Mapping[str, Named],
    losses: Losses,
) -> None:
    for key, value in one.items():
        place = Place(pipeline.place.file, one.lines.get(key, one.line))
        shown = f"pipeline {pipeline.name}: require: {source}: {key}"
        match key:
            case "open" | "current-patchset" | "draft" | "wip" | "merged":
                if key in ("open", "current-patchset") and value is False:
                    losses.lost(place, shown, f"{_IS_SO}.", 'Use on = ["landed"].')
            case "approval":
                _approvals(pipeline, one, place, shown, asked, pipelines, losses)
            case "review":
                reviews = [r for r in listed(value) if isinstance(r, Block)]
                if any(str(r.get("type")) == "approved" for r in reviews):
                    asked.approvals = max(asked.approvals, 1)
                for review in reviews:
                    if {"permission", "username", "email"} & review.keys():
                        losses.differs(
                            place,
                            shown,
                            "who may approve is told in permissions.cedar and [[approvals]].",
                            "Name a group there.",
                        )
            case "status" if source_checks := _statuses(value, pipelines):
                asked.checks += [c for c in source_checks if c not in asked.checks]
            case _:
                losses.lost(
                    place,
                    shown,
                    "it is not asked for.",
                    "Ask for approvals, checks or an age instead.",
                )


def _statuses(value: Any, pipelines: Mapping[str, Named]) -> list[str]:
    """Statuses are USER:CONTEXT:VALUE, and Zuul's context ends with the pipeline's name."""
    found: list[str] = []
    for text in (str(one) for one in listed(value)):
        parts = text.strip("^$").split(":")
        name = parts[1].rpartition("/")[2] if len(parts) == 3 else ""
        if name not in pipelines or parts[2] != "success":
            return []
        found.append(name)
    return found


def _approvals(
    pipeline: Named,
    holder: Block,
    place: Place,
    shown: str,
    asked: Asked,
    pipelines: Mapping[str, Named],
    losses: Losses,
) -> None:
    for one in (each for each in listed(holder.get("approval")) if isinstance(each, Block)):
        for label, votes in one.items():
            if label in ("username", "email", "older-than", "newer-than", "email-filter"):
                continue
            wanted = [v for v in listed(votes) if isinstance(v, int)]
            if not wanted or max(wanted) <= 0:
                losses.lost(place, f"{shown}: {label} {votes}", "there are no votes against.")
                continue
            by_zuul = [
                name
                for name, other in pipelines.items()
                if name != pipeline.name and _votes(other, label) in wanted
            ]
            if by_zuul and (label == "Verified" or "username" in one):
                asked.checks += [n for n in by_zuul if n not in asked.checks]
                continue
            asked.approvals = max(asked.approvals, 1)
            if label not in ("Workflow", "Code-Review", "Approved"):
                losses.differs(
                    place,
                    f"{shown}: {label}",
                    "approvals have no labels: any one counts.",
                    "Write an [[approvals]] rule that names the group.",
                )


def _votes(pipeline: Named, label: str) -> int | None:
    """What a pipeline votes when it has passed."""
    for _, said in _sources(pipeline, "success"):
        if isinstance(said, Mapping):
            vote = cast("Mapping[str, object]", said).get(label)
            if isinstance(vote, int):
                return vote
    return None


def _sources(pipeline: Named, key: str) -> Iterator[tuple[str, Any]]:
    value = pipeline.keys.get(key)
    if isinstance(value, Block):
        yield from value.items()
