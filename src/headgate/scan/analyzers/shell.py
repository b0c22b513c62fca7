"""Shell scripts."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.model.finding import Severity
from headgate.model.record import record
from headgate.scan.analyzers.interface import Analysis, SourceFile
from headgate.scan.infra.shell import Runs, judge_shell
from headgate.scan.infra.telling import LEAST, Teller, scan_each
from headgate.scan.late import late

_SHEBANG = late(rb"(?:\xef\xbb\xbf)?#![^\n]*\b(?:ba|da|k|z|a)?sh\b")
_ENDINGS = (".sh", ".bash", ".zsh", ".ksh", ".bats")


@record
class Shell:
    """Judges shell scripts, by their name or by their `#!`."""

    least: Severity = LEAST

    name = "shell"
    check = "source"

    def wants(self, path: str, start: bytes) -> bool:
        return path.endswith(_ENDINGS) or bool(_SHEBANG.match(start))

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        return scan_each(files, "shell", _judge, self.least)


def _judge(text: str, teller: Teller) -> None:
    judge_shell(text, teller, lambda row, column: (row + 1, column + 1), Runs.SCRIPT)
