"""Terraform and OpenTofu."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headgate.model.finding import Severity
from headgate.model.record import record
from headgate.scan.analyzers.interface import Analysis, SourceFile
from headgate.scan.infra.cloud_aws import AWS
from headgate.scan.infra.cloud_others import OTHERS
from headgate.scan.infra.hcl import Block, read_hcl
from headgate.scan.infra.shell import Runs, judge_shell
from headgate.scan.infra.telling import LEAST, Teller, scan_each

_JUDGES: dict[str, Callable[[Block, Teller], None]] = {**AWS, **OTHERS}
_SCRIPTS = ("user_data", "startup_script", "metadata_startup_script", "custom_data")


@record
class Terraform:
    """Judges what resources open to the network, and who may do what with them."""

    least: Severity = LEAST

    name = "terraform"
    check = "source"

    def wants(self, path: str, start: bytes) -> bool:
        return path.endswith((".tf", ".tofu"))

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        return scan_each(files, "terraform", _judge, self.least)


def _judge(text: str, teller: Teller) -> None:
    for block in read_hcl(text):
        if block.kind == "module":
            _module(block, teller)
        elif block.kind in ("resource", "data") and block.labels:
            judge = _JUDGES.get(block.labels[0])
            if judge is not None:
                judge(block, teller)
            for name in _SCRIPTS:
                _script(block, name, teller)


def _script(block: Block, name: str, teller: Teller) -> None:
    value = block.get(name)
    if value is not None and value.rows > 0:
        first = value.rows
        judge_shell(value.text, teller, lambda row, column: (first + row, column + 1), Runs.BUILD)


def _module(block: Block, teller: Teller) -> None:
    source = block.get("source")
    if source is None or not isinstance(source.constant, str):
        return
    if source.constant.startswith(("http://", "git::http://")):
        teller.say("module-in-clear", source.span)
    elif (
        source.constant.startswith(("git::", "github.com/", "git@"))
        and "ref=" not in source.constant
    ):
        teller.say("unpinned-module", source.span)
