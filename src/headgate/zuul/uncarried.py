"""Keys of Zuul's jobs that have no counterpart, each with the reason and what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headgate.zuul.freeze import Frozen
from headgate.zuul.surroundings import Surroundings

_TRIES = 3
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


def report_uncarried(frozen: Frozen, around: Surroundings) -> None:
    """Report every key of a job that is not carried over."""
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
