"""A story of everything that the board and the pages of changes can show."""

from __future__ import annotations

import asyncio
import copy
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pages_story import AI, Story
from pages_world import POLICY_DIGEST, World

from headgate.ledger.chain import seal
from headgate.model.finding import CheckResult, Confidence, Finding, Outcome, Severity, Span
from headgate.model.ids import ChangeNumber, Commit
from headgate.model.job import RunState
from headgate.model.queue import NodeState
from headgate.model.verdict import (
    ApprovalBinding,
    Requirement,
    RiskTier,
    VerdictKind,
)
from headgate.store.database import Database

SHELL = Finding(
    rule="python/shell-injection",
    title="Shell injection",
    message="A string built from a parameter is run by a shell.",
    remedy="Pass the arguments as a list to subprocess.run, without shell=True.",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    span=Span("src/app.py", 6, 5),
    cwe=78,
    check="source",
    excerpt="os.system(f'ls {name}')",
    identity="aa11",
    url="https://docs.astral.sh/ruff/rules/start-process-with-a-shell/",
)

WEIRD: Mapping[bytes, bytes | None] = {
    b"src/app.py": b"import os\n\n\ndef hello(name):\n    # \xe2\x80\xae reversed\n"
    b"    os.system(f'ls {name}')\n    return '<script>alert(1)</script>'\n",
    b'we\nird\t"name".txt': b"one\n",
    b"not-\xff-utf8.txt": b"two\n",
    "naïve ünï.txt".encode(): b"three\n",
    b"<img src=x onerror=alert(1)>.html": b"<script>alert(2)</script>\n",
    b"picture.png": b"\x89PNG\r\n\x1a\n\0\0\0" + bytes(range(256)) * 8,
    b"empty.txt": b"",
}


def full_story(world: World) -> Story:
    """Everything that a board and the pages of changes can show."""
    s = Story(world)
    passed = ("markupsafe", "tests", RunState.PASSED, 21.4)
    one, _ = s.propose("Say hello with an f-string")
    s.judge(one)
    first = s.enqueue(one)
    s.test(first, (), NodeState.PASSED, (passed, ("jinja", "tests", RunState.PASSED, 48.0)))
    s.land(first)

    two, _ = s.propose("Speed up escaping of long strings", owner=s.crane, origin=AI)
    s.judge(two)
    second = s.enqueue(two)
    runs = s.test(
        second,
        (),
        NodeState.FAILED,
        (passed, ("jinja", "tests", RunState.FAILED, 31.0)),
        reason="jinja/tests failed",
    )
    world.log_path(runs[1]).write_text(
        "# headgate: jinja/tests on main + #2\n\x1b[1m==== test session starts ====\x1b[0m\n"
        "collected 909 items\n"
        "\x1b[31mFAILED tests/test_filters.py::test_escape - AssertionError\x1b[0m\n"
    )
    s.eject(second, "jinja/tests failed in the future on main: 3 failed, 906 passed")

    three, _ = s.propose(
        "Escape lazily when the string has no special characters", owner=s.crane, origin=AI
    )
    s.judge(three)
    third = s.enqueue(three)
    runs = s.test(
        third,
        (),
        NodeState.BUILDING,
        (passed, ("jinja", "tests", RunState.RUNNING, 17.0), ("jinja", "docs", RunState.QUEUED, 0)),
    )
    world.log_path(runs[1]).write_text("# headgate: jinja/tests on main\ncollecting…\n")

    four, _ = s.propose("Use the lazy escape in templates", project="jinja", depends_on=(three,))
    s.judge(four)
    fourth = s.enqueue(four)
    s.test(fourth, (third,), NodeState.PASSED, (("jinja", "tests", RunState.PASSED, 44.0),))

    five, _ = s.propose("Drop the branch for Python 3.8", project="jinja", owner=s.ada)
    s.judge(five)
    fifth = s.enqueue(five)
    s.test(
        fifth,
        (third, fourth),
        NodeState.CONFLICT,
        reason="src/app.py conflicts with change #4 in this future",
    )
    six, _ = s.propose(
        "Tidy up the tests of the sandbox", project="jinja", owner=s.crane, origin=AI
    )
    s.judge(six)
    sixth = s.enqueue(six)
    s.test(sixth, (third, fourth), NodeState.BUILDING, (("jinja", "tests", RunState.RUNNING, 4.0),))
    for title in ("Document the escape rules", "Say what Markup is in the README"):
        number, _ = s.propose(
            title, files={b"README.md": b"# markupsafe\n\n" + title.encode() + b"\n"}
        )
        s.judge(number)
        s.enqueue(number)

    needs, revision = s.propose(
        "Let the session cookie live for thirty days", owner=s.crane, origin=AI, depends_on=(three,)
    )
    s.judge(
        needs,
        VerdictKind.NEEDS_APPROVALS,
        ("An agent's change to critical.auth needs an approval by security.",),
        (
            Requirement(
                "critical-by-agent", 1, ("security",), "written by an agent, touches critical.auth"
            ),
        ),
        RiskTier.HIGH,
    )
    with world.db.write() as tx:
        current = tx.changes.current_revision(ChangeNumber(needs))
        binding = ApprovalBinding(
            "markupsafe", ChangeNumber(needs), "main", current.base, Commit("9" * 40), POLICY_DIGEST
        )
        old = tx.approvals.add(revision, s.ada.id, binding, "Looks right to me.")
        tx.approvals.void(old.id, "revision 2 was pushed after it")

    denied, _ = s.propose("List files through the shell", owner=s.crane, origin=AI, files=WEIRD)
    elsewhere = Finding(
        "secret/generic-password",
        "Hard-coded password",
        "A password stands in the source.",
        "Read it from the environment.",
        Severity.CRITICAL,
        Confidence.MEDIUM,
        Span("README.md", 3),
        798,
        "secrets",
        "password = ****",
        "bb22",
    )
    s.judge(
        denied,
        VerdictKind.DENIED,
        (
            "src/app.py:6: a string built from a parameter is run by a shell. "
            "Pass the arguments as a list.",
        ),
        tier=RiskTier.CRITICAL,
        checks=(
            CheckResult("source", Outcome.FAILED, "1 finding denies", (SHELL,), 0.52),
            CheckResult("secrets", Outcome.FAILED, "", (elsewhere,), 0.2, ("picture.png: binary",)),
            CheckResult("dependencies", Outcome.NOT_RUN, "the index did not answer within 10 s"),
        ),
    )
    return s


def copy_story(told: Story, directory: Path) -> Story:
    """The story in a world of its own; the world that it was told in must be closed."""
    shutil.copytree(told.world.settings.data, directory)
    settings = replace(told.world.settings, data=directory)
    story = copy.copy(told)
    story.world = replace(
        told.world,
        settings=settings,
        db=Database.open(settings.database, seal=seal),
        closing=asyncio.Event(),
    )
    return story
