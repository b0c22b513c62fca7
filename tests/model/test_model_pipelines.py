"""`[pipelines.NAME]`: what a full one means, and how each mistake is told."""

from __future__ import annotations

import pytest

from headgate.model.config import NewRevision
from headgate.model.errors import BadInput
from headgate.model.pipeline import (
    Entrance,
    Manager,
    PipelinePolicy,
    Precedence,
    Report,
    Trigger,
    TriggerKind,
)
from headgate.model.toml.policy_file import parse_policy

FULL = """\
[queues.main]
projects = ["jinja"]
branches = ["main"]
new-revision = "finish"

[pipelines.check]
manager = "independent"
on = ["push", "comment:^recheck$"]
projects = ["*"]
branches = ["main", "release/*"]
jobs = ["tests"]
require = {approvals = 1, age = "1h"}
report = ["message"]
precedence = "high"

[pipelines.gate]
manager = "dependent"
projects = ["jinja"]
require = {checks = ["check"]}

[pipelines.nightly]
manager = "supercedent"
on = ["cron:0 3 * * *", "landed", "tag", "landed-elsewhere"]
projects = ["jinja"]
"""


def pipelines(text: str) -> dict[str, PipelinePolicy]:
    return {p.name: p for p in parse_policy({"policy.toml": text.encode()}).pipelines}


def test_a_full_one() -> None:
    found = pipelines(FULL)
    assert list(found) == ["check", "gate", "nightly"]
    assert found["check"] == PipelinePolicy(
        "check",
        Manager.INDEPENDENT,
        (Trigger(TriggerKind.PUSH), Trigger(TriggerKind.COMMENT, "^recheck$")),
        ("*",),
        ("main", "release/*"),
        ("tests",),
        Entrance(1, (), 3600.0),
        (Report.MESSAGE,),
        Precedence.HIGH,
    )
    assert [str(t) for t in found["gate"].triggers] == ["push", "landed-elsewhere"]
    assert found["gate"].require == Entrance(0, ("check",), 0.0)
    assert [str(t) for t in found["nightly"].triggers] == [
        "cron:0 3 * * *",
        "landed",
        "tag",
        "landed-elsewhere",
    ]
    assert found["nightly"].on(TriggerKind.TAG)
    assert not found["nightly"].on(TriggerKind.PUSH)
    policy = parse_policy({"policy.toml": FULL.encode()})
    assert policy.queues[0].new_revision is NewRevision.FINISH


def test_a_policy_without_pipelines_has_none() -> None:
    policy = parse_policy({"policy.toml": b'[queues.a]\nprojects = ["x"]\nbranches = ["y"]\n'})
    assert policy.pipelines == ()
    assert policy.queues[0].new_revision is NewRevision.REPLACE


HEAD = '[pipelines.check]\nmanager = "independent"\non = ["push"]\nprojects = ["*"]\n'


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ('[pipelines.check]\non = ["push"]\n', "policy.toml:1: pipelines.check: has no `man", ""),
        ('[pipelines."a b"]\n', 'pipelines."a b": cannot be the name', ""),
        (HEAD.replace("independent", "parallel"), "policy.toml:2: pipelines.check.manager:", ""),
        (HEAD.replace('on = ["push"]\n', ""), "has no `on`", 'on = ["push"]'),
        (HEAD.replace("push", "psuh"), "policy.toml:3: pipelines.check.on: `psuh`", "`push`?"),
        (HEAD.replace("push", "push:x"), "takes nothing behind it", 'Write "push"'),
        (HEAD.replace("push", "comment:"), "says not what", "comment:REGEX"),
        (HEAD.replace("push", "comment:("), "is no regular expression", ""),
        (HEAD.replace("push", "comment:a(?=b)"), "looks around or back", "the line itself"),
        (HEAD.replace("push", "cron:0 3 * *"), "has 4 fields", "in UTC"),
        (HEAD.replace("push", "cron"), "says not what", "cron:0 3 * * *"),
        (HEAD.replace('projects = ["*"]\n', ""), "has no `projects`", 'projects = ["*"]'),
        (HEAD + 'report = ["mail"]\n', "policy.toml:5: pipelines.check.report: `mail`", ""),
        (HEAD + 'precedence = "top"\n', "`top` is none of high, normal, low", ""),
        (HEAD + 'color = "red"\n', "unknown key", ""),
        (HEAD + "require = {approvals = 99}\n", "99 is not between 0 and 20", ""),
        (HEAD + "require = {votes = 1}\n", "unknown key", ""),
        (HEAD + 'require = {checks = ["chekc"]}\n', "no pipeline `chekc`", "`check`?"),
        (HEAD + 'require = {checks = ["check"]}\n', "`check` waits for check itself", ""),
        (HEAD.replace("push", "landed") + "require = {approvals = 1}\n", "nothing that this", ""),
        (HEAD.replace("independent", "dependent").replace("push", "tag"), "a gate, can wait", ""),
        (
            HEAD.replace("independent", "dependent") + 'precedence = "low"\n',
            "a dependent pipeline has none",
            "queue",
        ),
        (
            HEAD.replace("independent", "dependent")
            + '[pipelines.b]\nmanager = "dependent"\nprojects = ["*"]\n',
            "* of * already has the gate check",
            "one gate",
        ),
        (
            HEAD
            + 'require = {checks = ["b"]}\n[pipelines.b]\nmanager = "independent"\n'
            + 'on = ["push"]\nprojects = ["*"]\nrequire = {checks = ["check"]}\n',
            "`b` waits for check itself",
            "Take one",
        ),
        (
            '[queues.a]\nprojects = ["x"]\nbranches = ["y"]\nnew-revision = "drop"\n',
            "policy.toml:4: queues.a.new-revision: `drop`",
            "",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, message: str, remedy: str) -> None:
    with pytest.raises(BadInput) as caught:
        pipelines(text)
    assert message in caught.value.message
    assert remedy in caught.value.remedy
