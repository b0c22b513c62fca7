"""Tells the story in the terminal while it happens, and keeps what became of each step."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TextIO

from headgate.cli.client import Client
from headgate.model.errors import CouldNotRun

FINAL = frozenset({"landed", "ejected", "denied", "abandoned"})
_MARKS = {"landed": "✓", "ejected": "✗", "denied": "✗", "waiting": "…", "ready": "…"}


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


@dataclass(slots=True)
class Step:
    """One step of the story: what should become of it, and what did."""

    name: str
    who: str
    what: str
    expected: str
    outcome: str = ""
    why: str = ""
    seconds: float = 0.0

    @property
    def as_told(self) -> bool:
        return self.outcome == self.expected


@dataclass(slots=True)
class Teller:
    """Prints as things happen; in JSON mode the human text goes to stderr."""

    output: Output
    steps: list[Step] = field(default_factory=list[Step])
    _shown: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])

    @property
    def stream(self) -> TextIO:
        return sys.stderr if self.output is Output.JSON else sys.stdout

    def say(self, text: str = "") -> None:
        print(text, file=self.stream, flush=True)

    def heading(self, text: str) -> None:
        self.say()
        self.say(self._bold(text))

    def record(
        self, name: str, who: str, what: str, expected: str, outcome: str, why: str, begun: float
    ) -> None:
        """Keep what became of a step; `begun` is a time of time.monotonic()."""
        step = Step(name, who, what, expected, outcome, why, time.monotonic() - begun)
        self.steps.append(step)
        if not step.as_told:
            self.say(f"  ! expected {expected!r}, but it was {outcome!r}: {why}")

    def follow(
        self, client: Client, numbers: list[int], until: frozenset[str], seconds: float = 120.0
    ) -> dict[int, dict[str, Any]]:
        """Show live what becomes of some changes until each is in one of some states.

        Raises CouldNotRun when that takes too long.
        """
        deadline = time.monotonic() + seconds
        while True:
            listed = client.get("/changes.json")["changes"]
            now = {c["number"]: c for c in listed if c["number"] in numbers}
            for number in numbers:
                self._show(now[number])
            if all(c["state"] in until for c in now.values()):
                return now
            if time.monotonic() > deadline:
                stuck = ", ".join(f"#{n} {c['state']} ({c['reason']})" for n, c in now.items())
                raise CouldNotRun(f"The story got stuck after {seconds:.0f} s: {stuck}.")
            time.sleep(0.15)

    def _show(self, change: dict[str, Any]) -> None:
        key = (str(change["state"]), str(change["reason"]))
        if self._shown.get(change["number"]) == key:
            return
        self._shown[change["number"]] = key
        mark = _MARKS.get(key[0], "·")
        reason = f": {key[1]}" if key[1] else ""
        self.say(f"  {mark} #{change['number']} {change['project']} is {key[0]}{reason}")

    def quote(self, said: str) -> None:
        """What a push said."""
        for line in said.splitlines():
            if line.strip():
                self.say(f"    remote: {line.strip()}")

    def table(self) -> None:
        """The summary: what, by whom, outcome, why."""
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(title="What became of it", title_justify="left", expand=False)
        for column in ("", "what", "by whom", "outcome", "why", "s"):
            table.add_column(column, overflow="fold")
        for step in self.steps:
            table.add_row(
                *(Text(t) for t in ("ok" if step.as_told else "NOT", step.what, step.who)),
                *(Text(t) for t in (step.outcome, step.why.split("\n")[0], f"{step.seconds:.1f}")),
            )
        console = Console(file=self.stream)
        if not console.is_terminal:
            console = Console(file=self.stream, width=160)
        console.print(table)

    def _bold(self, text: str) -> str:
        return f"\033[1m{text}\033[0m" if self.stream.isatty() else text


def print_object(value: dict[str, Any]) -> None:
    """The one JSON object of a headless run, on stdout."""
    print(json.dumps(value, indent=2), flush=True)
