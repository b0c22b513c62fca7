"""What a change carries beside the contents of its files: commit messages and names.

They are searched for secrets as if they were files; labels in parentheses stand for their paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headgate.model.finding import CheckResult, Finding, Span, TraceStep
from headgate.model.record import replace
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.text import Text, printable
from headgate.scan.ways import each

_MESSAGE = "(message of commit "
_NAMES = "(names of files"

_REWORD = (
    "Reword the commit (`git commit --amend`, or `git rebase -i` for an older one), and replace "
    "it where it is valid: whoever has seen this text has it."
)
_RENAME = "Rename the file, and replace it where it is valid: whoever has seen this name has it."


def message_note(commit: str, message: str) -> SourceFile:
    """The message of a commit."""
    return SourceFile(f"{_MESSAGE}{commit[:10]})", message.encode("utf-8", "surrogateescape"))


def is_message(path: str) -> bool:
    """Whether this is the label of a commit message."""
    return path.startswith(_MESSAGE)


def names_note(paths: Iterable[str], commit: str = "") -> SourceFile:
    """The paths of files, one a line; those that a commit has for a time only."""
    label = f"{_NAMES} in commit {commit[:10]})" if commit else f"{_NAMES})"
    return SourceFile(label, "\n".join(printable(path) for path in paths).encode())


def is_names(path: str) -> bool:
    """Whether this is the label of a list of names."""
    return path.startswith(_NAMES)


def told(finding: Finding) -> Finding:
    """The finding in words that fit where it is, when that is a note."""
    path = finding.span.path
    if is_message(path):
        message = "A credential is in the message of this commit, and would land with it."
        return replace(finding, message=message, remedy=_REWORD)
    if is_names(path):
        message = "A credential is in the name of this file. Every reader of the tree has it."
        return replace(finding, message=message, remedy=_RENAME)
    return finding


def masks(text: Text) -> dict[str, str]:
    """Path as it is printed → masked, for the names in which something is hidden."""
    lines = enumerate(text.lines, 1)
    return {line: shown for number, line in lines if (shown := text.shown(number)) != line}


def masked(result: CheckResult, masks: Mapping[str, str]) -> CheckResult:
    """The result without the names that hold a secret."""
    if not masks:
        return result

    def path(path: str) -> str:
        return masks.get(printable(path), path)

    def text(text: str) -> str:
        for name, shown in masks.items():
            text = text.replace(name, shown)
        return text

    def entry(entry: str) -> str:
        name, separator, why = entry.rpartition(": ")
        return f"{path(name)}{separator}{why}"

    def step(step: TraceStep) -> TraceStep:
        return replace(step, span=replace(step.span, path=path(step.span.path)))

    findings = tuple(
        replace(
            finding,
            span=replace(finding.span, path=path(finding.span.path)),
            message=text(finding.message) if finding.ways else finding.message,
            trace=trace,
            ways=ways,
        )
        for finding in result.findings
        for trace, ways in (each(finding, step),)
    )
    return replace(
        result,
        findings=findings,
        reason=text(result.reason),
        skipped=tuple(entry(one) for one in result.skipped),
        reduced=tuple(entry(one) for one in result.reduced),
    )


def placed(finding: Finding, text: Text) -> Finding:
    """A finding in the list of names, at the file that has the name."""
    if not is_names(finding.span.path):
        return finding
    return replace(finding, span=Span(text.shown(finding.span.line), 1))
