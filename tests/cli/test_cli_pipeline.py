"""`headgate pipeline`, and what people do with a change that waits in a queue."""

from __future__ import annotations

from pathlib import Path

from cli_support import Say
from test_cli_server import DEFAULTS

PIPELINES = """
[pipelines.check]
manager = "independent"
on = ["push"]
projects = ["*"]
require = {approvals = 2, age = "1h"}

[pipelines.gate]
manager = "dependent"
projects = ["app"]

[pipelines.nightly]
manager = "supercedent"
on = ["cron:0 3 * * *"]
projects = ["app"]
branches = ["main"]
jobs = ["slow"]
report = []
"""


def test_pipelines_are_listed_and_shown(operator: Say, tmp_path: Path) -> None:
    assert "no pipelines" in operator("pipeline", "list").out
    for name, text in DEFAULTS.items():
        (tmp_path / name).write_text(text + (PIPELINES if name == "policy.toml" else ""))
    operator("policy", "import", tmp_path, "--reason", "a test")
    listed = operator("pipeline", "list").out.splitlines()
    assert listed[0].split() == ["PIPELINE", "MANAGER", "ON", "LAST", "RUN"]
    assert listed[2].endswith("see `headgate queue`")
    assert listed[3].split() == ["nightly", "supercedent", "cron:0", "3", "*", "*", "*", "never"]
    shown = operator("pipeline", "show", "check").out
    assert "requires  2 approvals, age 3600 s" in shown
    assert "jobs      those that name it" in shown
    assert "the futures of the queues" in operator("pipeline", "show", "gate").out
    shown = operator("pipeline", "show", "nightly").out
    assert "It has not run yet." in shown
    assert "branches  main" in shown
    assert "reports   nowhere" in shown
    answer = operator("pipeline", "show", "nightly", "--json").object
    assert answer["pipeline"]["jobs"] == ["slow"]
    assert answer["runs"] == []
    missing = operator("pipeline", "show", "nightly", "--run", "7", code=2).err
    assert "Run 7 is not among the newest runs of the pipeline nightly. See" in missing
    assert "There is no pipeline none" in operator("pipeline", "show", "none", code=2).err


def test_what_is_in_no_queue_is_not_acted_on(operator: Say) -> None:
    for action in ("promote", "dequeue", "hold", "release"):
        assert "There is no change #99" in operator("queue", action, "99", code=2).err
    assert "There is no change #99" in operator("change", "comment", "99", "hello", code=2).err
