"""Findings on the pages: the list, one finding over its code, and the record of the rules."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from pages_repositories import commit
from pages_serving import serving
from pages_story import Story
from pages_world import World
from playwright.sync_api import Browser
from starlette.testclient import TestClient
from test_pages_browser import browser

from headgate.model.finding import (
    CheckResult,
    Confidence,
    Finding,
    Outcome,
    Severity,
    Span,
    StepRole,
    TraceStep,
)
from headgate.model.tracked import ActKind, FindingState, Owner, ScanCounts

__all__ = ["browser"]

VIEW = (
    b"from db import run\n\n\ndef show(request):\n    name = request.args['name']\n"
    b"    return run(name)\n"
)
DB = b"def run(name):\n    return cursor.execute('SELECT ' + name)\n"
KEY = "s3" + "cretZZtop"


def sql(identity: str = "ab" * 16, path: str = "src/db.py") -> Finding:
    return Finding(
        rule="python/sql-injection",
        title="SQL built from data",
        message="The database runs a text that a request can change.",
        remedy="Pass the value as a parameter.",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        span=Span(path, 2, 12, 2, 46),
        cwe=89,
        check="source",
        excerpt="    return cursor.execute('SELECT ' + name)",
        identity=identity,
        trace=(
            TraceStep(Span("src/view.py", 5), "the query parameter name", StepRole.SOURCE),
            TraceStep(Span("src/view.py", 6), "run is called with it"),
            TraceStep(Span("src/db.py", 2), "the database runs it", StepRole.SINK),
        ),
        engines=("bandit", "flow"),
    )


@pytest.fixture
def kept(story: Story) -> Story:
    """A branch of jinja with findings in several states, and six scans."""
    world = story.world
    head = commit(
        world.path("jinja"),
        "main",
        {b"src/view.py": VIEW, b"src/db.py": DB, b"keys.py": f"KEY = '{KEY}'\n".encode()},
        "Add a view",
    )
    project = story.projects["jinja"].id
    with world.db.write() as tx:
        for number in range(6):
            counts = ScanCounts(6 - number, 1, number % 2, 0, 1, number // 5)
            outcome = Outcome.UNKNOWN if number == 5 else Outcome.FAILED
            tx.branch_scans.add(project, "main", head, outcome, "big.py: too large", counts)

        def add(finding: Finding, state: FindingState, reason: str, rank: int) -> None:
            owner = Owner("@security", "CODEOWNERS")
            tx.tracked.add(project, "main", finding, head, state, reason, owner, rank)

        add(sql(), FindingState.NEW, "", 93)
        add(sql("cd" * 16, "src/<b>.py"), FindingState.ACCEPTED, "internal only", 40)
        secret = Finding(
            "secret/hard-coded-password", "Password or key in the code", "KEY is given a value.",
            "Remove it.", Severity.HIGH, Confidence.HIGH, Span("keys.py", 1, 8, 1, 19), 798,
            "secrets", "KEY = '***********'", "ef" * 16,
        )  # fmt: skip
        add(secret, FindingState.OPEN, "", 70)
        tx.acts.add(
            project, "ab" * 16, "python/sql-injection", ActKind.DISPUTE, story.crane.id,
            silences=False, reason="It looks <i>safe</i> to me", expires=None,
        )  # fmt: skip
    return story


def test_the_list_is_ranked_and_filtered(kept: Story, ada: TestClient) -> None:
    page = ada.get("/findings").text
    assert page.index("SQL built from data") < page.index("Password or key in the code")
    assert "src/&lt;b&gt;.py" not in page
    assert "src/&lt;b&gt;.py" in ada.get("/findings?state=all").text
    view = ada.get("/findings.json?project=jinja&severity=high&rule=python/sql-injection").json()
    assert [f["rank"] for f in view["findings"]] == [93]
    assert [scan["open"] for scan in view["trend"]["scans"]] == [6, 5, 4, 3, 2, 1]
    assert view["trend"]["last"]["not_examined"] == 1
    assert ada.get("/findings.json?owner=nobody").json()["total"] == 0
    bad = ada.get("/findings.json?state=lost")
    assert bad.status_code == 400
    assert "Use one of: open, all, new" in bad.json()["remedy"]
    assert ada.get("/findings.json?severity=huge").status_code == 400


def test_a_finding_is_shown_over_its_code(kept: Story, ada: TestClient) -> None:
    page = ada.get(f"/findings/{'ab' * 16}").text
    for part in (
        "the query parameter name", "request.args[", "cursor.execute(&#39;SELECT &#39;",
        "bandit, flow", "@security", "high severity", "It looks &lt;i&gt;safe",
    ):  # fmt: skip
        assert part in page, part
    view = ada.get("/findings/abababab.json").json()
    assert [step["role"] for step in view["steps"]] == ["source", "step", "sink"]
    assert [line["number"] for line in view["steps"][0]["code"] if line["marked"]] == [5]
    assert view["record"] == {
        "rule": "python/sql-injection", "open": 1, "fixed": 0, "accepted": 1, "suppressed": 0,
        "disputed": 0, "precision": 1.0,
    }  # fmt: skip
    assert ada.get("/findings/0123456789.json").status_code == 404
    assert ada.get("/findings/..%2f..json").status_code == 404


def test_a_secret_is_never_read_from_the_file(kept: Story, ada: TestClient) -> None:
    for address in (f"/findings/{'ef' * 16}", "/findings?state=all", "/findings.json"):
        assert KEY not in ada.get(address).text
    assert "KEY = &#39;***********&#39;" in ada.get(f"/findings/{'ef' * 16}").text
    # Nor where another finding stands in the same file, nor while it is not known what is secret.
    beside = replace(sql("12" * 16, "keys.py"), span=Span("keys.py", 2), trace=())
    with kept.world.db.write() as tx:
        project = kept.projects["jinja"].id
        head = tx.branch_scans.latest(project, "main")[0].commit
        tx.tracked.add(project, "main", beside, head, FindingState.OPEN, "", Owner(), 50)
    page = ada.get(f"/findings/{'12' * 16}").text
    assert KEY not in page
    assert "cursor.execute(" in page
    with kept.world.db.write() as tx:
        counts = ScanCounts(3, 0, 0, 0, 0, 0)
        tx.branch_scans.add(project, "main", head, Outcome.NOT_RUN, "it crashed", counts)
    steps = ada.get(f"/findings/{'ab' * 16}.json").json()["steps"]
    assert [len(step["code"]) for step in steps] == [1, 1, 1]


def test_who_may_not_read_the_project_sees_nothing(kept: Story) -> None:
    from pages_serving import make_app

    cedar = (
        'forbid (principal, action == Action::"read", resource) when {resource.project == "jinja"};'
    )
    hidden = World(kept.world.settings, kept.world.db, cedar=cedar)
    with TestClient(make_app(hidden, kept.ada)) as client:
        assert client.get("/findings.json?state=all").json()["findings"] == []
        assert client.get(f"/findings/{'ab' * 16}.json").status_code == 404
        assert client.get("/rules.json").json()["rules"] == []


def test_five_findings_of_a_change_are_shown_and_others_folded(
    kept: Story, ada: TestClient
) -> None:
    number, revision = kept.propose("Many findings")
    many = tuple(sql(f"{n:032x}", f"src/{n}.py") for n in range(8))
    with kept.world.db.write() as tx:
        tx.checks.save(revision, CheckResult("source", Outcome.FAILED, "8 findings", many))
    page = ada.get(f"/changes/{number}").text
    assert "3 more of a lower rank" in page
    check = next(
        c for c in ada.get(f"/changes/{number}.json").json()["checks"] if c["check"] == "source"
    )
    assert sum(f["shown"] for f in check["findings"]) == 5
    assert check["findings"][0]["rank"]["words"].startswith("87: high severity 40, whole")


@pytest.mark.browser
def test_the_pages_in_a_browser_wide_and_narrow(kept: Story, browser: Browser) -> None:
    with serving(kept.world, kept.ada) as url:
        for width in (1280, 390):
            context = browser.new_context(base_url=url, viewport={"width": width, "height": 900})
            page = context.new_page()
            complaints: list[str] = []
            page.on(
                "console", lambda m, c=complaints: c.append(m.text) if m.type == "error" else None
            )
            for address in ("/findings", f"/findings/{'ab' * 16}", "/rules"):
                page.goto(address)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (address, width, wide)
            page.goto("/findings")
            page.locator(".row-title").first.click()
            assert re.search(r"/findings/(ab){16}$", page.url)
            assert [c for c in complaints if c.startswith("error")] == []
            context.close()
