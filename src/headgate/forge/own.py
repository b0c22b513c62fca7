"""Headgate's own git server as a forge: `refs/for/BRANCH[/TOPIC]` and push options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from urllib.parse import urlsplit

from headgate.forge.interface import DependsOn, Proposal
from headgate.model.change import Entry
from headgate.model.errors import BadInput
from headgate.model.ids import ChangeNumber, Commit
from headgate.model.report import Status
from headgate.vcs.notes import read_note, write_note
from headgate.vcs.repository import Repository

PREFIX = "refs/for/"
NOTES = "refs/notes/headgate"
TOPIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,99}\Z")
_FOOTER = re.compile(r"^depends-on:[ \t]*(?P<what>.*?)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_NUMBER = re.compile(r"#?(?P<number>[0-9]{1,9})\Z")
_PATH = re.compile(r"/changes/(?P<number>[0-9]{1,9})/?\Z")
LONGEST_ADDRESS = 500
"""Characters of an address that a footer may name."""

KNOWN_OPTIONS = ("topic", "change", "hold", "tool", "model", "session", "prompter", "origin")


class OwnForge:
    """Changes that arrive by `git push` to this server."""

    name = "own"

    def __init__(self, url: str) -> None:
        """`url` is the address of the pages; a `Depends-On:` to another host is external."""
        self._host = urlsplit(url).netloc

    def proposal(
        self, project: str, ref: str, head: Commit, options: Sequence[str], branches: Sequence[str]
    ) -> Proposal:
        """Read a ref below refs/for/; the longest existing branch wins, the rest is the topic."""
        if not ref.startswith(PREFIX) or ref == PREFIX:
            raise BadInput(f"{ref} is not a place for changes.", "Push to refs/for/BRANCH.")
        target = ref.removeprefix(PREFIX)
        branch = max(
            (b for b in branches if target == b or target.startswith(b + "/")), key=len, default=""
        )
        if not branch:
            near = get_close_matches(target.split("/")[0], branches, n=1)
            hint = f"Did you mean refs/for/{near[0]}?" if near else _name_some(branches)
            raise BadInput(f"Project {project} has no branch for {ref}.", hint)
        given = _read_options(options)
        topic = target[len(branch) + 1 :]
        if "topic" in given:
            if topic and topic != given["topic"]:
                raise BadInput(
                    f"The ref names the topic {topic!r} and the push option {given['topic']!r}.",
                    "Give the topic once.",
                )
            topic = given["topic"]
        if topic and not TOPIC.match(topic):
            raise BadInput(
                f"The topic {topic!r} is not usable.",
                "Use up to 100 letters, digits and . _ / + -, beginning with a letter or digit.",
            )
        return Proposal(
            project=project,
            branch=branch,
            topic=topic,
            change=_change(given.get("change")),
            head=head,
            options=tuple(options),
            entry=Entry.HELD if "hold" in given else Entry.AUTOMATIC,
        )

    def depends_on(self, message: str) -> tuple[DependsOn, ...]:
        """Footers such as `Depends-On: #12`, `Depends-On: http://HOST/changes/12`, or with the
        address of something on another server."""
        found = dict.fromkeys(match["what"] for match in _FOOTER.finditer(message))
        return tuple(self._resolve(text) for text in found)

    async def report(self, repository: Repository, status: Status) -> None:
        """A note on the commit under `refs/notes/headgate`: one line for each context."""
        start = f"{status.context}: "
        before = await read_note(repository, NOTES, status.commit)
        lines = [line for line in before.splitlines() if line and not line.startswith(start)]
        words = " ".join(status.description.split())
        lines.append(f"{start}{status.state.value} ({words}) {status.url}")
        text = "".join(f"{line}\n" for line in sorted(lines))
        if text != before:
            await write_note(repository, NOTES, status.commit, text)

    def _resolve(self, text: str) -> DependsOn:
        if match := _NUMBER.match(text):
            return DependsOn(text, ChangeNumber(int(match["number"])))
        try:
            address = urlsplit(text)
            host = address.hostname
        except ValueError:
            return DependsOn(text, None)
        if address.scheme not in ("http", "https") or not host or len(text) > LONGEST_ADDRESS:
            return DependsOn(text, None)
        if address.netloc != self._host:
            return DependsOn(text, None, external=True)
        match = _PATH.search(address.path)
        return DependsOn(text, ChangeNumber(int(match["number"])) if match else None)


def _read_options(options: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for option in options:
        key, _, value = option.partition("=")
        if key not in KNOWN_OPTIONS:
            near = get_close_matches(key, KNOWN_OPTIONS, n=1)
            hint = f"Did you mean {near[0]}?" if near else "Known: " + ", ".join(KNOWN_OPTIONS)
            raise BadInput(f"The push option {option!r} is not known.", hint)
        given[key] = value
    return given


def _change(value: str | None) -> ChangeNumber | None:
    if value is None:
        return None
    match = _NUMBER.match(value)
    if not match:
        raise BadInput(f"The push option change={value} names no change.", "Give its number.")
    return ChangeNumber(int(match["number"]))


def _name_some(branches: Sequence[str]) -> str:
    if not branches:
        return "It has no branch at all."
    return "Its branches: " + ", ".join(sorted(branches)[:8]) + "."
