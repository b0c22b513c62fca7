"""Takes secrets out of what is shown: what the secrets check hides is masked wherever it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from headgate.model.finding import Outcome
from headgate.scan.analyzers.interface import Analyzer, SourceFile
from headgate.scan.notes import masks, names_note
from headgate.scan.text import MASK, Text, decode, printable

_LEAST = 8
"""Characters of a secret from which it is also masked where only the text itself tells of it."""
_LONGEST = 400
"""Characters of a line that are shown."""


@dataclass(slots=True)
class Veil:
    """The texts of some files, and how their lines may be shown."""

    texts: dict[str, Text]
    problem: str = ""
    """Why nothing of them may be shown."""
    unnamed: frozenset[str] = frozenset()
    """Files in whose very names there is a secret."""
    literals: set[str] = field(default_factory=set[str], repr=False)

    def line(self, path: str, number: int) -> str:
        """A line, masked, and safe in any output; a long one is cut."""
        return self.clean(self.texts[path].shown(number))

    def clean(self, text: str) -> str:
        """Any text without the secrets of these files, on one line."""
        text = printable(self.mask(text).expandtabs(4).rstrip())
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… (cut)"

    def mask(self, text: str) -> str:
        """The text with every secret that is known so far masked."""
        for literal in self.literals:
            if literal in text:
                text = text.replace(literal, MASK * len(literal))
        return text

    def masked(self, path: str, number: int) -> bool:
        """Whether anything of the line is masked."""
        text = self.texts[path]
        shown = text.shown(number)
        return shown != text.line(number) or any(one in shown for one in self.literals)

    def joined(self, other: Veil) -> Veil:
        """With what the other one knows to be secret, too."""
        self.literals |= other.literals
        self.problem = self.problem or other.problem
        return self


def veiled(files: Sequence[SourceFile], tools: Sequence[Analyzer]) -> Veil:
    """What of these files may be shown. Where secrets cannot be looked for, nothing may."""
    looking = [tool for tool in tools if tool.check == "secrets"]
    veil = Veil({file.path: Text(decode(file.data)) for file in files})
    if not files:
        return veil
    if not looking:
        veil.problem = "no analyzer looks for secrets, so nothing may be shown"
        return veil
    note = names_note(file.path for file in files)
    veil.texts[note.path] = Text(decode(note.data))
    for tool in looking:
        found = tool.scan((*files, note))
        if found.outcome is not Outcome.PASSED or found.skipped:
            why = found.reason or "some files could not be searched"
            veil.problem = f"secrets could not be looked for, so nothing may be shown: {why}"
            return veil
        for span in found.hidden:
            text = veil.texts.get(span.path)
            if text is None:
                continue
            before = {n: text.shown(n) for n in range(span.line, max(span.end_line, span.line) + 1)}
            text.hide(span)
            for number, line in before.items():
                veil.literals |= _hidden(line, text.shown(number))
    hidden = masks(veil.texts.pop(note.path))
    veil.unnamed = frozenset(file.path for file in files if printable(file.path) in hidden)
    return veil


def _hidden(before: str, after: str) -> set[str]:
    """The texts that were masked in a line, those long enough to be told from other text."""
    found: set[str] = set()
    start = -1
    for at in range(len(before) + 1):
        differs = at < len(before) and before[at] != after[at]
        if differs and start < 0:
            start = at
        elif not differs and start >= 0:
            if at - start >= _LEAST:
                found.add(before[start:at])
            start = -1
    return found
