"""Pipelines in a whole server: pushes, comments, tags, and what the gate requires."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from server_support import Served
from test_server_queue import Author, git, told

from headgate.authority.policy import default_policy_files

JOBS = """\
[jobs.tests]
run = "if grep -qs bad a; then exit 1; fi"
pipelines = ["check", "gate"]
[jobs.publish]
run = "echo publishing $HEADGATE_TAG"
pipelines = ["release", "post"]
"""
POLICY = """
[groups]
maintainers = ["grace"]
[findings]
deny-from = "high"

[queues.main]
projects = ["app"]
branches = ["main"]

[pipelines.check]
manager = "independent"
on = ["push", "comment:^check again$"]
projects = ["app"]

[pipelines.gate]
manager = "dependent"
projects = ["app"]
require = {checks = ["check"]}

[pipelines.post]
manager = "supercedent"
on = ["landed"]
projects = ["app"]

[pipelines.release]
manager = "serial"
on = ["tag"]
projects = ["app"]
"""


def govern(served: Served, text: str) -> None:
    files = {name: data.decode() for name, data in default_policy_files().items()}
    body = {"files": {**files, "policy.toml": text}, "reason": "a test"}
    answer = served.operator.post("/api/policy/import", json=body)
    assert answer.status_code == 200, answer.text


@pytest.fixture
def ada(served: Served, tmp_path: Path) -> Author:
    govern(served, POLICY)
    author = Author(served, tmp_path, "ada")
    author.begin({"headgate.toml": JOBS, "first": "fine\n"})
    return author


def change(served: Served, number: int) -> dict[str, Any]:
    answer = served.operator.get(f"/changes/{number}.json")
    assert answer.status_code == 200, answer.text
    return answer.json()


def runs(served: Served, name: str) -> list[dict[str, Any]]:
    """Oldest first."""
    answer = served.operator.get(f"/pipelines/{name}.json")
    assert answer.status_code == 200, answer.text
    return answer.json()["runs"][::-1]


def until(holds: Callable[[], bool], what: Callable[[], object] = lambda: "") -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, what()
        time.sleep(0.05)


def landed(served: Served, number: int) -> None:
    until(
        lambda: change(served, number)["change"]["state"] == "landed",
        lambda: change(served, number)["change"],
    )


def test_a_change_enters_its_gate_once_its_check_has_passed(ada: Author, served: Served) -> None:
    number, _ = ada.push("a", "fine\n")
    landed(served, number)
    (check,) = runs(served, "check")
    assert (check["state"], check["change"]["number"]) == ("passed", number)
    with served.house.db.read() as tx:
        kinds = [e.kind for e in tx.events.after(0, 1000, subject=f"change/{number}")]
    assert kinds.index("pipeline.passed") < kinds.index("item.queued")
    until(lambda: [r["state"] for r in runs(served, "post")] == ["passed"])
    shown = change(served, number)
    assert {r["pipeline"] for r in shown["pipelines"]} == {"check", "post"}
    until(lambda: len(change(served, number)["said"]) == 3)
    texts = [s["text"] for s in change(served, number)["said"]]
    assert texts[0].startswith("check: passed. See http")
    assert texts[1] == "gate: landed"
    assert texts[2].startswith("post: passed after the landing. See http")
    (job,) = [j for r in shown["pipelines"] if r["pipeline"] == "check" for j in r["jobs"]]
    page = served.operator.get(f"/jobs/{job['id']}.json").json()
    assert page["pipeline"]["name"] == "check"
    assert page["node"]["assumed"] == "by check alone on main"
    assert served.operator.get(f"/jobs/{job['id']}").status_code == 200
    assert served.operator.get(f"/jobs/{job['id']}/log").status_code == 200
    browser, _ = served.browser("ada")
    for path in ("/pipelines", "/pipelines/check", f"/changes/{number}"):
        text = browser.get(path).text
        assert f'id="run-{check["id"]}"' in text


def test_a_failed_check_keeps_a_change_out_and_a_comment_tries_again(
    ada: Author, served: Served
) -> None:
    number, said = ada.push("a", "bad\n")
    until(lambda: [r["state"] for r in runs(served, "check")] == ["failed"])
    until(lambda: "which failed" in change(served, number)["change"]["reason"])
    shown = change(served, number)
    assert shown["change"]["state"] == "waiting"
    assert shown["change"]["reason"] == "needs the pipeline check, which failed"
    assert "For its gate it needs the pipeline check, which failed." in shown["missing"]
    assert "needs the pipeline check" in said or "waits for the pipeline check" in said
    stranger = served.client(served.human("mallory"))
    told(stranger.post(f"/api/changes/{number}/comment", json={"text": "check again"}))
    told(ada.api.post(f"/api/changes/{number}/comment", json={"text": "check  again?"}))
    told(ada.api.post(f"/api/changes/{number}/comment", json={"text": "check again"}))
    until(lambda: [r["state"] for r in runs(served, "check")] == ["failed", "failed"])
    assert runs(served, "check")[1]["trigger"] == "comment"
    assert [s["actor"] for s in change(served, number)["said"] if s["revision"]] == [
        "mallory",
        "ada",
        "ada",
    ]
    told(ada.api.post(f"/api/changes/{number}/recheck"))
    until(lambda: [r["state"] for r in runs(served, "check")] == ["failed"] * 3)
    assert runs(served, "check")[2]["trigger"] == "push"


def test_a_comment_is_checked_before_it_is_written(ada: Author, served: Served) -> None:
    number, _ = ada.push("a", "bad\n")
    path = f"/api/changes/{number}/comment"
    assert "is empty" in told(ada.api.post(path, json={"text": "  "}), 400)
    assert "at most 4000" in told(ada.api.post(path, json={"text": "x" * 4001}), 400)
    assert "no change" in told(ada.api.post("/api/changes/99/comment", json={"text": "x"}), 404)
    govern(served, POLICY + "\n# again\n")


def test_a_maintainer_tags_what_has_landed_and_that_releases_it(
    ada: Author, served: Served, tmp_path: Path
) -> None:
    grace = Author(served, tmp_path, "grace")
    clone = grace.clone
    assert git(tmp_path, "clone", "-q", grace.remote, str(clone)).returncode == 0
    refused = git(ada.clone, "push", "-q", "origin", "origin/main:refs/tags/v1")
    assert refused.returncode != 0
    assert "Only members of the groups maintainers and admins push tags" in refused.stderr
    git(clone, "commit", "-q", "--allow-empty", "-m", "Not landed")
    loose = git(clone, "push", "-q", "origin", "HEAD:refs/tags/v1")
    assert loose.returncode != 0
    assert "only what has landed can be tagged" in loose.stderr
    assert not runs(served, "release")
    git(clone, "tag", "-a", "-m", "The first", "v1", "origin/main")
    assert git(clone, "push", "-q", "origin", "v1").returncode == 0
    until(lambda: [r["state"] for r in runs(served, "release")] == ["passed"])
    (run,) = runs(served, "release")
    assert (run["tag"], run["actor"], run["change"]) == ("v1", "grace", None)
    (job,) = run["jobs"]
    log = served.operator.get(f"/jobs/{job['id']}/log").text
    assert "publishing v1" in log
    assert served.operator.get(f"/jobs/{job['id']}").status_code == 200
    git(clone, "tag", "-f", "-a", "-m", "Again", "v1", "origin/main")
    moved = git(clone, "push", "-q", "--force", "origin", "v1")
    assert "tags are neither moved nor deleted" in moved.stderr
    gone = git(clone, "push", "-q", "origin", ":refs/tags/v1")
    assert "tags are neither moved nor deleted" in gone.stderr
    until(lambda: "release: success" in _notes(clone))


def _notes(clone: Path) -> str:
    git(clone, "fetch", "-q", "origin", "+refs/notes/*:refs/notes/*")
    return git(clone, "notes", "--ref=headgate", "show", "v1^{commit}").stdout


def test_a_gate_that_waits_for_a_comment(ada: Author, served: Served) -> None:
    text = POLICY.replace(
        'manager = "dependent"\n', 'manager = "dependent"\non = ["comment:^land it$"]\n'
    )
    govern(served, text)
    number, _ = ada.push("a", "fine\n")
    until(lambda: change(served, number)["change"]["state"] == "ready")
    until(
        lambda: [r["state"] for r in runs(served, "check")] == ["passed"],
        lambda: runs(served, "check"),
    )
    assert change(served, number)["change"]["state"] == "ready"
    told(ada.api.post(f"/api/changes/{number}/comment", json={"text": "land it"}))
    landed(served, number)
    # Asking once more is answered on the change.
    told(ada.api.post(f"/api/changes/{number}/comment", json={"text": "land it"}))
    until(lambda: any("Not queued" in s["text"] for s in change(served, number)["said"]))


def test_changes_that_need_each_other_enter_once_their_gate_requires_nothing_of_either(
    ada: Author, served: Served
) -> None:
    govern(served, POLICY.replace('on = ["push", "comment', 'on = ["comment'))
    one, _ = ada.push("a", "fine\n")
    two, _ = ada.push("b", "fine\n")
    revise(ada, two, "b", "finer\n", f"Depends-On: #{one}")
    git(ada.clone, "checkout", "-q", "--detach", "HEAD~1")
    (ada.clone / "a").write_text("finer\n")
    git(ada.clone, "add", ".")
    git(ada.clone, "commit", "-q", "-m", "Begin anew")
    revise(ada, one, "a", "finer\n", f"Depends-On: #{two}")

    def waits(number: int, words: str) -> None:
        until(
            lambda: words in change(served, number)["change"]["reason"],
            lambda: change(served, number)["change"],
        )

    def queued(number: int) -> bool:
        with served.house.db.read() as tx:
            events = tx.events.after(0, 1000, subject=f"change/{number}")
            return any(e.kind == "item.queued" for e in events)

    waits(two, "which has not run")
    told(ada.api.post(f"/api/changes/{one}/comment", json={"text": "check again"}))
    waits(one, f"lands together with #{two}, which needs the pipeline check")
    assert not queued(one)
    assert not queued(two)
    told(ada.api.post(f"/api/changes/{two}/comment", json={"text": "check again"}))
    until(lambda: queued(one) and queued(two), lambda: change(served, two)["change"])


def test_pipelines_are_listed_with_what_they_do(ada: Author, served: Served) -> None:
    listed = served.operator.get("/pipelines.json").json()["pipelines"]
    assert [p["name"] for p in listed] == ["check", "gate", "post", "release"]
    assert listed[0]["on"] == ["push", "comment:^check again$"]
    assert listed[1]["require"]["checks"] == ["check"]
    number, _ = ada.push("a", "fine\n")
    landed(served, number)
    govern(served, "[groups]\nmaintainers = []\n")
    listed = served.operator.get("/pipelines.json").json()["pipelines"]
    assert (listed[0]["name"], listed[0]["declared"]) == ("check", False)
    assert served.operator.get("/pipelines").status_code == 200
    assert "no pipeline nope" in served.operator.get("/pipelines/nope.json").json()["error"]


def revise(author: Author, number: int, path: str, text: str, footer: str = "") -> str:
    (author.clone / path).write_text(text)
    git(author.clone, "add", ".")
    message = f"Write {path}\n\n{footer}".strip()
    git(author.clone, "commit", "-q", "--amend", "-m", message)
    done = git(author.clone, "push", "-o", f"change={number}", "origin", "HEAD:refs/for/main")
    assert done.returncode == 0, done.stderr
    return done.stderr


FINISH = """\
[findings]
deny-from = "high"
[queues.main]
projects = ["app"]
branches = ["main"]
new-revision = "finish"
"""


def frozen(served: Served) -> None:
    answer = served.operator.post("/api/queues/main/freeze", json={"reason": "a test"})
    assert answer.status_code == 200, answer.text


def test_a_new_revision_waits_for_the_verdict_of_the_old_one(ada: Author, served: Served) -> None:
    govern(served, FINISH)
    first, _ = ada.push("z", "fine\n")
    landed(served, first)
    frozen(served)
    number, _ = ada.push("a", "fine\n")
    until(lambda: change(served, number)["change"]["state"] == "queued")
    said = revise(ada, number, "b", "better\n")
    assert f"#{number} is in its queue; this revision is taken once it has its verdict" in said
    assert change(served, number)["change"]["revision"] == 1
    assert served.operator.post("/api/queues/main/thaw").status_code == 200
    landed(served, number)
    new = number + 1
    until(lambda: served.operator.get(f"/changes/{new}.json").status_code == 200)
    landed(served, new)
    told_ = [s["text"] for s in change(served, number)["said"]]
    assert told_ == [f"The revision that waited is change #{new} now."]


def test_a_waiting_revision_replaces_one_that_is_taken_out(ada: Author, served: Served) -> None:
    govern(served, FINISH)
    first, _ = ada.push("z", "fine\n")
    landed(served, first)
    frozen(served)
    number, _ = ada.push("a", "fine\n")
    until(lambda: change(served, number)["change"]["state"] == "queued")
    revise(ada, number, "b", "better\n")
    revise(ada, number, "b", "best\n")  # The newest is the one that waits.
    told(ada.api.post(f"/api/changes/{number}/dequeue"))
    until(lambda: change(served, number)["change"]["revision"] == 2)
    until(lambda: change(served, number)["change"]["state"] != "checking")
    diff = served.operator.get(f"/changes/{number}/diff.json").text
    assert "best" in diff
    assert "better" not in diff


def test_a_landing_elsewhere_tests_again_what_required_it(
    ada: Author, served: Served, tmp_path: Path
) -> None:
    beside = tmp_path / "beside"
    git(tmp_path, "init", "-q", "-b", "main", str(beside))
    (beside / "shared").write_text("one\n")
    git(beside, "add", ".")
    git(beside, "commit", "-q", "-m", "Begin")
    body = {"name": "lib", "source": str(beside)}
    assert served.operator.post("/api/projects", json=body).status_code == 200
    govern(served, FINISH)
    toml = '[jobs.tests]\nrun = "true"\nrequired-projects = ["lib"]\n'
    first, _ = ada.push("headgate.toml", toml)
    landed(served, first)
    frozen(served)
    number, _ = ada.push("a", "fine\n")

    def nodes() -> list[dict[str, Any]]:
        return change(served, number)["builds"]["nodes"]

    until(lambda: [n["state"] for n in nodes()] == ["passed"], nodes)
    other = Author(served, tmp_path, "bob")
    other.remote = other.remote.replace("app.git", "lib.git")
    assert git(tmp_path, "clone", "-q", other.remote, str(other.clone)).returncode == 0
    there, _ = other.push("shared", "two\n")
    landed(served, there)
    until(lambda: [n["state"] for n in nodes()] == ["passed", "dropped"], nodes)
    assert nodes()[1]["reason"] == (f"#{there} has landed on main of lib, which its jobs require")
    assert served.operator.post("/api/queues/main/thaw").status_code == 200
    landed(served, number)


def test_a_pipeline_that_the_policy_lacks_is_told(ada: Author, served: Served) -> None:
    number, said = ada.push("headgate.toml", JOBS.replace('"check", "gate"', '"chek", "gate"'))
    assert "headgate.toml:3: The policy has no pipeline chek, so job tests does not" in said
    assert "Did you mean `check`?" in said
    assert f"verdict on #{number}: allowed" in said


def test_a_change_without_a_topic_says_nothing_of_it(ada: Author, served: Served) -> None:
    bare, _ = ada.push("a", "fine\n")
    named, _ = ada.push("b", "fine\n", "topic=work")
    shown = {n: served.operator.get(f"/changes/{n}").text for n in (bare, named)}
    assert ">topic</span>" not in shown[bare]
    assert ">topic</span> work" in shown[named]
