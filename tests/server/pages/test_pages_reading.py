"""Reading the pages as a browser without JavaScript does, and their JSON as the CLI does."""

from __future__ import annotations

import html
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from pages_full_story import full_story
from pages_serving import make_app
from pages_story import Story
from pages_world import World, open_world
from starlette.testclient import TestClient

PAGES = [
    "/", "/queues", "/queues/main", "/changes", "/changes/1", "/changes/2", "/changes/3",
    "/changes/9", "/changes/10", "/changes/10/diff", "/jobs/1", "/jobs/4", "/jobs/6",
    "/projects", "/projects/jinja", "/principals", "/events",
]  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_every_page_reads_without_javascript_and_has_its_json(
    ada: TestClient, address: str
) -> None:
    page = ada.get(address)
    assert page.status_code == 200, page.text
    assert "<h1" in page.text
    link = re.search(r'href="([^"]+\.json[^"]*)">This page as JSON', page.text)
    assert link
    data = ada.get(link[1])
    assert data.headers["content-type"] == "application/json"
    assert isinstance(data.json(), dict)


@pytest.mark.parametrize("address", PAGES)
def test_nothing_inline_and_nothing_from_elsewhere(ada: TestClient, address: str) -> None:
    page = ada.get(address)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not re.search(r"<[^>]+\son\w+\s*=", page.text)
    assert not re.search(r"<[^>]+\sstyle\s*=", page.text)
    assert "<style" not in page.text
    assert not re.search(r"<script(?![^>]*\ssrc=)", page.text)
    for address in re.findall(r'(?:src|<link[^>]+href)="([^"]+)"', page.text):
        assert address.startswith("/static/")


def test_a_change_says_exactly_what_is_missing(ada: TestClient) -> None:
    data = ada.get("/changes/9.json").json()
    assert data["missing"] == [
        "1 approval by security (critical-by-agent): written by an agent, touches critical.auth"
    ]
    assert data["verdict"]["tier"] == "high"
    [approval] = data["approvals"]
    assert not approval["valid"]
    assert approval["void"] == "revision 2 was pushed after it"
    assert [d["number"] for d in data["depends_on"]] == [3]
    grades = [e["grade"] for e in data["commits"][0]["origin"]["evidence"]]
    assert grades == ["A", "B"]
    other = ada.get("/changes/3.json").json()
    assert [d["number"] for d in other["dependents"]] == [4, 9]


def test_a_dependency_outside_of_any_queue_is_missing(story: Story, ada: TestClient) -> None:
    number, _ = story.propose("Needs the ejected one", depends_on=(2,))
    missing = ada.get(f"/changes/{number}.json").json()["missing"]
    assert missing[0].startswith("The verdict:")
    assert missing[1].startswith("Change #2, on which this depends, is ejected")


def test_the_landing_is_proven(ada: TestClient) -> None:
    data = ada.get("/changes/1.json").json()
    landing = data["landing"]
    assert landing["equal"]
    assert landing["tested_tree"] == landing["landed_tree"]
    assert data["missing"] == []
    assert data["actions"] == []
    page = ada.get("/changes/1").text
    assert "Landed as tested" in page
    assert landing["landed_tree"] in page


def test_a_landing_whose_trees_differ_does_not_look_proven(world: World) -> None:
    from headgate.model.ids import Commit, Tree
    from headgate.model.queue import Landing

    story = Story(world)
    number, _ = story.propose("Goes wrong")
    story.judge(number)
    item = story.enqueue(number)
    with world.db.write() as tx:
        change = tx.changes.get(number)  # type: ignore[arg-type]
        tx.landings.add(
            Landing(
                item, "markupsafe", "main", change.number, Commit("1" * 40), Commit("2" * 40),
                Tree("3" * 40), Tree("4" * 40), 1.0,
            )
        )  # fmt: skip
    with TestClient(make_app(world, story.ada)) as client:
        page = client.get(f"/changes/{number}").text
    assert "Landed tree differs" in page
    assert "Landed as tested" not in page


def test_forms_carry_the_sessions_token_and_the_head_that_was_looked_at(ada: TestClient) -> None:
    page = ada.get("/changes/9").text
    head = ada.get("/changes/9.json").json()["revision"]["head"]
    form = re.search(r'<form method="post" action="/api/changes/9/approve".*?</form>', page, re.S)
    assert form
    assert f'name="csrf" value="{"c" * 64}"' in form[0]
    assert f'name="head" value="{head}"' in form[0]


def test_nobody_is_offered_what_would_be_refused(story: Story) -> None:
    with TestClient(make_app(story.world, story.bea)) as sponsor:
        data = sponsor.get("/changes/9.json").json()
        page = sponsor.get("/changes/9").text
    approve = next(a for a in data["actions"] if a["action"] == "approve")
    assert approve["why_not"]
    assert "/api/changes/9/approve" not in page
    assert "/api/changes/9/abandon" in page, "the sponsor may abandon an agent's change"
    with TestClient(make_app(story.world, story.crane)) as agent:
        data = agent.get("/changes/9.json").json()
    approve = next(a for a in data["actions"] if a["action"] == "approve")
    assert "agent" in approve["why_not"]


def test_findings_stand_at_their_line(ada: TestClient) -> None:
    diff = ada.get("/changes/10/diff.json").json()["diff"]
    file = next(f for f in diff["files"] if f["path"] == "src/app.py")
    lines = [line for hunk in file["hunks"] for line in hunk["lines"]]
    [at] = [line for line in lines if line["findings"]]
    assert at["new"] == 6
    assert "os.system" in at["pieces"][0][0]
    assert at["findings"][0]["remedy"].startswith("Pass the arguments as a list")
    assert [f["rule"] for f in diff["elsewhere"]] == ["secret/generic-password"]


def test_weird_names_and_contents_are_shown_and_never_obeyed(ada: TestClient) -> None:
    diff = ada.get("/changes/10/diff.json").json()["diff"]
    paths = {f["path"] for f in diff["files"]}
    assert '"we\\nird\\t\\"name\\".txt"' in paths
    assert '"not-\\xff-utf8.txt"' in paths
    assert "naïve ünï.txt" in paths
    picture = next(f for f in diff["files"] if f["path"] == "picture.png")
    assert picture["binary"]
    assert picture["hunks"] == []
    for address in ("/changes/10", "/changes/10/diff"):
        page = ada.get(address).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "\u202e" not in page
        assert '<mark class="hidden-char">\\u{202e}</mark>' in page


def test_a_check_that_did_not_run_is_not_clean(ada: TestClient) -> None:
    data = ada.get("/changes/10.json").json()
    outcomes = {check["check"]: check["outcome"] for check in data["checks"]}
    assert outcomes == {"dependencies": "not run", "secrets": "failed", "source": "failed"}
    assert data["missing"] == [
        "A new revision that mends what the verdict denies.",
        "The check dependencies did not run to its end: the index did not answer within 10 s",
    ]


def test_a_large_diff_comes_in_pages(story: Story, ada: TestClient) -> None:
    files = {
        b"big/%03d.txt" % n: b"".join(b"line %d of %d\n" % (i, n) for i in range(700))
        for n in range(12)
    }
    number, _ = story.propose("Add much", files=files)
    page = ada.get(f"/changes/{number}")
    assert len(page.content) < 1_500_000
    seen: list[str] = []
    start: int | None = 0
    while start is not None:
        diff = ada.get(f"/changes/{number}/diff.json?from={start}").json()["diff"]
        seen += [f["path"] for f in diff["files"]]
        start = diff["next"]
    assert seen == sorted(name.decode() for name in files)
    assert f"/changes/{number}/diff?from=" in page.text


def test_a_repository_that_is_gone_leaves_the_rest_of_the_page(
    story: Story, ada: TestClient
) -> None:
    path = story.world.path("markupsafe")
    path.rename(path.with_suffix(".away"))
    page = ada.get("/changes/1")
    assert page.status_code == 200
    assert "The diff cannot be shown." in page.text
    assert "Landed as tested" in page.text


def test_the_list_is_filtered_by_its_address(ada: TestClient) -> None:
    def numbers(query: str) -> list[int]:
        return [c["number"] for c in ada.get(f"/changes.json{query}").json()["changes"]]

    assert numbers("") == list(range(10, 0, -1))
    assert numbers("?state=landed") == [1]
    assert numbers("?state=open&project=jinja") == [6, 5, 4]
    assert numbers("?owner=crane&before=6") == [3, 2]
    assert numbers("?q=escape") == [7, 4, 3]
    assert numbers("?project=nowhere") == []
    assert numbers("?owner=nobody") == []
    page = ada.get("/changes?state=landed&q=hello").text
    assert 'value="hello"' in page
    assert "<option selected>landed</option>" in page


def test_the_list_comes_in_pages(story: Story, ada: TestClient) -> None:
    for n in range(45):
        story.propose(f"One more {n}")
    first = ada.get("/changes.json").json()
    assert len(first["changes"]) == 50
    page = ada.get("/changes?q=").text
    assert f'href="/changes?before={first["next"]}"' in page
    rest = ada.get(f"/changes.json?before={first['next']}").json()
    assert [c["number"] for c in rest["changes"]] == [5, 4, 3, 2, 1]
    assert rest["next"] is None


def test_events_are_filtered_and_show_the_chain(ada: TestClient) -> None:
    log = ada.get("/events.json").json()
    events = log["events"]
    assert log["head"] == events[0]["hash"]
    assert all(a["previous"] == b["hash"] for a, b in pairwise(events))
    landed = ada.get("/events.json?kind=branch.").json()["events"]
    assert [e["kind"] for e in landed] == ["branch.landed"]
    about = ada.get("/events.json?subject=change/2").json()["events"]
    assert {e["subject"] for e in about} == {"change/2"}
    page = ada.get("/events").text
    assert events[0]["hash"] in page


def test_what_an_event_holds_is_shown_as_json(story: Story, ada: TestClient) -> None:
    story.world.event("revision.inspected", "change/1", checks={"source": "passed"}, by=None)
    page = ada.get("/events").text
    assert 'by null, checks {"source": "passed"}' in html.unescape(page)


def test_a_log_reads_as_page_and_as_text(ada: TestClient) -> None:
    page = ada.get("/jobs/4").text
    assert '<span class="ansi-red">FAILED tests/test_filters.py' in page
    assert "\x1b" not in page
    text = ada.get("/jobs/4/log")
    assert text.headers["content-type"].startswith("text/plain")
    assert text.headers["x-headgate-state"] == "failed"
    offset = int(text.headers["x-headgate-offset"])
    assert offset == len(text.content)
    assert ada.get(f"/jobs/4/log?from={offset}").content == b""
    assert "It has not started" in ada.get("/jobs/7").text


def test_a_huge_log_is_shown_from_its_end(story: Story, ada: TestClient) -> None:
    path = story.world.log_path(4)  # type: ignore[arg-type]
    path.write_text("".join(f"line {n}\n" for n in range(200_000)))
    page = ada.get("/jobs/4")
    assert len(page.content) < 700_000
    assert "line 199999" in page.text
    assert "all of it" in page.text


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("/changes/99", 404, "99"),
        ("/jobs/99", 404, "99"),
        ("/queues/nowhere", 404, "nowhere"),
        ("/projects/nowhere", 404, "nowhere"),
        ("/nowhere", 404, "There is nothing at /nowhere."),
        ("/changes?before=x", 400, "not a number"),
        ("/changes?state=merged", 400, "not a state"),
        ("/events?before=-1", 400, "not a number"),
        ("/live?queue=nowhere", 404, "nowhere"),
        ("/jobs/99/live", 404, "99"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    ada: TestClient, address: str, status: int, sentence: str
) -> None:
    page = ada.get(address)
    assert page.status_code == status
    assert sentence in page.text
    assert 'href="/"' in page.text
    if address.startswith(("/live", "/jobs/99/live", "/nowhere")):
        return
    path, _, query = address.partition("?")
    data = ada.get(f"{path}.json" + (f"?{query}" if query else ""))
    assert data.status_code == status
    assert set(data.json()) == {"error", "remedy"}


HUGE = "9" * 23


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"/changes/{HUGE}", 404),
        (f"/changes/{HUGE}.json", 404),
        (f"/changes/{'9' * 5000}.json", 404),
        (f"/changes/{HUGE}/diff.json", 404),
        ("/changes/999999999999999.json", 404),
        (f"/jobs/{HUGE}", 404),
        (f"/jobs/{HUGE}.json", 404),
        (f"/jobs/{HUGE}/log", 404),
        (f"/jobs/{HUGE}/live", 404),
        (f"/changes.json?before={HUGE}", 400),
        (f"/events.json?before={HUGE}", 400),
        (f"/changes/1/diff.json?from={HUGE}", 400),
        (f"/jobs/1/log?from={HUGE}", 400),
        (f"/live?change={HUGE}", 400),
    ],
)
def test_numbers_too_large_for_anything_are_said_so(
    ada: TestClient, address: str, status: int
) -> None:
    said = ada.get(address, headers={"accept": "application/json"})
    assert said.status_code == status, said.text
    assert said.json()["error"].endswith(".")


def test_reading_on_behind_the_end_of_a_log_finds_nothing(ada: TestClient) -> None:
    answer = ada.get("/jobs/4/log?from=999999999999999")
    assert answer.status_code == 200
    assert answer.content == b""
    for given in (HUGE, "x", "-1", "\u00b2"):
        said = ada.get("/jobs/4/live", headers={"last-event-id": given.encode()})
        assert said.status_code == 400
        assert "last-event-id" in said.text


def test_whoever_is_not_signed_in_is_led_to_the_form(story: Story) -> None:
    with TestClient(make_app(story.world, None), follow_redirects=False) as stranger:
        page = stranger.get("/changes/9?x=1")
        assert page.status_code == 303
        assert page.headers["location"] == "/signin?next=%2Fchanges%2F9%3Fx%3D1"
        assert stranger.get("/changes/9.json").status_code == 401
        assert stranger.get("/jobs/1/log").status_code == 303
        assert stranger.get("/live", headers={"accept": "application/json"}).status_code == 401


def test_a_project_that_one_may_not_read_is_nowhere(tmp_path: Path) -> None:
    world = open_world(
        tmp_path / "closed",
        '@id("secret") forbid (principal, action == Action::"read", resource) '
        'when { resource.project == "jinja" && principal.name == "ada" };',
    )
    story = full_story(world)
    with TestClient(make_app(world, story.ada), follow_redirects=False) as ada:
        assert ada.get("/projects/jinja").status_code == 404
        assert ada.get("/changes/4").status_code == 404
        assert ada.get("/changes/4/diff").status_code == 404
        assert [p["name"] for p in ada.get("/projects.json").json()["projects"]] == ["markupsafe"]
        assert 4 not in [c["number"] for c in ada.get("/changes.json").json()["changes"]]
        board = json.dumps(ada.get("/queues.json").json())
        assert "Drop the branch for Python 3.8" not in board
        assert "A change of a project that you may not read." in ada.get("/").text
        text = ada.get("/changes/3").text
        assert "Use the lazy escape in templates" not in text
    world.db.close()


def test_addresses_of_people_are_for_themselves_and_for_administrators(tmp_path: Path) -> None:
    world = open_world(
        tmp_path / "administered",
        '@id("boss") permit (principal, action == Action::"administer", resource) '
        'when { principal.name == "bea" };',
    )
    story = full_story(world)
    for viewer, known in ((story.ada, {"ada"}), (story.bea, {"ada", "bea"})):
        with TestClient(make_app(world, viewer)) as client:
            people = client.get("/principals.json").json()["principals"]
            page = client.get("/principals").text
        assert {p["name"] for p in people if p["email"]} == known
        assert {n for n in ("ada", "bea") if f"{n}@example.org" in page} == known
    world.db.close()


def test_static_files_may_be_kept_for_ever_under_their_digest(ada: TestClient) -> None:
    page = ada.get("/").text
    addresses = re.findall(r'"(/static/[^"]+)"', page)
    assert any("htmx.min.js?v=" in a for a in addresses)
    for address in addresses:
        answer = ada.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert ada.get("/static/headgate.css").headers["cache-control"] == "no-cache"
    assert ada.get("/static/../routes.py").status_code == 404


def test_a_change_that_is_held_offers_to_enter_and_not_to_be_held(
    story: Story, ada: TestClient
) -> None:
    from headgate.model.change import Entry

    def offered() -> list[str]:
        return [a["action"] for a in ada.get("/changes/9.json").json()["actions"]]

    assert offered() == ["approve", "hold", "recheck", "abandon"]
    with story.world.db.write() as tx:
        tx.changes.set_entry(9, Entry.HELD)  # type: ignore[arg-type]
    assert offered() == ["approve", "enqueue", "recheck", "abandon"]
