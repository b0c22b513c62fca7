"""The board of a queue, and what projects say of their queues."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from pages_repositories import commit, make_repository
from pages_story import Story
from starlette.testclient import TestClient

from headgate.gate.trials.explain import Standing
from headgate.model.config import QueueMode, QueuePolicy


def test_the_board_tells_the_future_in_which_each_item_is_tested(ada: TestClient) -> None:
    board = ada.get("/queues/main.json").json()
    [queue] = board["queues"]
    items = {item["change"]: item for item in queue["items"]}
    assert list(items) == [3, 4, 5, 6, 7, 8]
    assert items[3]["assumed"] == "on main"
    assert items[6]["assumed"] == "on main + #3 + #4"
    assert items[3]["owner"] == {
        "name": "crane", "display": "Crane", "kind": "agent", "sponsor": "bea",
    }  # fmt: skip
    assert items[3]["origin"]["kind"] == "ai"
    assert [job["state"] for job in items[3]["jobs"]] == ["passed", "running", "queued"]
    assert items[3]["jobs"][1]["expected"] == 46.0, "the median of 48 and 44 s"
    assert items[3]["jobs"][1]["elapsed"] >= 17
    assert items[5]["state"] == "conflict"
    assert "conflicts with change #4" in items[5]["reason"]
    assert [items[n]["in_window"] for n in (6, 7)] == [True, False]
    assert board["slots"]["total"] == 4
    assert board["slots"]["busy"] == 2
    assert {f["change"]: f["state"] for f in queue["finished"]} == {1: "landed", 2: "ejected"}
    assert queue["finished"][0]["reason"].startswith("jinja/tests failed")
    html = ada.get("/").text
    assert "the window ends here" in html
    assert "tree proven" in html


def test_a_long_queue_shows_its_front_and_counts_the_rest(story: Story, ada: TestClient) -> None:
    number, _ = story.propose("Wait in line")
    story.judge(number)
    for _ in range(70):
        story.enqueue(number)
    [queue] = ada.get("/queues/main.json").json()["queues"]
    assert queue["length"] == 76
    assert len(queue["items"]) + queue["more"] == 76
    assert f"and {queue['more']} more wait behind" in ada.get("/").text


def test_in_lanes_the_board_counts_what_is_tested_and_says_what_the_rest_waits_for(
    story: Story, ada: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes = QueuePolicy("main", ("jinja",), ("main",), mode=QueueMode.LANES, slots=9)
    policy = replace(story.world.policy(), queues=(lanes,))
    standing = Standing("one of the 9 builds that may run at once has to end first")
    monkeypatch.setattr(story.world, "policy", lambda: policy)
    monkeypatch.setattr(story.world, "standing", lambda _: standing)
    [queue] = ada.get("/queues/main.json").json()["queues"]
    assert (queue["mode"], queue["slots"], queue["window_floor"]) == ("lanes", 9, None)
    testing = [i["change"] for i in queue["items"] if i["state"] in ("testing", "starting")]
    assert [i["change"] for i in queue["items"] if i["in_window"]] == testing
    assert queue["under_test"] == len(testing) < queue["length"]
    last = queue["items"][-1]
    assert (last["state"], last["note"]) == ("waiting", standing.waits)
    html = ada.get("/").text
    assert standing.waits in html
    assert "the window ends here" not in html
    monkeypatch.setattr(story.world, "policy", lambda: replace(policy, queues=()))
    [queue] = ada.get("/queues/main.json").json()["queues"]
    assert (queue["mode"], queue["slots"]) == ("lanes", 4), "as without a word in the policy"


def test_the_board_says_what_lands_together_and_counts_it_once_in_the_window(
    story: Story, ada: TestClient
) -> None:
    numbers = [story.propose(f"Part {n}")[0] for n in (1, 2)]
    one, two = numbers
    story.depend(two, one)
    story.depend(one, two)
    after, _ = story.propose("Behind them")
    for number in (*numbers, after):
        story.judge(number)
        story.enqueue(number)
    with story.world.db.write() as tx:
        tx.queues.set_window(story.queue.id, 8)
    [queue] = ada.get("/queues/main.json").json()["queues"]
    items = {item["change"]: item for item in queue["items"]}
    assert [items[n]["together"] for n in (one, two, after)] == [[two], [one], []]
    assert (queue["edge"], queue["length"]) == (9, 9)
    assert all(item["in_window"] for item in items.values())
    with story.world.db.write() as tx:
        tx.queues.set_window(story.queue.id, 7)
    [queue] = ada.get("/queues/main.json").json()["queues"]
    assert queue["edge"] == 8
    assert not queue["items"][8]["in_window"]
    page = ada.get("/queues/main").text
    assert f'lands together with <a href="/changes/{two}">#{two}</a>' in page


def test_a_frozen_queue_says_so_loudly(story: Story, ada: TestClient) -> None:
    from headgate.model.queue import QueueState

    with story.world.db.write() as tx:
        tx.queues.set_state(story.queue.id, QueueState.FROZEN, "The landed tree differs.")
    page = ada.get("/").text
    assert 'role="alert"' in page
    assert "The landed tree differs." in page


def test_a_queue_whose_branch_has_a_slash_has_a_page(story: Story, ada: TestClient) -> None:
    name = "jinja:feature/x"
    with story.world.db.write() as tx:
        tx.queues.ensure(name, 4)
    for given in (name, "jinja%3Afeature%2Fx"):
        page = ada.get(f"/queues/{given}")
        assert page.status_code == 200
        link = re.search(r'href="([^"]+\.json[^"]*)">This page as JSON', page.text)
        assert link
        for address in (link[1], f"/queues/{given}.json"):
            assert ada.get(address).json()["selected"] == name
    assert re.search(r'href="/queues/(jinja[^"]+)"', ada.get("/").text)[1] in (  # type: ignore[index]
        name,
        "jinja%3Afeature/x",
    )


def test_a_project_names_the_queues_that_its_branches_have(story: Story, ada: TestClient) -> None:
    page = ada.get("/projects/jinja").text
    assert '<a href="/queues/main">main</a> gates main.' in page
    commit(story.world.path("jinja"), "stable", {b"a": b"1\n"}, "Begin a stable branch")
    assert "jinja%3Astable" not in ada.get("/projects/jinja").text  # nothing entered it yet
    with story.world.db.write() as tx:
        tx.queues.ensure("jinja:stable", 4)
    page = ada.get("/projects/jinja").text
    assert '<a href="/queues/jinja%3Astable">jinja:stable</a> gates stable.' in page


def test_a_project_without_a_declared_queue_is_gated_all_the_same(
    story: Story, ada: TestClient
) -> None:
    with story.world.db.write() as tx:
        tx.projects.add("click", "main", "")
    make_repository(story.world.path("click"), {b"a": b"1\n"})
    page = ada.get("/projects/click").text
    assert "Each branch lands through a queue of its own" in page
    assert "No queue" not in page
