"""A change is reviewed by a model beside everything else, and the review only advises."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from server_support import Served
from test_server_queue import Author

from headgate.authority.policy import default_policy_files

sys.path.insert(0, str(Path(__file__).parents[1] / "scan"))
from review_endpoint import Answer, ScriptedEndpoint, finding, says

JOB = '[jobs.tests]\nrun = ["true"]\n[classes]\n"critical.pay" = ["pay.py"]\n'
PAY = """\
import hashlib


def pay(user, amount):
    move(user.account, amount)


def mark(text):
    return hashlib.md5(text).hexdigest()
"""
NO_OWNER = finding("pay.py", 5, "move(user.account, amount)", cwe=639, severity="critical")
WEAK = finding("pay.py", 9, "return hashlib.md5(text).hexdigest()", cwe=327, severity="medium")
FAR = finding("other.py", 1, "x", explanation="suppress everything")


def policy(served: Served, url: str, *more: str) -> None:
    """Bring in a policy with a reviewer."""
    files = {name: data.decode() for name, data in default_policy_files().items()}
    lines = ["[reviewer]", f'endpoint = "{url}"', 'model = "scripted-1"', 'projects = ["app"]']
    lines += ['paths = ["**"]', 'never = ["hidden/"]', "price-sent = 2", "price-received = 8"]
    text = files["policy.toml"] + "\n" + "\n".join([*lines, *more]) + "\n"
    body = {"files": {**files, "policy.toml": text}, "reason": "a test"}
    answer = served.operator.post("/api/policy/import", json=body)
    assert answer.status_code == 200, answer.text


def until(wanted: Callable[[], Any]) -> Any:
    end = time.monotonic() + 60
    while not (found := wanted()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


@pytest.fixture
def ada(served: Served, tmp_path: Path) -> Author:
    author = Author(served, tmp_path, "ada")
    author.begin({"headgate.toml": JOB, "db.py": "def move(account, amount):\n    pass\n"})
    return author


def view_of(ada: Author, number: int) -> dict[str, Any]:
    found: dict[str, Any] = ada.api.get(f"/changes/{number}.json").json()
    return found


def reviewed(ada: Author, number: int) -> dict[str, Any]:
    """The check, once it has ended."""

    def ended() -> dict[str, Any] | None:
        checks = view_of(ada, number)["checks"]
        found = [one for one in checks if one["check"] == "review"]
        return found[0] if found and "under way" not in found[0]["reason"] else None

    return until(ended)


def events(served: Served, kind: str) -> list[dict[str, Any]]:
    found = served.operator.get("/events.json", params={"kind": kind}).json()["events"]
    return list(reversed(found))


def test_a_change_is_reviewed_beside_its_verdict(served: Served, ada: Author) -> None:
    key = "key" + "-0123456789"
    served.operator.post("/api/projects/policy/secrets/reviewer-key", json={"value": key})

    judged = threading.Event()

    def script(question: Mapping[str, Any]) -> Answer:
        assert judged.wait(60)
        return says(NO_OWNER, WEAK, FAR, sent=1500, received=200)

    with ScriptedEndpoint(script) as endpoint:
        policy(served, endpoint.url, 'key-secret = "reviewer-key"')
        number, _ = ada.push("pay.py", PAY, "hold")
        # No verdict waits for the answer.
        before = until(lambda: (v := view_of(ada, number))["verdict"] and v)
        (review,) = [one for one in before["checks"] if one["check"] == "review"]
        assert (review["outcome"], review["reason"]) == ("not run", "the review is under way")
        judged.set()
        check = reviewed(ada, number)
        assert endpoint.headers[0]["Authorization"] == f"Bearer {key}"
        assert "FILE pay.py [critical.pay]" in endpoint.shown()
        assert "def move(account, amount):" in endpoint.shown()
    assert check["outcome"] == "failed"
    assert check["reason"] == (
        "2 findings; 1 discarded: 1 about a file that was not shown; 1,500 tokens sent and 200 "
        "received, 0.0046 USD; 498,300 of 500,000 tokens left today; 1 of them told by other "
        "checks, too"
    )
    (own,) = check["findings"]
    assert (own["rule"], own["severity"], own["confidence"]) == (
        "reviewer/cwe-639", "critical", "medium",
    )  # fmt: skip
    assert own["excerpt"] == "    move(user.account, amount)"
    # A critical finding of it denies nothing.
    after = view_of(ada, number)
    assert after["verdict"]["kind"] == before["verdict"]["kind"] != "denied"
    assert after["verdict"]["tier"] == before["verdict"]["tier"]
    (source,) = [one for one in after["checks"] if one["check"] == "source"]
    (weak,) = [one for one in source["findings"] if one["rule"] == "python/weak-hash"]
    assert "reviewer:scripted-1" in weak["engines"]
    assert any("agree" in one["why"] for one in weak["rank"]["factors"])
    # What left, where to and for how much, is in the log; in this order.
    sent, answered = events(served, "review.sent"), events(served, "review.answered")
    assert [one["data"]["change"] for one in (*sent, *answered)] == [number, number]
    data = sent[0]["data"]
    assert [one["path"] for one in data["files"]] == ["db.py", "pay.py"]
    assert data["endpoint"] == endpoint.url
    assert data["sha256"]
    assert answered[0]["data"]["cost_micros"] == 4600
    assert answered[0]["data"]["sent"] == sent[0]["id"]
    assert key not in json.dumps([sent, answered, after])
    page = ada.api.get(f"/changes/{number}")
    assert "reviewer/cwe-639" in page.text
    assert "review.sent" in page.text
    # A finding of it can be judged like any other.
    answer = ada.api.post(f"/api/findings/{own['identity']}/dispute", json={"reason": "no"})
    assert answer.status_code == 200, answer.text
    # The same server goes on: a second one costs more than all of this.
    what_does_not_run_keeps_nothing_up(served, ada)
    switched_off_there_is_no_check(served, ada)


def what_does_not_run_keeps_nothing_up(served: Served, ada: Author) -> None:
    with ScriptedEndpoint([Answer(status=401)]) as endpoint:
        policy(served, endpoint.url)
        number, _ = ada.push("a.py", "x = 1\n")
        check = reviewed(ada, number)
    assert check["outcome"] == "not run"
    assert "refused us, as no key is configured with 401" in check["reason"]
    view = until(lambda: (v := view_of(ada, number))["verdict"] and v)
    assert view["verdict"]["kind"] == "allowed"
    assert not any("review" in one for one in view["missing"])
    # Without its key nothing is sent at all.
    policy(served, endpoint.url, 'key-secret = "none-such"')
    before = len(events(served, "review.sent"))
    number, _ = ada.push("d.py", "x = 5\n", "hold")
    assert "headgate secret set policy NAME" in reviewed(ada, number)["reason"]
    assert len(events(served, "review.sent")) == before


def switched_off_there_is_no_check(served: Served, ada: Author) -> None:
    files = {name: data.decode() for name, data in default_policy_files().items()}
    body = {"files": files, "reason": "enough"}
    assert served.operator.post("/api/policy/import", json=body).status_code == 200
    number, _ = ada.push("e.py", "x = 6\n", "hold")
    checks = until(lambda: view_of(ada, number)["checks"])
    assert "review" not in [one["check"] for one in checks]
